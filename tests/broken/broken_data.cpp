// Broken photos, masks and data trees.
#include "broken_input.h"
#include "files.h"

namespace fs = std::filesystem;

namespace {

const std::string kPhoto = "data/original/val/02_wheeled vehicle/one.JPEG";
const std::string kMask = "data/fg_mask/val/02_wheeled vehicle/one.npy";
const std::string kBackground = "data/only_bg_t/val/02_wheeled vehicle/one.JPEG";
const std::string kPage = "<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n";
const std::string kPointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 44661\n";

BrokenInput photo(const std::string& name, const std::string& bytes, const std::string& says) {
  return {"photo_" + name, [bytes](const Problem& problem) { write_bytes(problem.photo(), bytes); }, kPhoto,
          says};
}

BrokenInput mask(const std::string& name, const std::string& bytes, const std::string& says) {
  return {"mask_" + name, [bytes](const Problem& problem) { write_bytes(problem.mask(), bytes); }, kMask,
          says};
}

std::string header(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
}

std::string zeros(std::size_t count) {
  return std::string(count, '\0');
}

}  // namespace

std::vector<BrokenInput> broken_photos() {
  const std::string good = jpeg(224, 224);
  std::string overwritten = good;
  overwritten.replace(good.size() / 4, good.size() / 2, good.size() / 2, '\xff');
  return {
      photo("is_cut_short", good.substr(0, good.size() / 2), "damaged JPEG"),
      photo("is_cut_in_its_header", good.substr(0, 40), "damaged JPEG"),
      photo("is_overwritten", overwritten, "damaged JPEG"),
      photo("is_a_web_page", kPage, "HTML"),
      photo("is_an_lfs_pointer", kPointer, "LFS"),
      photo("is_empty", "", "empty"),
      photo("is_text", "not a photo\n", "not an image"),
      photo("is_cmyk", jpeg(224, 224, 4), "CMYK"),
      photo("is_too_large", jpeg(256, 256), "256x256"),
      photo("is_too_narrow", jpeg(224, 223), "223x224"),
      photo("has_16_bits", png16(224, 224), "16 bits"),
      photo("is_a_gif", "GIF89a" + zeros(64), "GIF"),
      {"photo_is_a_folder",
       [](const Problem& problem) {
         fs::remove(problem.photo());
         fs::create_directory(problem.photo());
       },
       kMask, "photo"},
      {"photo_is_a_dead_link",
       [](const Problem& problem) {
         fs::remove(problem.photo());
         fs::create_symlink("nowhere.JPEG", problem.photo());
       },
       kPhoto, "link"},
      {"photo_is_missing", [](const Problem& problem) { fs::remove(problem.photo()); }, kMask, "photo"},
      {"background_is_cut_short", [](const Problem& problem) { truncate_file(problem.background(), 0.6); },
       kBackground, "damaged JPEG"},
      {"background_is_too_small",
       [](const Problem& problem) { write_bytes(problem.background(), jpeg(32, 32)); }, kBackground, "32x32"},
  };
}

std::vector<BrokenInput> broken_masks() {
  const std::string good = npy_mask(224, 224);
  std::string twos = good;
  twos.back() = '\2';
  return {
      mask("is_empty", "", "empty"),
      mask("is_a_web_page", kPage, "HTML"),
      mask("is_not_npy", jpeg(224, 224), "not a .npy"),
      mask("is_a_zip", "PK\3\4" + zeros(60), "not a .npy"),
      mask("is_cut_in_its_header", good.substr(0, 30), "header"),
      mask("is_cut_short", good.substr(0, good.size() - 1), "cut short"),
      mask("has_bytes_behind", good + "x", "longer"),
      mask("is_too_small", npy_mask(112, 112), "is 112x112 where 224x224 is needed"),
      mask("has_three_dimensions", npy(header("|b1", "(224, 224, 1)"), zeros(224 * 224)), "dimensions"),
      mask("has_no_dimensions", npy(header("|b1", "()"), zeros(1)), "dimensions"),
      mask("holds_a_two", twos, "0 and 1"),
      mask("holds_255", npy(header("|u1", "(224, 224)"), std::string(224 * 224, '\xff')), "0 and 1"),
      mask("holds_objects", npy(header("|O", "(224, 224)"), "\x80\2]."), "objects"),
      mask("holds_complex_numbers", npy(header("<c8", "(224, 224)"), zeros(224 * 224 * 8)), "<c8"),
      mask("claims_too_much", npy(header("|b1", "(224, 99999999999)"), zeros(224 * 224)), "cut short"),
      mask("claims_an_overflow", npy(header("<i8", "(4294967296, 4294967297)"), zeros(16)),
           "no memory can hold"),
      mask("claims_less_than_nothing", npy(header("|b1", "(-224, -224)"), zeros(224 * 224)), "malformed"),
      mask("has_a_header_of_code", npy("__import__('os').system('touch pwned')", zeros(224 * 224)), "header"),
      mask("has_an_endless_header", std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12), "header"),
      mask("has_a_future_version", "\x93NUMPY" + std::string("\x9\0", 2) + good.substr(8), "version"),
  };
}

std::vector<BrokenInput> broken_trees() {
  using backdrop::ErrorCode;
  return {
      {"data_is_missing", [](const Problem& problem) { fs::remove_all(problem.folder() / "data"); }, "data",
       "no such"},
      {"data_is_a_file",
       [](const Problem& problem) {
         fs::remove_all(problem.folder() / "data");
         write_bytes(problem.folder() / "data", "archive");
       },
       "data", "no such"},
      {"data_is_the_archive_above",
       [](const Problem& problem) {
         fs::rename(problem.folder() / "data", problem.folder() / "release");
         fs::create_directory(problem.folder() / "data");
         fs::rename(problem.folder() / "release", problem.folder() / "data/release");
       },
       "data", "no such folder"},
      {"masks_are_missing", [](const Problem& problem) { fs::remove_all(problem.folder() / "data/fg_mask"); },
       "data/fg_mask/val", "no such folder"},
      {"originals_are_missing",
       [](const Problem& problem) { fs::remove_all(problem.folder() / "data/original"); },
       "data/original/val", "no such folder"},
      {"backgrounds_are_missing",
       [](const Problem& problem) { fs::remove_all(problem.folder() / "data/only_bg_t"); },
       "data/only_bg_t/val", "no such folder"},
      {"eight_classes",
       [](const Problem& problem) { fs::remove_all(problem.folder() / "data/only_bg_t/val/05_insect"); },
       "data/only_bg_t/val", "8 class folders"},
      {"ten_classes",
       [](const Problem& problem) { fs::create_directory(problem.folder() / "data/original/val/09_plant"); },
       "data/original/val", "10 class folders"},
      {"class_without_backgrounds", [](const Problem& problem) { fs::remove(problem.background()); },
       "data/only_bg_t/val/02_wheeled vehicle", "no photos"},
      {"class_of_another_name",
       [](const Problem& problem) {
         const fs::path classes = problem.folder() / "data/only_bg_t/val";
         fs::rename(classes / "00_dog", classes / "dog");
       },
       "data/only_bg_t/val/dog", "other variations lack"},
      {"class_without_masks", [](const Problem& problem) { fs::remove(problem.mask()); },
       "data/fg_mask/val/02_wheeled vehicle", "no masks"},
      {"no_masks_at_all",
       [](const Problem& problem) {
         for (const std::string& label : kClassFolders) {
           fs::remove(problem.folder() / "data/fg_mask/val" / label / "one.npy");
         }
       },
       "data/fg_mask/val", "no masks"},
      {"masks_of_an_unknown_class",
       [](const Problem& problem) {
         fs::rename(problem.mask().parent_path(), problem.mask().parent_path().parent_path() / "02_wheels");
       },
       "data/fg_mask/val/02_wheels", "not a class"},
  };
}
