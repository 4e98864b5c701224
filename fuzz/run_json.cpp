// The run.json of a finished run, as --resume and merging read it.
#include "fuzz/hostile.h"
#include "fuzz/scratch_folder.h"
#include "report/run_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  const fuzz::ScratchFolder& folder = fuzz::scratch_folder();
  folder.write("run.json", {data, size});
  fuzz::read_hostile([&] { read_run_identity(folder.path); });
  fuzz::read_hostile([&] { read_run_record(folder.path); });
  return 0;
}
