/// \file
/// What a search runs on: foregrounds with masks, and backgrounds.
///
/// \code
/// const auto data = backdrop::SearchData::load("bg_challenge");
///
/// std::vector<backdrop::ForegroundView> foregrounds{{"cat.png", 4, photo.view(), mask}};
/// std::vector<backdrop::BackgroundView> backgrounds{{"beach.png", 8, beach.view()}};
/// const auto own = backdrop::SearchData::copy(foregrounds, backgrounds);
/// const auto sample = data.part(std::array{0, 450, 900}, std::array{7, 8});
///
/// backdrop::SearchDataBuilder builder;  // the same without all photos in the caller's memory at once
/// while (reader.next())
///   builder.add(backdrop::BackgroundView{reader.name(), reader.label(), reader.photo()});
/// \endcode
///
/// Threads: SearchData never changes. It may be copied (cheaply: copies share everything) and used from any
/// number of threads at once; a SearchDataBuilder from one at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backdrop/export.h"
#include "backdrop/image_view.h"

namespace backdrop {

/// A photo whose masked part is pasted onto every background. Photo and mask are of one size.
struct ForegroundView {
  std::string name;
  int label = 0;
  ImageView photo;
  MaskView mask;
};

struct BackgroundView {
  std::string name;
  int label = 0;
  ImageView photo;
};

class BACKDROP_EXPORT SearchData {
 public:
  /// Moving copies, too: what was moved from is as good as before.
  SearchData(const SearchData& other) = default;
  SearchData& operator=(const SearchData& other) = default;

  /// Reads masks, their photos and all of `only_bg_t` from the tree of IN-9's release, with so many threads;
  /// 0: all that this process may use. Throws bad_input.
  static SearchData load(const std::filesystem::path& root, int threads = 0);

  /// Copies photos and masks from memory; all must be of one size. `class_names` has one for each label;
  /// empty: IN-9's nine. Throws usage.
  static SearchData copy(std::span<const ForegroundView> foregrounds,
                         std::span<const BackgroundView> backgrounds,
                         std::vector<std::string> class_names = {});

  /// These foregrounds and backgrounds, by their indices and in that order, with all classes: data of their
  /// own. Photos are copied, but not where all backgrounds stay in their order. Throws usage for an empty
  /// list and for an index that is none or given twice.
  SearchData part(std::span<const int> foregrounds, std::span<const int> backgrounds) const;

  int foregrounds() const noexcept;
  int backgrounds() const noexcept;
  int height() const noexcept;
  int width() const noexcept;
  std::span<const std::string> class_names() const noexcept;
  const std::string& foreground_name(int index) const;
  const std::string& background_name(int index) const;
  std::span<const int> foreground_labels() const noexcept;  ///< [F]
  std::span<const int> background_labels() const noexcept;  ///< [B]

  /// Views of the data, good as long as it or a copy of it lives. These, too, throw usage for an index that
  /// is none.
  ImageView foreground_photo(int index) const;
  MaskView foreground_mask(int index) const;
  ImageView background_photo(int index) const;
  /// The photo that a classifier is given for this pair.
  Photo composite(int foreground, int background) const;

  /// SHA-256 over classes, names, labels, pixels and masks, hex: the identity of the data. Computed at the
  /// first call, with the threads that `load` was given; by a search that comes first, with its session's.
  const std::string& sha256() const;

  struct Parts;

 private:
  friend struct Internals;
  friend class SearchDataBuilder;
  explicit SearchData(std::shared_ptr<const Parts> parts);
  std::shared_ptr<const Parts> parts_;
};

/// Takes photos and masks one at a time, as a caller reads or makes them.
class BACKDROP_EXPORT SearchDataBuilder {
 public:
  /// `class_names` as for SearchData::copy.
  explicit SearchDataBuilder(std::vector<std::string> class_names = {});
  ~SearchDataBuilder();
  SearchDataBuilder(const SearchDataBuilder&) = delete;
  SearchDataBuilder& operator=(const SearchDataBuilder&) = delete;

  /// Copies the photo and the mask, which must be of the first photo's size. Throws usage, and then has added
  /// nothing.
  void add(const ForegroundView& foreground);
  void add(const BackgroundView& background);

  /// What was added, in that order; the builder is then empty. Throws usage if there are no foregrounds or no
  /// backgrounds, or for a label that is none.
  SearchData finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace backdrop
