/// \file
/// numpy's .npy files, read and written: format versions 1 to 3
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
///
/// The header is padded so that the values start at a multiple of 64 bytes: a file can be mapped into memory
/// and rewritten in place.
///
/// \code
/// const std::vector<std::size_t> shape = {2, 3};
/// const std::vector<float> margins(6);
/// write_npy_bytes("margins.npy", npy_type<float>(), shape, std::as_bytes(std::span(margins)));
///
/// const std::vector<std::byte> bytes = read_file("margins.npy", 1 << 20);
/// const NpyView view = parse_npy(bytes, "margins.npy");
/// std::vector<float> values = view.values<float>("margins.npy");  // throws unless "<f4" in C order
/// \endcode
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace backdrop {

/// The values of a .npy file start at a multiple of this many bytes.
inline constexpr std::size_t kNpyAlignment = 64;

/// What the header of a .npy file says.
struct NpyHeader {
  std::string type;  ///< numpy's type string: "<f4", "|b1", ">i2", ...
  bool fortran_order = false;
  std::vector<std::size_t> shape;
  std::size_t item_bytes = 0;   ///< bytes of one value
  std::size_t count = 0;        ///< product of the shape
  std::size_t data_offset = 0;  ///< where the values start in the file
};

/// The type string of `T` as this machine (little-endian) stores it.
template <typename T>
constexpr std::string_view npy_type() {
  static_assert(std::is_arithmetic_v<T>);
  if constexpr (std::is_same_v<T, bool>) return "|b1";
  if constexpr (std::is_same_v<T, std::int8_t>) return "|i1";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "|u1";
  if constexpr (std::is_same_v<T, std::int16_t>) return "<i2";
  if constexpr (std::is_same_v<T, std::uint16_t>) return "<u2";
  if constexpr (std::is_same_v<T, std::int32_t>) return "<i4";
  if constexpr (std::is_same_v<T, std::uint32_t>) return "<u4";
  if constexpr (std::is_same_v<T, std::int64_t>) return "<i8";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "<u8";
  if constexpr (std::is_same_v<T, float>) return "<f4";
  if constexpr (std::is_same_v<T, double>) return "<f8";
}

/// Throws bad_input unless the header is of `type` in C order.
void require_npy_type(const NpyHeader& header, std::string_view type, const std::string& file);

/// A header and the bytes of the values it describes.
struct NpyView {
  NpyHeader header;
  std::span<const std::byte> data;  ///< header.count * header.item_bytes bytes

  /// A copy: the header, and so the file, decides where the values start, aligned for `T` or not.
  template <typename T>
  std::vector<T> values(const std::string& file) const {
    require_npy_type(header, npy_type<T>(), file);
    std::vector<T> copy(header.count);
    if (!copy.empty()) std::memcpy(copy.data(), data.data(), copy.size() * sizeof(T));
    return copy;
  }
};

/// The bytes before the values of a C-order array: magic, version 1 and the padded header.
std::string npy_header(std::string_view type, std::span<const std::size_t> shape);

/// Reads the header at the start of `bytes`, which may end anywhere behind it. Throws bad_input that names
/// `file`.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file);

/// Reads a whole file: header and exactly as many bytes as the shape needs. Throws bad_input that names
/// `file`.
NpyView parse_npy(std::span<const std::byte> bytes, const std::string& file);

/// Writes header and values in C order, replacing an existing file. Throws failed, also where the shape asks
/// for another number of bytes.
void write_npy_bytes(const std::filesystem::path& path, std::string_view type,
                     std::span<const std::size_t> shape, std::span<const std::byte> values);

}  // namespace backdrop
