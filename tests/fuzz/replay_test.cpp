// Replays the seeds of fuzz/corpus, and each of them cut short, through the fuzz targets: a reader takes them
// or refuses them, on every compiler and under every sanitizer that the tests are built with.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

// clang-format off
#define BACKDROP_FUZZ_TARGETS(X) \
  X(class_map) X(image) X(journal) X(legacy_checkpoint) X(npy_mask) X(pickle) X(run_json) X(safetensors) \
  X(zip_checkpoint)
// clang-format on

#define DECLARE(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
BACKDROP_FUZZ_TARGETS(DECLARE)

namespace {

namespace fs = std::filesystem;

using Target = int (*)(const std::uint8_t*, std::size_t);

const std::map<std::string, Target>& targets() {
#define ENTRY(name) {#name, fuzz_##name},
  static const std::map<std::string, Target> all{BACKDROP_FUZZ_TARGETS(ENTRY)};
  return all;
}

fs::path corpus() {
  return fs::path(BACKDROP_SOURCE_DIR) / "fuzz" / "corpus";
}

std::vector<fs::path> seeds(const std::string& target) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(corpus() / target)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

class Replay : public ::testing::TestWithParam<std::string> {
 protected:
  /// On a copy of the exact size, so that the sanitizers see any read past its end.
  static void run(const std::vector<std::uint8_t>& bytes, std::size_t size) {
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NO_THROW(targets().at(GetParam())(input.data(), input.size()));
  }
};

TEST_P(Replay, SeedsAreTakenOrRefused) {
  const std::vector<fs::path> files = seeds(GetParam());
  ASSERT_FALSE(files.empty()) << "no seeds: run fuzz/make_corpus.py";
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string());
    std::ifstream stream(file, std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(stream), {}};
    run(bytes, bytes.size());
    for (std::size_t part = 0; part < 16; ++part) run(bytes, bytes.size() * part / 16);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, target] : targets()) all.push_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Targets, Replay, ::testing::ValuesIn(names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(Corpus, BelongsToTheTargets) {
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(corpus()))
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  const std::vector<std::string> all = names();
  EXPECT_EQ(folders, std::set<std::string>(all.begin(), all.end()));
}

}  // namespace
