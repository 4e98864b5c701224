/// \file
/// Tensors as a checkpoint file holds them - a view of a run of bytes - and their conversion to dense fp32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/checkpoint_bytes.h"
#include "loaders/tensor.h"

namespace backdrop {

enum class ElementType { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

/// Bytes of one element.
std::size_t element_size(ElementType type);

/// numpy's name of the type ("float16", "bool"; "bfloat16" for bf16).
std::string_view element_name(ElementType type);

/// Element [i0][i1]... is number `offset + sum(i * strides)` of the elements in `storage`.
struct RawTensor {
  ElementType type = ElementType::f32;
  Bytes storage;
  bool big_endian = false;
  std::uint64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< in elements, one for each dimension
};

/// Tensors by the names in the file, in the file's order.
using RawStateDict = std::vector<std::pair<std::string, RawTensor>>;

/// The number of elements, or nothing if a size is negative or the product passes 2^62.
std::optional<std::uint64_t> element_count(const std::vector<std::int64_t>& shape);

/// Strides of a dense row-major tensor of `shape`, whose element_count must exist.
std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape);

/// Copies a tensor out of its storage. Throws bad_input that names the tensor if the view leaves the storage,
/// or if it has more values than `budget`, which is then lowered by what it took: views may repeat their
/// storage, so the size of the file alone does not bound what they unfold to.
Tensor decode_tensor(const std::string& name, const RawTensor& raw, std::uint64_t& budget);

}  // namespace backdrop
