#include "report/run_files.h"
#include "report/run_record.h"

namespace backdrop {

ModelRecord model_record(const std::string& file, const Checkpoint& checkpoint, const Network& network,
                         const BuildReport& report) {
  return {.file = file,
          .sha256 = checkpoint.sha256,
          .format = checkpoint.format,
          .arch = report.arch,
          .classes = network.classes(),
          .parameters = report.checkpoint_parameters,
          .macs = network.macs(),
          .normalization = network.normalization,
          .normalization_source = report.normalization_source,
          .filled_in = {report.filled_in, first_names(report.missing)},
          .left_out = {report.left_out, first_names(report.unexpected)}};
}

}  // namespace backdrop
