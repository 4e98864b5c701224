/// \file
/// Bytes of a checkpoint file in memory and a bounds-checked cursor over them (little-endian, as every format
/// here).
///
/// The readers below load_checkpoint see bytes and no path: they throw bad_input without a file name, and
/// load_checkpoint adds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "backdrop/error.h"

namespace backdrop {

using Bytes = std::span<const std::uint8_t>;

/// A bad_input error whose file is filled in by load_checkpoint.
[[noreturn]] void refuse(const std::string& message);

/// `text` from a file as one printable line of at most 80 characters, for messages.
std::string printable(std::string_view text);

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads numbers and runs of bytes in order; throws bad_input that names `what` where the bytes end too
/// early.
class ByteCursor {
 public:
  ByteCursor(Bytes bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::size_t position() const noexcept { return position_; }
  std::size_t left() const noexcept { return bytes_.size() - position_; }

  Bytes take(std::uint64_t count) {
    if (count > left()) ends_early();
    const Bytes taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  template <typename Integer>
  Integer number() {
    Integer value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  /// The characters up to the next newline, which is passed over.
  std::string_view line(std::size_t longest);

 private:
  [[noreturn]] void ends_early() const;

  Bytes bytes_;
  std::string_view what_;
  std::size_t position_ = 0;
};

}  // namespace backdrop
