/// \file
/// Names in results. File names may be any bytes; results are UTF-8 throughout, where the same name is the
/// same everywhere: in run.json, the tables and the page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backdrop {

/// U+FFFD.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// What a text begins with: a character, or bytes that could begin one and then do not go on.
struct Utf8Front {
  std::size_t bytes;
  bool is_character;
};

/// Of a text that is not empty.
Utf8Front utf8_front(std::string_view text);

/// The text with U+FFFD for each piece that is no character, as Unicode recommends, the JSON library does and
/// Python's errors="replace".
std::string utf8_text(std::string_view text);

}  // namespace backdrop
