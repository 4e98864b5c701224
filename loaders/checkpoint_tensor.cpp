// Element by element, in the order of the dense result: the last dimension in the inner loop, the others as
// an odometer. A tensor that is dense already is one inner loop over all its values.
#include "loaders/checkpoint_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "loaders/half.h"

namespace backdrop {
namespace {

constexpr std::size_t kMostDimensions = 64;  // PyTorch's own limit

struct ElementTraits {
  std::size_t size;
  std::string_view name;
};

// In the order of ElementType.
constexpr std::array<ElementTraits, 13> kTraits = {{{2, "float16"},
                                                    {2, "bfloat16"},
                                                    {4, "float32"},
                                                    {8, "float64"},
                                                    {1, "int8"},
                                                    {2, "int16"},
                                                    {4, "int32"},
                                                    {8, "int64"},
                                                    {1, "uint8"},
                                                    {2, "uint16"},
                                                    {4, "uint32"},
                                                    {8, "uint64"},
                                                    {1, "bool"}}};

float from_bfloat(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

float from_boolean(std::uint8_t byte) {
  return byte != 0 ? 1.0f : 0.0f;
}

template <typename Value>
float rounded(Value value) {
  return static_cast<float>(value);
}

template <typename Stored, bool kBigEndian>
Stored load(const std::uint8_t* bytes) {
  std::array<std::uint8_t, sizeof(Stored)> copy;
  for (std::size_t i = 0; i < sizeof(Stored); ++i) copy[i] = bytes[kBigEndian ? sizeof(Stored) - 1 - i : i];
  return std::bit_cast<Stored>(copy);
}

template <typename Stored, float (*kConvert)(Stored), bool kBigEndian>
void copy_row(const std::uint8_t* first, std::int64_t stride, std::int64_t count, float* out) {
  constexpr auto kSize = static_cast<std::int64_t>(sizeof(Stored));
  if (stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = kConvert(load<Stored, kBigEndian>(first + i * kSize));
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = kConvert(load<Stored, kBigEndian>(first + i * stride * kSize));
  }
}

using RowCopier = void (*)(const std::uint8_t*, std::int64_t, std::int64_t, float*);

template <typename Stored, float (*kConvert)(Stored)>
RowCopier choose(bool big_endian) {
  return big_endian ? &copy_row<Stored, kConvert, true> : &copy_row<Stored, kConvert, false>;
}

RowCopier row_copier(ElementType type, bool big_endian) {
  switch (type) {
    case ElementType::f16:
      return choose<std::uint16_t, from_half>(big_endian);
    case ElementType::bf16:
      return choose<std::uint16_t, from_bfloat>(big_endian);
    case ElementType::f32:
      return choose<float, rounded<float>>(big_endian);
    case ElementType::f64:
      return choose<double, rounded<double>>(big_endian);
    case ElementType::i8:
      return choose<std::int8_t, rounded<std::int8_t>>(big_endian);
    case ElementType::i16:
      return choose<std::int16_t, rounded<std::int16_t>>(big_endian);
    case ElementType::i32:
      return choose<std::int32_t, rounded<std::int32_t>>(big_endian);
    case ElementType::i64:
      return choose<std::int64_t, rounded<std::int64_t>>(big_endian);
    case ElementType::u8:
      return choose<std::uint8_t, rounded<std::uint8_t>>(big_endian);
    case ElementType::u16:
      return choose<std::uint16_t, rounded<std::uint16_t>>(big_endian);
    case ElementType::u32:
      return choose<std::uint32_t, rounded<std::uint32_t>>(big_endian);
    case ElementType::u64:
      return choose<std::uint64_t, rounded<std::uint64_t>>(big_endian);
    case ElementType::boolean:
      return choose<std::uint8_t, from_boolean>(big_endian);
  }
  refuse("has tensors of an unknown type");
}

/// Number of the last element that the view touches, or nothing if that overflows or a stride is negative.
std::optional<std::uint64_t> last_element(const RawTensor& raw) {
  std::uint64_t last = raw.offset;
  for (std::size_t d = 0; d < raw.shape.size(); ++d) {
    if (raw.strides[d] < 0) return std::nullopt;
    std::uint64_t reach = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(raw.shape[d] - 1),
                               static_cast<std::uint64_t>(raw.strides[d]), &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return std::nullopt;
  }
  return last;
}

/// Checks the view against its storage and returns its number of elements.
std::uint64_t checked_count(const std::string& name, const RawTensor& raw) {
  if (raw.shape.size() > kMostDimensions || raw.strides.size() != raw.shape.size())
    refuse(fmt::format("tensor \"{}\" has {} sizes and {} strides", printable(name), raw.shape.size(),
                       raw.strides.size()));
  const std::optional<std::uint64_t> count = element_count(raw.shape);
  if (!count) refuse(fmt::format("tensor \"{}\" has impossible sizes", printable(name)));
  if (*count == 0) return 0;
  const std::optional<std::uint64_t> last = last_element(raw);
  if (!last) refuse(fmt::format("tensor \"{}\" has impossible strides", printable(name)));
  const std::uint64_t stored = raw.storage.size() / element_size(raw.type);
  if (*last >= stored)
    refuse(fmt::format("tensor \"{}\" reaches value {} of a storage that holds {}", printable(name), *last,
                       stored));
  return *count;
}

/// Copies row after row; `first` is element 0 of the storage and the view is known to lie within it.
void copy_strided(const RawTensor& raw, RowCopier copy, std::uint64_t count, float* out) {
  const auto size = static_cast<std::int64_t>(element_size(raw.type));
  const std::vector<std::int64_t> dense = row_major_strides(raw.shape);
  std::vector<std::int64_t> strides = raw.strides;
  // The stride of a dimension of size 1 means nothing: PyTorch writes any value there.
  for (std::size_t d = 0; d < strides.size(); ++d)
    if (raw.shape[d] == 1) strides[d] = dense[d];
  if (strides == dense) {
    copy(raw.storage.data() + static_cast<std::int64_t>(raw.offset) * size, 1,
         static_cast<std::int64_t>(count), out);
    return;
  }
  const std::size_t outer = raw.shape.size() - 1;  // a tensor without dimensions is row-major
  std::vector<std::int64_t> index(outer, 0);
  auto element = static_cast<std::int64_t>(raw.offset);
  for (std::uint64_t done = 0; done < count; done += static_cast<std::uint64_t>(raw.shape[outer])) {
    copy(raw.storage.data() + element * size, strides[outer], raw.shape[outer], out + done);
    for (std::size_t d = outer; d-- > 0;) {
      element += strides[d];
      if (++index[d] < raw.shape[d]) break;
      element -= strides[d] * raw.shape[d];
      index[d] = 0;
    }
  }
}

}  // namespace

std::size_t element_size(ElementType type) {
  return kTraits[static_cast<std::size_t>(type)].size;
}

std::string_view element_name(ElementType type) {
  return kTraits[static_cast<std::size_t>(type)].name;
}

std::optional<std::uint64_t> element_count(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(size), &count) || count >> 62 != 0) {
      return std::nullopt;
    }
  }
  return empty ? 0 : count;
}

std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * std::max<std::int64_t>(shape[d], 1);
  return strides;
}

Tensor decode_tensor(const std::string& name, const RawTensor& raw, std::uint64_t& budget) {
  const std::uint64_t count = checked_count(name, raw);
  if (count > budget)
    refuse(fmt::format("tensor \"{}\" unfolds to {} values, far more than a file of this size holds",
                       printable(name), count));
  budget -= count;
  Tensor tensor;
  tensor.shape = raw.shape;
  tensor.stored_as = element_name(raw.type);
  tensor.values.resize(count);
  if (count != 0) copy_strided(raw, row_copier(raw.type, raw.big_endian), count, tensor.values.data());
  return tensor;
}

}  // namespace backdrop
