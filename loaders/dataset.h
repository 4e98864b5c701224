/// \file
/// The folder tree of the IN-9 release: ROOT/<variation>/val/<class dir>/*.JPEG and
/// ROOT/fg_mask/val/<class dir>/*.npy (https://github.com/MadryLab/backgrounds_challenge).
///
/// Photos end in .JPEG, .jpg, .jpeg or .png, in any case. Names that start with a dot and files of other
/// types are passed over, as torchvision's ImageFolder does; links are followed, broken ones are errors. Of
/// what else is passed over `notes`, where given, gets lines for people, with counts and an example.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace backdrop {

/// The nine classes of IN-9; class directories sort to the labels 0..8.
inline constexpr int kIn9Classes = 9;

/// One photo and its label.
struct Sample {
  std::filesystem::path path;
  int label = 0;
};

/// One foreground: photo, mask and label.
struct ForegroundFile {
  std::filesystem::path image;
  std::filesystem::path mask;
  int label = 0;
};

/// The variations of the release, in the order of the published table.
const std::vector<std::string>& in9_variations();

/// The nine class directories of ROOT/<variation>/val, sorted: index is label. Throws bad_input if the folder
/// is missing or does not hold exactly nine.
std::vector<std::string> list_classes(const std::filesystem::path& root, const std::string& variation);

/// Throws bad_input that names the odd folder unless all variations below ROOT that have nine class
/// directories have the same: by other names one variation's labels would be those of another's classes.
void check_class_names(const std::filesystem::path& root);

/// All photos of a variation, by class, then by name in byte order (as the published script reads them). A
/// class without photos is an error.
std::vector<Sample> list_samples(const std::filesystem::path& root, const std::string& variation,
                                 std::vector<std::string>* notes = nullptr);

/// All masks with their photos in `original`, by class, then by name. A mask without its photo is an error.
///
/// The class dirs of fg_mask may be any of those of `original`, so that a search can be run on a selection of
/// masks; one without a mask, one that `original` lacks and a tree without any mask are errors.
std::vector<ForegroundFile> list_foregrounds(const std::filesystem::path& root,
                                             std::vector<std::string>* notes = nullptr);

/// Whether ROOT/<variation>/val exists.
bool has_variation(const std::filesystem::path& root, const std::string& variation);

/// What to add to the complaint that a variation is missing: the folder in ROOT or above it that has the
/// variation, for ROOT is often one folder off; empty if none has.
std::string data_root_hint(const std::filesystem::path& root, const std::string& variation);

}  // namespace backdrop
