// The run.json of a finished run, as --resume, merging and the leaderboard read it; and as an eval.json.
#include "fuzz/hostile.h"
#include "fuzz/scratch_folder.h"
#include "report/page_sections.h"
#include "report/run_reader.h"
#include "report/run_summary.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  const fuzz::ScratchFolder& folder = fuzz::scratch_folder();
  folder.write("run.json", {data, size});
  fuzz::read_hostile([&] { read_run_identity(folder.path); });
  fuzz::read_hostile([&] { read_run_record(folder.path); });
  facts_section(std::string(reinterpret_cast<const char*>(data), size));
  folder.write("eval.json", {data, size});
  fuzz::read_hostile([&] {
    const RunSummary run = read_run_summary(folder.path);
    comparison_page({run, run});
    summaries_json({run});
  });
  return 0;
}
