/// \file
/// The zip format of torch.save (PyTorch 1.6 and later): `<folder>/data.pkl`, a pickle of the object tree,
/// and
/// `<folder>/data/<key>`, the bytes of each storage (torch/serialization.py, _save and _load).
#pragma once

#include "loaders/checkpoint_tensor.h"

namespace backdrop {

/// Whether the file starts as a zip archive.
bool is_zip(Bytes file);

/// The tensors of the state dict, referring to `file`, and the keys of `others` (FoundStateDict). Throws
/// bad_input.
RawStateDict read_zip_checkpoint(Bytes file, std::vector<std::string>& others);

}  // namespace backdrop
