// Well-formed UTF-8 is that of table 3-7 of the Unicode standard.
#include "report/utf8.h"

namespace backdrop {
namespace {

std::size_t character_bytes(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;  // continues a character, or is overlong
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

}  // namespace

Utf8Front utf8_front(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = character_bytes(first);
  if (length == 0) return {1, false};
  // The second byte keeps out what is overlong, the surrogates and what is above U+10FFFF.
  unsigned char lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false};
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < lowest || byte > highest) return {i, false};
    lowest = 0x80;
    highest = 0xBF;
  }
  return {length, true};
}

std::string utf8_text(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Utf8Front front = utf8_front(text);
    result += front.is_character ? text.substr(0, front.bytes) : kReplacementCharacter;
    text.remove_prefix(front.bytes);
  }
  return result;
}

}  // namespace backdrop
