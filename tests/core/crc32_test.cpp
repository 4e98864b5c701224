#include "core/crc32.h"

#include <gtest/gtest.h>

#include <string>

namespace backdrop {
namespace {

std::uint32_t crc32_of(const std::string& text) {
  return crc32(std::as_bytes(std::span(text)));
}

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32_of(""), 0u);
  EXPECT_EQ(crc32_of("IEND"), 0xae426082u);
  EXPECT_EQ(crc32_of("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32_of("The quick brown fox jumps over the lazy dog"), 0x414fa339u);
}

}  // namespace
}  // namespace backdrop
