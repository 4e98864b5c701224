// Writes the demo data set: scenes in blocks of ten a class, each block's foregrounds pasted on its own
// backgrounds, so that memory does not grow with the set and the first photos and masks are the same however
// many are asked for; mixtures, too, where their block is whole.
#include "loaders/demo_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "backdrop/error.h"
#include "core/parallel.h"
#include "loaders/dataset.h"
#include "loaders/demo_background.h"
#include "loaders/demo_foreground.h"
#include "loaders/demo_variations.h"
#include "loaders/file.h"
#include "loaders/image_jpeg.h"
#include "loaders/npy.h"

namespace backdrop {

namespace fs = std::filesystem;

namespace {

constexpr int kBlock = 10;
constexpr int kJpegQuality = 92;

struct DemoClass {
  std::string_view folder;
  std::string_view synset;  // the WordNet id that starts the names of its photos
};

constexpr DemoClass kClasses[kIn9Classes] = {{"00_dog", "n02084071"},
                                             {"01_bird", "n01503061"},
                                             {"02_wheeled vehicle", "n04576211"},
                                             {"03_reptile", "n01661091"},
                                             {"04_carnivore", "n02075296"},
                                             {"05_insect", "n02159955"},
                                             {"06_musical instrument", "n03800933"},
                                             {"07_primate", "n02469914"},
                                             {"08_fish", "n02512053"}};

/// One photo, its mask and its tiled background.
struct Scene {
  int label = 0;
  std::string name;
  Image photo;
  Mask mask;
  Image tiled;
};

Scene draw_scene(std::uint64_t seed, int label, int index) {
  demo::Random random(seed,
                      static_cast<std::uint64_t>(index) * kIn9Classes + static_cast<std::uint64_t>(label));
  demo::Canvas canvas;
  demo::paint_background(canvas, label, random);
  Scene scene;
  scene.label = label;
  scene.name = fmt::format("{}_{:04}", kClasses[label].synset, index + 1);
  scene.mask = demo::paint_foreground(canvas, demo::draw_figure(label, random), random);
  scene.photo = canvas.image();
  scene.tiled = demo::background_tiled(scene.photo, scene.mask);
  return scene;
}

fs::path class_folder(const fs::path& root, std::string_view variation, int label) {
  return root / variation / "val" / kClasses[label].folder;
}

/// Writes a scene's own variations and its three mixtures with backgrounds of the block.
void write_scene(const fs::path& root, const std::vector<Scene>& block, std::size_t index,
                 std::uint64_t seed) {
  const Scene& scene = block[index];
  const auto write = [&](std::string_view variation, const std::string& name, const Image& image) {
    write_file(class_folder(root, variation, scene.label) / (name + ".JPEG"),
               encode_jpeg(image, kJpegQuality));
  };
  write("original", scene.name, scene.photo);
  write("only_fg", scene.name, demo::only_foreground(scene.photo, scene.mask));
  write("no_fg", scene.name, demo::no_foreground(scene.photo, scene.mask));
  write("only_bg_b", scene.name, demo::background_with_box(scene.photo, scene.mask));
  write("only_bg_t", scene.name, scene.tiled);
  write_npy_bytes(class_folder(root, "fg_mask", scene.label) / (scene.name + ".npy"), npy_type<bool>(),
                  std::vector<std::size_t>{kImageSize, kImageSize},
                  std::as_bytes(std::span(scene.mask.values)));

  demo::Random random(~seed, index);
  const auto per_class = static_cast<int>(block.size()) / kIn9Classes;
  const auto write_mixture = [&](std::string_view variation, int background_class) {
    const Scene& other =
        block[static_cast<std::size_t>(background_class * per_class + random.below(per_class))];
    write(variation, fmt::format("fg_{}_bg_{}", scene.name, other.name),
          demo::paste(scene.photo, scene.mask, other.tiled));
  };
  write_mixture("mixed_same", scene.label);
  write_mixture("mixed_rand", random.below(kIn9Classes));
  write_mixture("mixed_next", (scene.label + 1) % kIn9Classes);
}

void make_folders(const fs::path& root) {
  std::error_code error;
  if (fs::exists(root, error) && !(fs::is_directory(root, error) && fs::is_empty(root, error)))
    throw Error(ErrorCode::usage, "exists and is not an empty folder: name a new one", root.string());
  std::vector<std::string> variations = in9_variations();
  variations.emplace_back("fg_mask");
  for (const std::string& variation : variations)
    for (int label = 0; label < kIn9Classes; ++label) {
      fs::create_directories(class_folder(root, variation, label), error);
      if (error) throw Error(ErrorCode::failed, "cannot be created: " + error.message(), root.string());
    }
}

}  // namespace

void write_demo_data(const fs::path& root, const DemoOptions& options) {
  if (options.images_per_class < 1 || options.images_per_class > kMaxDemoImagesPerClass)
    throw Error(ErrorCode::usage, fmt::format("{} images a class: 1 to {} can be drawn",
                                              options.images_per_class, kMaxDemoImagesPerClass));
  make_folders(root);
  ThreadPool pool;
  for (int first = 0; first < options.images_per_class; first += kBlock) {
    const int per_class = std::min(kBlock, options.images_per_class - first);
    std::vector<Scene> block(static_cast<std::size_t>(per_class) * kIn9Classes);
    pool.run(block.size(), [&](std::size_t index, int) {
      const auto label = static_cast<int>(index) / per_class;
      block[index] = draw_scene(options.seed, label, first + static_cast<int>(index) % per_class);
    });
    pool.run(block.size(), [&](std::size_t index, int) {
      write_scene(root, block, index, options.seed + static_cast<std::uint64_t>(first));
    });
  }
}

}  // namespace backdrop
