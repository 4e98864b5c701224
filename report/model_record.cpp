#include <algorithm>

#include "report/run_record.h"

namespace backdrop {
namespace {

TensorNames tensor_names(std::size_t count, const std::vector<std::string>& names) {
  const auto kept = static_cast<std::ptrdiff_t>(std::min(names.size(), TensorNames::kMost));
  return {count, {names.begin(), names.begin() + kept}};
}

}  // namespace

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
          .filled_in = tensor_names(report.filled_in, report.missing),
          .left_out = tensor_names(report.left_out, report.unexpected)};
}

}  // namespace backdrop
