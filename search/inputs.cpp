// Reads the challenge's photos and masks into memory and names them by what they hold.
#include "search/inputs.h"

#include <fmt/format.h>

#include <cstdio>

#include "backdrop/error.h"
#include "core/hash.h"
#include "loaders/dataset.h"
#include "loaders/file.h"

namespace backdrop {
namespace {

constexpr const char* kBackgroundVariation = "only_bg_t";

template <typename Files, typename PathOf>
std::vector<std::filesystem::path> paths_of(const Files& files, PathOf path_of) {
  std::vector<std::filesystem::path> paths;
  paths.reserve(files.size());
  for (const auto& file : files) paths.push_back(path_of(file));
  return paths;
}

std::vector<Foreground> load_foregrounds(const std::filesystem::path& root, ThreadPool& pool,
                                         std::vector<std::string>& notes) {
  const std::vector<ForegroundFile> files = list_foregrounds(root, &notes);
  std::vector<Image> images =
      read_images(paths_of(files, [](const ForegroundFile& file) { return file.image; }), pool);
  std::vector<Mask> masks =
      read_masks(paths_of(files, [](const ForegroundFile& file) { return file.mask; }), pool);
  std::vector<Foreground> foregrounds;
  for (std::size_t i = 0; i < files.size(); ++i)
    foregrounds.push_back(
        {files[i].image.filename().string(), files[i].label, std::move(images[i]), std::move(masks[i])});
  return foregrounds;
}

std::string hash_of(const std::vector<std::uint8_t>& bytes) {
  return sha256_of(bytes.data(), bytes.size());
}

void check_size(const char* what, const std::string& name, int height, int width, std::size_t values,
                std::size_t channels, const ValueShape& expected) {
  if (height != expected.height || width != expected.width || values != channels * height * width)
    throw Error(ErrorCode::usage,
                fmt::format("{} is {} x {}: the network takes {} x {}", what, height, width, expected.height,
                            expected.width),
                name);
}

void check_label(int label, const std::string& name, std::size_t classes) {
  if (label < 0 || static_cast<std::size_t>(label) >= classes)
    throw Error(ErrorCode::usage, fmt::format("label {} is not one of the {} classes", label, classes), name);
}

}  // namespace

std::vector<int> ChallengeInput::foreground_labels() const {
  std::vector<int> labels;
  for (const Foreground& foreground : foregrounds) labels.push_back(foreground.label);
  return labels;
}

std::vector<int> ChallengeInput::background_labels() const {
  std::vector<int> labels;
  for (const BackgroundName& background : background_names) labels.push_back(background.label);
  return labels;
}

ChallengeInput load_challenge_input(const std::filesystem::path& root, ThreadPool& pool) {
  ChallengeInput input;
  input.classes = list_classes(root, kBackgroundVariation);
  check_class_names(root);
  input.foregrounds = load_foregrounds(root, pool, input.notes);
  const std::vector<Sample> samples = list_samples(root, kBackgroundVariation, &input.notes);
  input.backgrounds = std::make_shared<const std::vector<Image>>(
      read_images(paths_of(samples, [](const Sample& sample) { return sample.path; }), pool));
  for (const Sample& sample : samples)
    input.background_names.push_back({sample.path.filename().string(), sample.label});
  if (input.foregrounds.empty())
    throw Error(ErrorCode::bad_input, "holds no masks in fg_mask/val", root.string());
  if (samples.empty()) throw Error(ErrorCode::bad_input, "holds no photos in only_bg_t/val", root.string());
  return input;
}

Shard parse_shard(const std::string& text) {
  Shard shard;
  int read = 0;
  const int fields = std::sscanf(text.c_str(), "%6d/%6d%n", &shard.index, &shard.count, &read);
  if (fields != 2 || static_cast<std::size_t>(read) != text.size() || shard.index < 1 ||
      shard.index > shard.count)
    throw Error(ErrorCode::usage, fmt::format("'{}' is no shard: write i/n with i from 1 to n", text));
  return shard;
}

void check_shard(const Shard& shard, std::size_t foregrounds) {
  if (static_cast<std::size_t>(shard.count) <= foregrounds) return;
  throw Error(ErrorCode::usage,
              fmt::format("shard {} is of more shards than there are foregrounds, so that one would be empty "
                          "and none could be merged: n may be at most {}",
                          shard.text(), foregrounds));
}

void select_shard(ChallengeInput& input, const Shard& shard) {
  check_shard(shard, input.foregrounds.size());
  std::vector<Foreground> selected;
  for (std::size_t row = 0; shard.foreground(row) < input.foregrounds.size(); ++row)
    selected.push_back(std::move(input.foregrounds[shard.foreground(row)]));
  input.foregrounds = std::move(selected);
}

void check_input(const ChallengeInput& input, const ValueShape& network_input) {
  if (input.foregrounds.empty()) throw Error(ErrorCode::usage, "there are no foregrounds to search");
  if (!input.backgrounds || input.backgrounds->empty())
    throw Error(ErrorCode::usage, "there are no backgrounds to search");
  if (input.backgrounds->size() != input.background_names.size())
    throw Error(ErrorCode::usage, fmt::format("there are {} backgrounds but {} names",
                                              input.backgrounds->size(), input.background_names.size()));
  for (const Foreground& foreground : input.foregrounds) {
    const Image& image = foreground.image;
    const Mask& mask = foreground.mask;
    check_label(foreground.label, foreground.name, input.classes.size());
    check_size("the photo", foreground.name, image.height, image.width, image.pixels.size(), 3,
               network_input);
    check_size("the mask", foreground.name, mask.height, mask.width, mask.values.size(), 1, network_input);
  }
  for (std::size_t b = 0; b < input.background_names.size(); ++b) {
    const auto& [name, label] = input.background_names[b];
    const Image& image = (*input.backgrounds)[b];
    check_label(label, name, input.classes.size());
    check_size("the background", name, image.height, image.width, image.pixels.size(), 3, network_input);
  }
}

std::string manifest_sha256(const ChallengeInput& input, ThreadPool& pool) {
  std::vector<std::string> foregrounds(input.foregrounds.size());
  pool.run(foregrounds.size(), [&](std::size_t i, int) {
    const Foreground& foreground = input.foregrounds[i];
    foregrounds[i] =
        fmt::format("foreground {} {} {} {}\n", foreground.label, hash_of(foreground.image.pixels),
                    hash_of(foreground.mask.values), foreground.name);
  });
  std::vector<std::string> backgrounds(input.background_names.size());
  pool.run(backgrounds.size(), [&](std::size_t i, int) {
    const auto& [name, label] = input.background_names[i];
    backgrounds[i] =
        fmt::format("background {} {} {}\n", label, hash_of((*input.backgrounds)[i].pixels), name);
  });
  Sha256 hash;
  const auto add = [&hash](const std::string& line) { hash.update(line.data(), line.size()); };
  for (const std::string& name : input.classes) add(fmt::format("class {}\n", name));
  for (const std::string& line : foregrounds) add(line);
  for (const std::string& line : backgrounds) add(line);
  return hash.hex();
}

std::string class_map_sha256(const ClassMap& map) {
  Sha256 hash;
  for (const int label : map.in9) {
    const std::string line = fmt::format("{}\n", label);
    hash.update(line.data(), line.size());
  }
  return hash.hex();
}

bool is_built_in(const std::string& class_map) {
  return class_map == "identity" || class_map == "published";
}

std::optional<NamedClassMap> choose_class_map(const std::filesystem::path& file, int classes) {
  constexpr int kImageNetClasses = 1000;
  if (!file.empty()) return NamedClassMap{read_class_map(file, classes), absolute_path(file)};
  if (classes == kIn9Classes) return NamedClassMap{default_class_map(classes), "identity"};
  if (classes == kImageNetClasses) return NamedClassMap{default_class_map(classes), "published"};
  return std::nullopt;
}

}  // namespace backdrop
