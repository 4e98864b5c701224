// The search's input, from the release's tree or from memory.
#include "backdrop/search_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "api/parts.h"
#include "backdrop/error.h"
#include "core/parallel.h"
#include "kernels/composite.h"
#include "loaders/dataset.h"
#include "loaders/file.h"
#include "search/inputs.h"

namespace backdrop {
namespace {

const std::vector<std::string> kIn9ClassNames = {
    "00_dog",       "01_bird",   "02_wheeled vehicle",    "03_reptile",
    "04_carnivore", "05_insect", "06_musical instrument", "07_primate",
    "08_fish"};

ValueShape size_of(const ChallengeInput& input) {
  const Image& first = input.backgrounds->front();
  return {first.height, first.width, 3};
}

std::shared_ptr<SearchData::Parts> make_parts(ChallengeInput input) {
  auto parts = std::make_shared<SearchData::Parts>();
  parts->input = std::move(input);
  parts->size = size_of(parts->input);
  check_input(parts->input, parts->size);
  parts->foreground_labels = parts->input.foreground_labels();
  parts->background_labels = parts->input.background_labels();
  return parts;
}

/// As a place in a list of `count`. Throws usage, naming `what`, if it is none.
std::size_t place_of(int index, std::size_t count, const char* what) {
  if (index < 0 || static_cast<std::size_t>(index) >= count)
    throw Error(ErrorCode::usage, fmt::format("{} {} of {}", what, index, count));
  return static_cast<std::size_t>(index);
}

/// Throws usage unless there are some, and each of another place.
std::vector<std::size_t> places_of(std::span<const int> indices, std::size_t count, const char* what) {
  if (indices.empty()) throw Error(ErrorCode::usage, fmt::format("a part without a {}", what));
  std::vector<std::size_t> places;
  std::vector<bool> taken(count);
  for (const int index : indices) {
    const std::size_t place = places.emplace_back(place_of(index, count, what));
    if (taken[place]) throw Error(ErrorCode::usage, fmt::format("{} {} is given twice", what, index));
    taken[place] = true;
  }
  return places;
}

template <typename T>
std::vector<T> chosen(const std::vector<T>& all, const std::vector<std::size_t>& places) {
  std::vector<T> some;
  some.reserve(places.size());
  for (const std::size_t place : places) some.push_back(all[place]);
  return some;
}

}  // namespace

SearchData::SearchData(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

SearchData SearchData::load(const std::filesystem::path& root, int threads) {
  check_threads(threads);
  ThreadPool pool(threads);
  auto parts = make_parts(load_challenge_input(root, pool));
  parts->root = absolute_path(root);
  parts->threads = threads;
  return SearchData(std::move(parts));
}

SearchData SearchData::copy(std::span<const ForegroundView> foregrounds,
                            std::span<const BackgroundView> backgrounds,
                            std::vector<std::string> class_names) {
  SearchDataBuilder builder(std::move(class_names));
  for (const ForegroundView& view : foregrounds) builder.add(view);
  for (const BackgroundView& view : backgrounds) builder.add(view);
  return builder.finish();
}

SearchData SearchData::part(std::span<const int> foregrounds, std::span<const int> backgrounds) const {
  const ChallengeInput& all = parts_->input;
  const auto rows = places_of(foregrounds, all.foregrounds.size(), "foreground");
  const auto columns = places_of(backgrounds, all.backgrounds->size(), "background");
  const bool whole =
      columns.size() == all.backgrounds->size() && std::is_sorted(columns.begin(), columns.end());
  ChallengeInput input;
  input.classes = all.classes;
  input.foregrounds = chosen(all.foregrounds, rows);
  input.background_names = chosen(all.background_names, columns);
  input.backgrounds =
      whole ? all.backgrounds : std::make_shared<const std::vector<Image>>(chosen(*all.backgrounds, columns));
  auto parts = make_parts(std::move(input));
  parts->threads = parts_->threads;
  return SearchData(std::move(parts));
}

struct SearchDataBuilder::Parts {
  std::vector<std::string> classes;
  std::optional<ValueShape> size;  // of the first photo
  std::vector<Foreground> foregrounds;
  std::vector<Image> background_images;
  std::vector<BackgroundName> background_names;

  /// That of all photos, which begins with this one's.
  ValueShape size_with(const ImageView& photo) const {
    if (size) return *size;
    if (photo.height < 1 || photo.height > kMaxImageExtent || photo.width < 1 ||
        photo.width > kMaxImageExtent)
      throw Error(ErrorCode::usage, fmt::format("a photo of {} x {}", photo.height, photo.width));
    return {photo.height, photo.width, 3};
  }
};

SearchDataBuilder::SearchDataBuilder(std::vector<std::string> class_names)
    : parts_(std::make_unique<Parts>()) {
  parts_->classes = class_names.empty() ? kIn9ClassNames : std::move(class_names);
}

SearchDataBuilder::~SearchDataBuilder() = default;

void SearchDataBuilder::add(const ForegroundView& foreground) {
  const auto& [name, label, photo, mask] = foreground;
  const ValueShape size = parts_->size_with(photo);
  parts_->foregrounds.push_back(
      {name, label, copy_image(photo, size, "photo " + name), copy_mask(mask, size, "the mask of " + name)});
  parts_->size = size;
}

void SearchDataBuilder::add(const BackgroundView& background) {
  const auto& [name, label, photo] = background;
  const ValueShape size = parts_->size_with(photo);
  parts_->background_images.push_back(copy_image(photo, size, "background " + name));
  parts_->background_names.push_back({name, label});
  parts_->size = size;
}

SearchData SearchDataBuilder::finish() {
  if (parts_->foregrounds.empty()) throw Error(ErrorCode::usage, "there are no foregrounds to search");
  if (parts_->background_images.empty()) throw Error(ErrorCode::usage, "there are no backgrounds to search");
  Parts added = std::exchange(*parts_, Parts());
  parts_->classes = added.classes;
  ChallengeInput input;
  input.classes = std::move(added.classes);
  input.foregrounds = std::move(added.foregrounds);
  input.backgrounds = std::make_shared<const std::vector<Image>>(std::move(added.background_images));
  input.background_names = std::move(added.background_names);
  return SearchData(make_parts(std::move(input)));
}

int SearchData::foregrounds() const noexcept {
  return static_cast<int>(parts_->foreground_labels.size());
}

int SearchData::backgrounds() const noexcept {
  return static_cast<int>(parts_->background_labels.size());
}

int SearchData::height() const noexcept {
  return parts_->size.height;
}

int SearchData::width() const noexcept {
  return parts_->size.width;
}

std::span<const std::string> SearchData::class_names() const noexcept {
  return parts_->input.classes;
}

const std::string& SearchData::foreground_name(int index) const {
  return parts_->foreground(index).name;
}

const std::string& SearchData::background_name(int index) const {
  const auto& names = parts_->input.background_names;
  return names[place_of(index, names.size(), "background")].name;
}

std::span<const int> SearchData::foreground_labels() const noexcept {
  return parts_->foreground_labels;
}

std::span<const int> SearchData::background_labels() const noexcept {
  return parts_->background_labels;
}

ImageView SearchData::foreground_photo(int index) const {
  const Image& photo = parts_->foreground(index).image;
  return {photo.pixels, photo.height, photo.width};
}

MaskView SearchData::foreground_mask(int index) const {
  const Mask& mask = parts_->foreground(index).mask;
  return {mask.values, mask.height, mask.width};
}

ImageView SearchData::background_photo(int index) const {
  const Image& photo = parts_->background(index);
  return {photo.pixels, photo.height, photo.width};
}

Photo SearchData::composite(int foreground, int background) const {
  const auto& [name, label, photo, mask] = parts_->foreground(foreground);
  const Image& behind = parts_->background(background);
  Photo result{photo.height, photo.width, std::vector<std::uint8_t>(photo.pixels.size())};
  kernels::composite_photo_cpu(photo.pixels.data(), behind.pixels.data(), mask.values.data(),
                               mask.values.size(), result.pixels.data());
  return result;
}

const std::string& SearchData::sha256() const {
  return parts_->hash(parts_->threads);
}

const Foreground& SearchData::Parts::foreground(int index) const {
  return input.foregrounds[place_of(index, input.foregrounds.size(), "foreground")];
}

const Image& SearchData::Parts::background(int index) const {
  return (*input.backgrounds)[place_of(index, input.backgrounds->size(), "background")];
}

const std::string& SearchData::Parts::hash(int with_threads) const {
  std::call_once(hashed, [&] {
    ThreadPool pool(with_threads);
    sha256 = manifest_sha256(input, pool);
  });
  return sha256;
}

}  // namespace backdrop
