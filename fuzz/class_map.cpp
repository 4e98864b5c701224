// Class maps: a flat JSON object with every class of a model of nine.
#include "loaders/class_map.h"

#include <algorithm>

#include "fuzz/hostile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  constexpr int kClasses = 9;
  fuzz::read_hostile([&] {
    const ClassMap map = parse_class_map(fuzz::as_bytes(data, size), kClasses, "map.json");
    fuzz::require(map.in9.size() == kClasses, "a map has every class");
    fuzz::require(std::ranges::all_of(map.in9, [](int label) { return label >= -1 && label < 9; }),
                  "a map leads to labels");
  });
  return 0;
}
