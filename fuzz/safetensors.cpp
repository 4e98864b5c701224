// Safetensors: the JSON header and the tensors it points at.
#include "fuzz/checkpoint_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  backdrop::fuzz::read_checkpoint_bytes(data, size);
  return 0;
}
