/// \file
/// What every fuzz target promises: a reader takes hostile bytes or refuses them as bad input. Anything else
/// it throws leaves the target and is a finding, as is whatever the sanitizers see.
///
/// \code
/// // In LLVMFuzzerTestOneInput(data, size):
/// fuzz::read_hostile([&] { parse_npy(fuzz::as_bytes(data, size), "input.npy"); });
/// \endcode
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>

#include "backdrop/error.h"

namespace backdrop::fuzz {

/// A finding unless `holds`.
inline void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// Runs a reader. Whether it took its input.
template <typename Reader>
bool read_hostile(Reader&& reader) {
  try {
    reader();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input) throw;
    const std::string_view message = error.what();
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
    require(!message.empty() && std::ranges::none_of(message, is_control), "an error is one line of text");
    return false;
  }
}

inline std::span<const std::byte> as_bytes(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

}  // namespace backdrop::fuzz
