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
#include <string>
#include <vector>

#include "core/parallel.h"
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
  std::shared_ptr<const std::vector<Image>>
      backgrounds;  ///< shared with the engine, in the order of their names

  std::vector<int> foreground_labels() const;
  std::vector<int> background_labels() const;
};

/// Reads masks, their photos and all of `only_bg_t` from the release's tree. Throws bad_input.
ChallengeInput load_challenge_input(const std::filesystem::path& root, ThreadPool& pool);

/// Throws usage unless there is something to search, every photo and mask is of the network's size and every
/// label names a class.
void check_input(const ChallengeInput& input, const ValueShape& network_input);

/// SHA-256 over classes, names, labels and the decoded pixels and masks: the identity of the data, whatever
/// files they came from.
std::string manifest_sha256(const ChallengeInput& input, ThreadPool& pool);

}  // namespace backdrop
