/// \file
/// The safetensors format (https://huggingface.co/docs/safetensors): the length of a JSON header in eight
/// bytes, the header - name to dtype, shape and data_offsets - and the tensors, dense, row-major and
/// little-endian.
#pragma once

#include <map>
#include <string>

#include "loaders/checkpoint_tensor.h"

namespace backdrop {

/// Whether the file starts as a safetensors file; a damaged length still counts.
bool is_safetensors(Bytes file);

/// The tensors, referring to `file`, and the text pairs of `__metadata__`. Throws bad_input: the header must
/// be valid JSON of at most 100 MB without duplicate keys, and the tensors must cover the data without gap or
/// overlap.
RawStateDict read_safetensors(Bytes file, std::map<std::string, std::string>& metadata);

}  // namespace backdrop
