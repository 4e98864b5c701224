/// \file
/// Everything a result says about how it came to be, and the run's files made from it.
///
/// \code
/// folder.write("foregrounds.csv", foregrounds_csv(input, statistics));
/// folder.write("run.json", run_json(record, input, statistics));
/// \endcode
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/screening_report.h"
#include "loaders/checkpoint.h"
#include "models/build.h"
#include "search/inputs.h"
#include "search/rank_work.h"
#include "search/run_identity.h"
#include "search/statistics.h"

namespace backdrop {

/// Names and versions of the programs behind a result: "git", "oneDNN", ...
using Versions = std::vector<std::pair<std::string, std::string>>;

/// Some of a checkpoint's tensors: how many, and the names of the first, as far as the file has them.
struct TensorNames {
  static constexpr std::size_t kMost = 100;

  std::size_t count = 0;
  std::vector<std::string> names;
};

struct ModelRecord {
  std::string file;  ///< as the caller named it
  std::string sha256;
  std::string format;  ///< "pytorch-zip", ...
  std::string arch;
  int classes = 0;
  std::int64_t parameters = 0;
  std::int64_t macs = 0;
  Normalization normalization;
  std::string normalization_source;  ///< "given", "checkpoint", "in9" or "imagenet"
  TensorNames filled_in = {};        ///< missing tensors that a partial checkpoint was allowed
  TensorNames left_out = {};         ///< tensors of it that the architecture has no place for
};

/// `network` as build_network made it of the checkpoint in `file`.
ModelRecord model_record(const std::string& file, const Checkpoint& checkpoint, const Network& network,
                         const BuildReport& report);

struct EngineRecord {
  std::string device;  ///< "cpu"
  std::string description;
  int batch = 0;
  int threads = 0;
  int tile = 0;
  std::size_t workspace_bytes = 0;    ///< caches, activations and scratch memory
  std::size_t cache_bytes = 0;        ///< of those, the cached background features
  std::size_t cache_limit = 0;        ///< the most that they may take
  std::size_t peak_memory_bytes = 0;  ///< of the process, photos included
  std::int64_t multiply_adds = 0;     ///< done for composites; 0: not counted
  std::int64_t background_fills = 0;  ///< backgrounds computed for the cache, each anew where it had to leave
  std::vector<RankWork> ranks;        ///< what each of several ranks did; multiply_adds and fills are theirs
};

struct OptionsRecord {
  std::string mode;             ///< "first" or "all"
  std::string order = "plain";  ///< "plain", or "adaptive" for mode "first"
  Shard shard;
  bool reuse = true;
  std::size_t cache_memory = 0;
  bool allow_partial = false;
  std::string class_map = {};  ///< NamedClassMap::name
  std::string class_map_sha256 = {};
  std::string class_map_labels = {};  ///< class_map_text; empty for those built in
};

/// What records say of a class map: enough to have it again without its file.
void record_class_map(const NamedClassMap& map, OptionsRecord& options);

struct RunRecord {
  ModelRecord model;
  std::string data_path;
  std::string data_sha256;  ///< manifest_sha256
  OptionsRecord options;
  EngineRecord engine;
  std::optional<ScreeningReport> screening;  ///< below fp32
  Versions versions;
  std::string started;  ///< UTC, "2020-06-24T12:00:00Z"
  double load_seconds = 0;
  double search_seconds = 0;
  std::size_t evaluated = 0;  ///< composites computed
  std::size_t recorded = 0;   ///< of those, the ones that the mode asks for
  std::size_t resumed = 0;    ///< of those evaluated, the ones of earlier sessions
  bool complete = true;       ///< false: stopped by the budget

  /// What it was decided in: "fp32", "int8", "int8, fp16" with a second precision.
  std::string precision() const;
};

/// The precision to ask for, to decide in what RunRecord::precision() says: "int8" for "int8, fp16".
std::string asked_precision(const std::string& precision);

/// What another run must have in common with this one to be a continuation of it. `screening` must be known:
/// below fp32 margins are those of the precision.
RunIdentity run_identity(const RunRecord& record);

/// Backgrounds listed for each class in run.json and the page.
inline constexpr int kBackgroundsListed = 5;

/// By class, the most adversarial backgrounds; none where the mode left pairs out, for then they cannot be
/// compared.
std::vector<std::vector<int>> listed_backgrounds(const RunRecord& record, const ChallengeInput& input,
                                                 const ChallengeStatistics& statistics,
                                                 int count = kBackgroundsListed);

/// run.json: the record, the challenge accuracy, the classes and their most adversarial backgrounds.
std::string run_json(const RunRecord& record, const ChallengeInput& input,
                     const ChallengeStatistics& statistics);

/// One row a foreground, in the order of the matrices' rows. Empty cells: nothing to say.
std::string foregrounds_csv(const ChallengeInput& input, const ChallengeStatistics& statistics);

/// One row a background, in the order of the matrices' columns.
std::string backgrounds_csv(const ChallengeInput& input, const ChallengeStatistics& statistics);

/// "wheeled vehicle" for the class folder "02_wheeled vehicle".
std::string class_display_name(const std::string& folder);

}  // namespace backdrop
