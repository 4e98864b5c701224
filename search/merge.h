/// \file
/// Shards of a search put together: which must be there, and their answers as one matrix.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "search/inputs.h"
#include "search/pair_matrix.h"
#include "search/run_identity.h"

namespace backdrop {

/// A finished shard as its folder describes it.
struct ShardRun {
  std::filesystem::path folder;
  Shard shard;
  RunIdentity identity;
};

/// Throws usage unless the shards are all those of one run: of the same inputs and options, each once. What
/// is missing is named.
void check_shards(std::span<const ShardRun> shards);

/// The answers of a finished run of `foregrounds` by `backgrounds`. Throws bad_input if the arrays are of
/// another size or name classes that the model does not have.
PairMatrix read_answers(const std::filesystem::path& folder, int foregrounds, int backgrounds, int classes);

/// The number of foregrounds of `total` that are the shard's.
int shard_foregrounds(const Shard& shard, int total);

/// Copies a shard's rows to where they are in the whole search.
void place_shard(const PairMatrix& answers, const Shard& shard, PairMatrix& whole);

}  // namespace backdrop
