/// \file
/// What the challenge runs on, in memory: foregrounds with masks, and backgrounds.
///
/// `load_challenge_input` reads the release's tree; a program that embeds the search fills a ChallengeInput
/// itself.
///
/// \code
/// ThreadPool pool;
/// ChallengeInput input = load_challenge_input("bg_challenge", pool);
/// std::string identity = manifest_sha256(input, pool);
/// \endcode
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "loaders/class_map.h"
#include "loaders/image.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

/// A photo whose masked part is pasted onto every background.
struct Foreground {
  std::string name;  ///< the photo's file name
  int label = 0;
  Image image;
  Mask mask;
};

/// Name and class of a background; its pixels are in ChallengeInput::backgrounds.
struct BackgroundName {
  std::string name;
  int label = 0;
};

struct ChallengeInput {
  std::vector<std::string> classes;  ///< names by label
  std::vector<Foreground> foregrounds;
  std::vector<BackgroundName> background_names;
  /// Shared with the engine, in the order of their names.
  std::shared_ptr<const std::vector<Image>> backgrounds;
  std::vector<std::string> notes;  ///< for people, a line each: what was passed over when it was read

  std::vector<int> foreground_labels() const;
  std::vector<int> background_labels() const;
};

/// Reads masks, their photos and all of `only_bg_t` from the release's tree. Throws bad_input.
ChallengeInput load_challenge_input(const std::filesystem::path& root, ThreadPool& pool);

/// One of `count` equal parts of a search, which are merged afterwards: foregrounds index-1, index-1+count,
/// ...
struct Shard {
  int index = 1;  ///< 1 to count
  int count = 1;

  bool is_whole() const { return count == 1; }
  /// The foreground of the whole search in row `row` of the shard's.
  std::size_t foreground(std::size_t row) const {
    return static_cast<std::size_t>(index - 1) + row * static_cast<std::size_t>(count);
  }
  std::string text() const { return std::to_string(index) + "/" + std::to_string(count); }
};

/// "2/8". Throws usage.
Shard parse_shard(const std::string& text);

/// Throws usage if there are more shards than foregrounds: one without any has no answers to merge.
void check_shard(const Shard& shard, std::size_t foregrounds);

/// Leaves the shard's foregrounds and all backgrounds, after check_shard.
void select_shard(ChallengeInput& input, const Shard& shard);

/// Throws usage unless there is something to search, every photo and mask is of the network's size and every
/// label names a class.
void check_input(const ChallengeInput& input, const ValueShape& network_input);

/// SHA-256 over classes, names, labels and the decoded pixels and masks: the identity of the data, whatever
/// files they came from.
std::string manifest_sha256(const ChallengeInput& input, ThreadPool& pool);

/// SHA-256 of a class map's labels, a line each: its identity, whatever file it came from.
std::string class_map_sha256(const ClassMap& map);

/// A class map with the name that records have for it.
struct NamedClassMap {
  ClassMap map;
  /// "identity" or "published" (default_class_map), "given" by a program, or the file's path.
  std::string name;
};

/// Whether a map of that name is one of default_class_map's.
bool is_built_in(const std::string& class_map);

/// The map in `file`; if that is empty, the one that is built in for so many classes. Nothing if there is
/// none. Throws bad_input.
std::optional<NamedClassMap> choose_class_map(const std::filesystem::path& file, int classes);

}  // namespace backdrop
