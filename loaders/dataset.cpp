// The folder tree of the IN-9 release. Names are sorted by their bytes: the labels, and the order in which an
// early exit meets the backgrounds, must not depend on the file system or the locale.
#include "loaders/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "loaders/file.h"

namespace backdrop {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMaskVariation = "fg_mask";

enum class Kind { folder, file };

/// What a folder holds beside what is read.
struct PassedOver {
  std::size_t count = 0;
  std::string example;

  void add(const fs::path& path) {
    if (count++ == 0) example = path.string();
  }
};

/// Names of one kind in a folder, sorted by bytes; those that `is_wanted` refuses and other kinds are counted
/// in `passed_over`.
template <typename IsWanted>
std::vector<std::string> list_names(const fs::path& folder, Kind kind, IsWanted is_wanted,
                                    PassedOver& passed_over) {
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
      const bool fits = kind == Kind::folder ? fs::is_directory(status) : fs::is_regular_file(status);
      if (fits && is_wanted(name))
        names.push_back(name);
      else
        passed_over.add(entries->path());
    }
    entries.increment(error);
    if (error) refuse(folder, "cannot be read as a folder: " + error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> list_folders(const fs::path& folder) {
  PassedOver files;
  return list_names(
      folder, Kind::folder, [](const std::string&) { return true; }, files);
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

bool is_mask(const std::string& name) {
  return lower_case(fs::path(name).extension().string()) == ".npy";
}

void note(std::vector<std::string>* notes, const std::string& line) {
  if (notes != nullptr) notes->push_back(line);
}

void note_passed_over(std::vector<std::string>* notes, const std::string& variation, const char* kind,
                      const PassedOver& passed_over) {
  if (passed_over.count > 0)
    note(notes, fmt::format("{}: passed over {} that {} no {}, as {}", variation, passed_over.count,
                            passed_over.count == 1 ? "is" : "are", kind, passed_over.example));
}

fs::path class_root(const fs::path& root, std::string_view variation) {
  std::error_code error;
  if (!fs::is_directory(root, error)) refuse(root, "no such data folder");
  const fs::path folder = root / variation / "val";
  if (!fs::is_directory(folder, error))
    refuse(folder, fmt::format("no such folder: the data set has no '{}' (expected DATA/{}/val/<class>/){}",
                               variation, variation, data_root_hint(root, std::string(variation))));
  return folder;
}

/// Photos of one class by name without extension.
std::map<std::string, fs::path> photos_by_stem(const fs::path& folder, PassedOver& passed_over) {
  std::map<std::string, fs::path> photos;
  for (const std::string& name : list_names(folder, Kind::file, is_photo, passed_over)) {
    const fs::path path = folder / name;
    const auto [existing, inserted] = photos.emplace(path.stem().string(), path);
    if (!inserted)
      refuse(path, fmt::format("and '{}' differ only in their extension: a mask could belong to either",
                               existing->second.filename().string()));
  }
  return photos;
}

/// The class folders of every variation that is there and has nine.
std::map<std::string, std::vector<std::string>> complete_variations(const fs::path& root) {
  std::map<std::string, std::vector<std::string>> complete;
  for (const std::string& variation : in9_variations()) {
    if (!has_variation(root, variation)) continue;
    std::vector<std::string> classes = list_folders(class_root(root, variation));
    if (classes.size() == static_cast<std::size_t>(kIn9Classes)) complete[variation] = std::move(classes);
  }
  return complete;
}

/// Collects foregrounds class by class, with what there is beside them.
struct ForegroundLister {
  const fs::path& root;
  std::vector<ForegroundFile> foregrounds = {};
  PassedOver other_masks = {};
  PassedOver other_photos = {};
  PassedOver without_mask = {};
  std::vector<std::string> empty_classes = {};
  std::size_t photos = 0;

  void add_class(const std::string& name, int label) {
    const fs::path photo_folder = root / "original" / "val" / name;
    const fs::path mask_folder = class_root(root, kMaskVariation) / name;
    std::map<std::string, fs::path> unmasked = photos_by_stem(photo_folder, other_photos);
    photos += unmasked.size();
    const std::size_t before = foregrounds.size();
    for (const std::string& file : list_names(mask_folder, Kind::file, is_mask, other_masks)) {
      const fs::path mask = mask_folder / file;
      const auto photo = unmasked.find(mask.stem().string());
      if (photo == unmasked.end())
        refuse(mask, fmt::format("has no photo: there is no '{}.JPEG' in '{}'", mask.stem().string(),
                                 photo_folder.string()));
      foregrounds.push_back({photo->second, mask, label});
      unmasked.erase(photo);
    }
    for (const auto& [stem, photo] : unmasked) without_mask.add(photo);
    if (foregrounds.size() == before) empty_classes.push_back(name);
  }
};

}  // namespace

const std::vector<std::string>& in9_variations() {
  static const std::vector<std::string> variations = {"original", "mixed_same", "mixed_rand", "mixed_next",
                                                      "only_fg",  "no_fg",      "only_bg_b",  "only_bg_t"};
  return variations;
}

std::vector<std::string> list_classes(const fs::path& root, const std::string& variation) {
  const fs::path folder = class_root(root, variation);
  std::vector<std::string> classes = list_folders(folder);
  if (classes.size() != static_cast<std::size_t>(kIn9Classes))
    refuse(folder, fmt::format("holds {} class folders where IN-9 has {}{}", classes.size(), kIn9Classes,
                               classes.empty() ? "" : fmt::format(" (found: {})", fmt::join(classes, ", "))));
  return classes;
}

void check_class_names(const fs::path& root) {
  const auto complete = complete_variations(root);
  // The names that most variations have are taken to be the right ones, so that the odd one out is named.
  std::map<std::vector<std::string>, int> votes;
  for (const auto& [variation, classes] : complete) ++votes[classes];
  if (votes.size() < 2) return;
  const auto most = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::vector<std::string>& right = most->first;
  for (const auto& [variation, classes] : complete) {
    for (const std::string& name : classes)
      if (!std::binary_search(right.begin(), right.end(), name))
        refuse(class_root(root, variation) / name,
               fmt::format("is a class that other variations lack (they have {}): labels follow the sorted "
                           "names, so all variations need the same",
                           fmt::join(right, ", ")));
  }
}

std::vector<Sample> list_samples(const fs::path& root, const std::string& variation,
                                 std::vector<std::string>* notes) {
  const std::vector<std::string> classes = list_classes(root, variation);
  std::vector<Sample> samples;
  PassedOver passed_over;
  for (int label = 0; label < kIn9Classes; ++label) {
    const fs::path folder = class_root(root, variation) / classes[static_cast<std::size_t>(label)];
    const std::size_t before = samples.size();
    for (const std::string& name : list_names(folder, Kind::file, is_photo, passed_over))
      samples.push_back({folder / name, label});
    if (samples.size() == before) refuse(folder, "holds no photos (.JPEG, .jpg, .jpeg or .png)");
  }
  note_passed_over(notes, variation, "photo (.JPEG, .jpg, .jpeg or .png)", passed_over);
  return samples;
}

std::vector<ForegroundFile> list_foregrounds(const fs::path& root, std::vector<std::string>* notes) {
  const std::vector<std::string> classes = list_classes(root, "original");
  const fs::path masks = class_root(root, kMaskVariation);
  const std::vector<std::string> masked = list_folders(masks);
  ForegroundLister lister{root};
  for (const std::string& name : masked) {
    const auto known = std::find(classes.begin(), classes.end(), name);
    if (known == classes.end())
      refuse(masks / name, fmt::format("is not a class of 'original' ({})", fmt::join(classes, ", ")));
    lister.add_class(name, static_cast<int>(known - classes.begin()));
  }
  if (lister.foregrounds.empty()) refuse(masks, "holds no masks (.npy)");
  if (!lister.empty_classes.empty())
    refuse(masks / lister.empty_classes.front(),
           "holds no masks (.npy): without this folder the class is left out");
  note_passed_over(notes, "original", "photo (.JPEG, .jpg, .jpeg or .png)", lister.other_photos);
  note_passed_over(notes, "fg_mask", "mask (.npy)", lister.other_masks);
  if (lister.without_mask.count > 0)
    note(notes, fmt::format("original: {} of {} photos have no mask and are no foregrounds, as {}",
                            lister.without_mask.count, lister.photos, lister.without_mask.example));
  for (const std::string& name : classes)
    if (!std::binary_search(masked.begin(), masked.end(), name))
      note(notes, fmt::format("fg_mask: the class {} has no folder, so no foregrounds", name));
  return std::move(lister.foregrounds);
}

bool has_variation(const fs::path& root, const std::string& variation) {
  std::error_code error;
  return fs::is_directory(root / variation / "val", error);
}

std::string data_root_hint(const fs::path& root, const std::string& variation) {
  std::error_code error;
  fs::path found;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error))
    if (has_variation(entry->path(), variation) && (found.empty() || entry->path() < found))
      found = entry->path();
  const fs::path within = fs::absolute(root, error).lexically_normal() / "";  // its parent is the root itself
  for (fs::path above = within.parent_path(); found.empty() && above.has_relative_path();) {
    above = above.parent_path();
    if (has_variation(above, variation)) found = above;
  }
  return found.empty() ? "" : fmt::format("; '{}' has one: is that the data folder?", found.string());
}

}  // namespace backdrop
