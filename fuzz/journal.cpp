// A run's journal: its header, its records, and what a resumed search asks of it. Opened a second time, a
// journal that was cut to what holds has nothing more to cut.
#include "search/journal.h"

#include "fuzz/hostile.h"
#include "fuzz/scratch_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  fuzz::read_hostile([&] {
    const std::filesystem::path file = fuzz::scratch_folder().write("journal", {data, size});
    const Journal journal(file);
    fuzz::require(journal.bytes_cut_off() <= size, "a journal cuts off no more than it has");
    const Journal again(file);
    fuzz::require(again.bytes_cut_off() == 0 && again.blocks() == journal.blocks(), "what is kept holds");
    const int backgrounds[] = {0, 1, 2, 3};
    for (std::uint64_t number = 0; number < 4; ++number)
      for (std::size_t pairs = 1; pairs <= 4; ++pairs) {
        const Block block{
            .number = number, .pieces = {{0, std::span(backgrounds).first(pairs)}}, .pairs = pairs};
        fuzz::read_hostile([&] { journal.find(block); });
      }
  });
  return 0;
}
