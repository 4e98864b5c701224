// Damage at every place: files cut at each byte are refused; files with flipped bits or overwritten bytes are
// refused or load, and nothing else. Run under the sanitizers this is the readers' fuzz test with fixed
// seeds.
#include <gtest/gtest.h>

#include <random>

#include "backdrop/error.h"
#include "file_writers.h"

namespace backdrop::testing {
namespace {

struct Sample {
  std::string name;
  std::string bytes;
};

std::vector<Sample> samples() {
  const std::string header =
      R"({"__metadata__":{"a":"b"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("b":{"dtype":"F16","shape":[1],"data_offsets":[24,26]}})";
  return {
      {"zip", read_text(fixtures() / "zip_float16.pt")},
      {"robustness_zip", read_text(fixtures() / "zip_robustness.pt")},
      {"legacy", read_text(fixtures() / "legacy_float16.pt")},
      {"robustness_legacy", read_text(fixtures() / "legacy_robustness.pt")},
      {"protocol4_legacy", read_text(fixtures() / "legacy_protocol4.pt")},
      {"safetensors", safetensors(header, small_storage() + "xx")},
      {"zip64", zip({{.name = "a/data.pkl", .data = pickle::whole(small_object()), .zip64 = true},
                     {.name = "a/data/0", .data = small_storage(), .zip64 = true}},
                    {.zip64_end = true})},
  };
}

class Damage : public ::testing::TestWithParam<Sample> {
 protected:
  /// Whether the file loads; every failure must be an error that calls the input bad.
  static bool loads(const std::string& bytes) {
    // A copy of the exact size on the heap, so that the sanitizers see any read past its end.
    const std::vector<std::uint8_t> file(bytes.begin(), bytes.end());
    try {
      parse_checkpoint(file);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input) << error.what();
      return false;
    }
  }
};

TEST_P(Damage, TheSampleItselfLoads) {
  EXPECT_TRUE(loads(GetParam().bytes));
}

TEST_P(Damage, EveryTruncationIsRefused) {
  const std::string& bytes = GetParam().bytes;
  for (std::size_t length = 0; length < bytes.size(); ++length)
    ASSERT_FALSE(loads(bytes.substr(0, length))) << "cut to " << length << " of " << bytes.size();
}

TEST_P(Damage, EveryFlippedBitLoadsOrIsRefused) {
  std::string bytes = GetParam().bytes;
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << i % 8));
    loads(bytes);
    bytes[i / 8] = GetParam().bytes[i / 8];
  }
}

TEST_P(Damage, OverwrittenRunsLoadOrAreRefused) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = GetParam().bytes;
    for (std::size_t run = 0; run < 1 + below(3); ++run) {
      const std::size_t first = below(bytes.size());
      const std::size_t length = std::min(1 + below(8), bytes.size() - first);
      const char fill = round % 3 == 0 ? '\xff' : static_cast<char>(random());
      for (std::size_t i = 0; i < length; ++i)
        bytes[first + i] = round % 3 == 2 ? bytes[below(bytes.size())] : fill;
    }
    loads(bytes);
  }
}

TEST_P(Damage, RemovedAndRepeatedRunsLoadOrAreRefused) {
  std::mt19937 random(11);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = GetParam().bytes;
    const std::size_t first = below(bytes.size());
    const std::size_t length = 1 + below(std::min<std::size_t>(64, bytes.size() - first));
    if (round % 2 == 0)
      bytes.erase(first, length);
    else
      bytes.insert(below(bytes.size()), bytes.substr(first, length));
    loads(bytes);
  }
}

TEST_P(Damage, BytesAfterTheEndOfItAreRefused) {
  EXPECT_FALSE(loads(GetParam().bytes + std::string(9, 'x')));
}

INSTANTIATE_TEST_SUITE_P(Samples, Damage, ::testing::ValuesIn(samples()),
                         [](const auto& parameter) { return parameter.param.name; });

TEST(ZipDamage, AFlippedBitOfAWeightIsNoticed) {
  std::string bytes = read_text(fixtures() / "zip_float16.pt");
  const std::size_t data = bytes.find("/data/0");
  ASSERT_NE(data, std::string::npos);
  bytes[data + 100] = static_cast<char>(bytes[data + 100] ^ 1);
  expect_refused(bytes, "checksum of its entry");
}

}  // namespace
}  // namespace backdrop::testing
