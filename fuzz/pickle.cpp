// One pickle, without an archive around it: the machine of opcodes, then the search for the state dict in
// what it built.
#include "loaders/pickle.h"

#include "fuzz/hostile.h"
#include "loaders/pickle_state_dict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backdrop;
  fuzz::read_hostile([&] {
    const Pickle pickle = read_pickle({data, size});
    fuzz::require(pickle.root != nullptr && pickle.size <= size, "a pickle ends inside its bytes");
    describe(*pickle.root);
    for (const auto& [name, tensor] : find_state_dict(pickle).tensors)
      fuzz::require(tensor != nullptr, "a state dict holds tensors");
  });
  return 0;
}
