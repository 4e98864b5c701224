/// \file
/// The legacy format of torch.save (before PyTorch 1.6, and still written with
/// _use_new_zipfile_serialization=False): five pickles in a row - magic number, protocol version, system
/// information, object tree, keys of the storages - and then each storage, in the order of the keys, behind
/// its number of values (torch/serialization.py, _legacy_save and _legacy_load).
#pragma once

#include "loaders/checkpoint_tensor.h"

namespace backdrop {

/// Whether the file starts as a pickle of protocol 2 to 5.
bool is_pickle(Bytes file);

/// The tensors of the state dict, referring to `file`, and the keys of `others` (FoundStateDict). Throws
/// bad_input.
RawStateDict read_legacy_checkpoint(Bytes file, std::vector<std::string>& others);

}  // namespace backdrop
