// Checks shards against each other and interleaves their rows.
#include "search/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "backdrop/error.h"
#include "loaders/file.h"
#include "loaders/npy.h"

namespace backdrop {
namespace {

RunIdentity without_shard(RunIdentity identity) {
  std::erase_if(identity, [](const auto& entry) { return entry.first == "shard"; });
  return identity;
}

template <typename T>
std::vector<T> read_array(const std::filesystem::path& path, std::size_t rows, std::size_t columns) {
  constexpr std::size_t kHeaderRoom = 4096;
  const std::vector<std::byte> bytes = read_file(path, rows * columns * sizeof(T) + kHeaderRoom);
  const NpyView view = parse_npy(bytes, path.string());
  if (view.header.shape != std::vector<std::size_t>{rows, columns})
    throw Error(ErrorCode::bad_input, fmt::format("is not an array of {} x {}", rows, columns),
                path.string());
  return view.values<T>(path.string());
}

}  // namespace

void check_shards(std::span<const ShardRun> shards) {
  const ShardRun& first = shards.front();
  std::vector<const ShardRun*> found(static_cast<std::size_t>(first.shard.count));
  for (const ShardRun& run : shards) {
    if (run.shard.count != first.shard.count)
      throw Error(ErrorCode::usage,
                  fmt::format("is shard {}, but {} is shard {}: shards of one run have the same n",
                              run.shard.text(), first.folder.string(), first.shard.text()),
                  run.folder.string());
    const std::string difference =
        identity_difference(without_shard(run.identity), without_shard(first.identity));
    if (!difference.empty())
      throw Error(ErrorCode::usage,
                  fmt::format("is no shard of the same run as {}: {}", first.folder.string(), difference),
                  run.folder.string());
    if (first.shard.count == 1 && shards.size() > 1)
      throw Error(ErrorCode::usage, "is a whole run and no shard: it cannot be put together with others",
                  run.folder.string());
    const ShardRun*& place = found[static_cast<std::size_t>(run.shard.index - 1)];
    if (place)
      throw Error(ErrorCode::usage,
                  fmt::format("is shard {} like {}", run.shard.text(), place->folder.string()),
                  run.folder.string());
    place = &run;
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!found[i]) missing.push_back(Shard{static_cast<int>(i) + 1, first.shard.count}.text());
  constexpr std::size_t kMostNamed = 20;
  if (missing.size() > kMostNamed) {
    missing.resize(kMostNamed);
    missing.emplace_back("...");
  }
  if (!missing.empty())
    throw Error(ErrorCode::usage, fmt::format("missing: shard {}", fmt::join(missing, ", ")));
}

PairMatrix read_answers(const std::filesystem::path& folder, int foregrounds, int backgrounds, int classes) {
  PairMatrix answers(foregrounds, backgrounds);
  const auto rows = static_cast<std::size_t>(foregrounds);
  const auto columns = static_cast<std::size_t>(backgrounds);
  answers.predictions = read_array<std::int16_t>(folder / "predictions.npy", rows, columns);
  answers.margins = read_array<float>(folder / "margins.npy", rows, columns);
  for (const std::int16_t prediction : answers.predictions)
    if (prediction < -1 || prediction >= classes)
      throw Error(ErrorCode::bad_input,
                  fmt::format("holds {}, which is none of the model's {} classes", prediction, classes),
                  (folder / "predictions.npy").string());
  return answers;
}

int shard_foregrounds(const Shard& shard, int total) {
  return (total - shard.index + shard.count) / shard.count;
}

void place_shard(const PairMatrix& answers, const Shard& shard, PairMatrix& whole) {
  for (int row = 0; row < answers.foregrounds; ++row) {
    const auto from = static_cast<std::ptrdiff_t>(answers.index(row, 0));
    const auto to = static_cast<std::ptrdiff_t>(
        whole.index(static_cast<int>(shard.foreground(static_cast<std::size_t>(row))), 0));
    std::copy_n(answers.predictions.begin() + from, answers.backgrounds, whole.predictions.begin() + to);
    std::copy_n(answers.margins.begin() + from, answers.backgrounds, whole.margins.begin() + to);
  }
}

}  // namespace backdrop
