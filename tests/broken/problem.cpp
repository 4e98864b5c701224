// A complete small problem for the command: an IN-9 tree and a thin network.
#include <unistd.h>

#include <cmath>

#include "broken_input.h"
#include "files.h"
#include "loaders/checkpoint.h"

namespace fs = std::filesystem;

const std::vector<std::string> kClassFolders = {
    "00_dog",       "01_bird",   "02_wheeled vehicle",    "03_reptile",
    "04_carnivore", "05_insect", "06_musical instrument", "07_primate",
    "08_fish"};

namespace {

backdrop::Tensor tensor(std::vector<std::int64_t> shape) {
  std::int64_t count = 1;
  for (std::int64_t extent : shape) count *= extent;
  backdrop::Tensor filled{std::move(shape), std::vector<float>(static_cast<std::size_t>(count))};
  const float scale = 1.0f / std::sqrt(static_cast<float>(count));
  for (std::size_t i = 0; i < filled.values.size(); ++i) {
    filled.values[i] = scale * std::sin(static_cast<float>(i * i % 1009));
  }
  return filled;
}

}  // namespace

backdrop::StateDict thin_alexnet(int classes) {
  backdrop::StateDict tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    tensors[name + ".bias"] = tensor({shape[0]});
    tensors[name + ".weight"] = tensor(std::move(shape));
  };
  add("features.0", {4, 3, 11, 11});
  add("features.3", {8, 4, 5, 5});
  add("features.6", {8, 8, 3, 3});
  add("features.8", {8, 8, 3, 3});
  add("features.10", {8, 8, 3, 3});
  add("classifier.1", {16, 8 * 6 * 6});
  add("classifier.4", {16, 16});
  add("classifier.6", {classes, 16});
  return tensors;
}

Problem::Problem(const std::string& name)
    : folder_(fs::temp_directory_path() / ("backdrop_" + name + "_" + std::to_string(getpid()))) {
  fs::remove_all(folder_);
  const std::string photo = jpeg(224, 224);
  for (const char* variation :
       {"original", "mixed_same", "mixed_rand", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t"}) {
    for (const std::string& label : kClassFolders) {
      write_bytes(folder_ / "data" / variation / "val" / label / "one.JPEG", photo);
    }
  }
  for (const std::string& label : kClassFolders) {
    write_bytes(folder_ / "data/fg_mask/val" / label / "one.npy", npy_mask(224, 224));
  }
  backdrop::save_safetensors(model(), thin_alexnet(9), {});
}

Problem::~Problem() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path Problem::photo() const {
  return folder_ / "data/original/val/02_wheeled vehicle/one.JPEG";
}
fs::path Problem::mask() const {
  return folder_ / "data/fg_mask/val/02_wheeled vehicle/one.npy";
}
fs::path Problem::background() const {
  return folder_ / "data/only_bg_t/val/02_wheeled vehicle/one.JPEG";
}

std::vector<std::string> challenge(const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {
      "challenge",   "--arch", "alexnet", "--checkpoint", "model.safetensors",
      "--data-path", "data",   "--in9",   "--out",        "results"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return arguments;
}
