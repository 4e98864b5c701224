// The folder tree of the IN-9 release. Names are sorted by their bytes: the labels, and the order in which an
// early exit meets the backgrounds, must not depend on the file system or the locale.
#include "loaders/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "backdrop/error.h"

namespace backdrop {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMaskVariation = "fg_mask";

[[noreturn]] void refuse(const fs::path& path, const std::string& message) {
  throw Error(ErrorCode::bad_input, message, path.string());
}

enum class Kind { folder, file };

/// Names of one kind in a folder, sorted by bytes.
std::vector<std::string> list_names(const fs::path& folder, Kind kind) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) refuse(folder, "cannot be read as a folder: " + error.message());
  std::vector<std::string> names;
  while (entries != fs::directory_iterator()) {
    const std::string name = entries->path().filename().string();
    if (!name.starts_with('.')) {
      const fs::file_status status = fs::status(entries->path(), error);
      if (status.type() == fs::file_type::not_found) refuse(entries->path(), "is a link to nothing");
      if (error) refuse(entries->path(), "cannot be followed: " + error.message());
      if (kind == Kind::folder ? fs::is_directory(status) : fs::is_regular_file(status))
        names.push_back(name);
    }
    entries.increment(error);
    if (error) refuse(folder, "cannot be read as a folder: " + error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool is_photo(const std::string& name) {
  const std::string extension = lower_case(fs::path(name).extension().string());
  return extension == ".jpeg" || extension == ".jpg" || extension == ".png";
}

fs::path class_root(const fs::path& root, std::string_view variation) {
  std::error_code error;
  if (!fs::is_directory(root, error)) refuse(root, "no such data folder");
  const fs::path folder = root / variation / "val";
  if (!fs::is_directory(folder, error))
    refuse(folder, fmt::format("no such folder: the data set has no '{}' (expected DATA/{}/val/<class>/)",
                               variation, variation));
  return folder;
}

/// Photos of one class by name without extension.
std::map<std::string, fs::path> photos_by_stem(const fs::path& folder) {
  std::map<std::string, fs::path> photos;
  for (const std::string& name : list_names(folder, Kind::file)) {
    if (!is_photo(name)) continue;
    const fs::path path = folder / name;
    const auto [existing, inserted] = photos.emplace(path.stem().string(), path);
    if (!inserted)
      refuse(path, fmt::format("and '{}' differ only in their extension: a mask could belong to either",
                               existing->second.filename().string()));
  }
  return photos;
}

}  // namespace

const std::vector<std::string>& in9_variations() {
  static const std::vector<std::string> variations = {"original", "mixed_same", "mixed_rand", "mixed_next",
                                                      "only_fg",  "no_fg",      "only_bg_b",  "only_bg_t"};
  return variations;
}

std::vector<std::string> list_classes(const fs::path& root, const std::string& variation) {
  const fs::path folder = class_root(root, variation);
  std::vector<std::string> classes = list_names(folder, Kind::folder);
  if (classes.size() != static_cast<std::size_t>(kIn9Classes))
    refuse(folder, fmt::format("holds {} class folders where IN-9 has {}{}", classes.size(), kIn9Classes,
                               classes.empty() ? "" : fmt::format(" (found: {})", fmt::join(classes, ", "))));
  return classes;
}

std::vector<Sample> list_samples(const fs::path& root, const std::string& variation) {
  const std::vector<std::string> classes = list_classes(root, variation);
  std::vector<Sample> samples;
  for (int label = 0; label < kIn9Classes; ++label) {
    const fs::path folder = class_root(root, variation) / classes[static_cast<std::size_t>(label)];
    const std::size_t before = samples.size();
    for (const std::string& name : list_names(folder, Kind::file))
      if (is_photo(name)) samples.push_back({folder / name, label});
    if (samples.size() == before) refuse(folder, "holds no photos (.JPEG, .jpg, .jpeg or .png)");
  }
  return samples;
}

std::vector<ForegroundFile> list_foregrounds(const fs::path& root) {
  const std::vector<std::string> classes = list_classes(root, "original");
  const fs::path masks = class_root(root, kMaskVariation);
  std::vector<ForegroundFile> foregrounds;
  for (const std::string& name : list_names(masks, Kind::folder)) {
    const auto known = std::find(classes.begin(), classes.end(), name);
    if (known == classes.end())
      refuse(masks / name, fmt::format("is not a class of 'original' ({})", fmt::join(classes, ", ")));
    const std::map<std::string, fs::path> photos = photos_by_stem(root / "original" / "val" / name);
    for (const std::string& file : list_names(masks / name, Kind::file)) {
      const fs::path mask = masks / name / file;
      if (lower_case(mask.extension().string()) != ".npy") continue;
      const auto photo = photos.find(mask.stem().string());
      if (photo == photos.end())
        refuse(mask, fmt::format("has no photo: there is no '{}.JPEG' in '{}'", mask.stem().string(),
                                 (root / "original" / "val" / name).string()));
      foregrounds.push_back({photo->second, mask, static_cast<int>(known - classes.begin())});
    }
  }
  if (foregrounds.empty()) refuse(masks, "holds no masks (.npy)");
  return foregrounds;
}

bool has_variation(const fs::path& root, const std::string& variation) {
  std::error_code error;
  return fs::is_directory(root / variation / "val", error);
}

}  // namespace backdrop
