/// \file
/// A checkpoint as a model.
///
/// \code
/// const auto model = backdrop::Model::load("resnet50-in9.pt");
/// std::printf("%s, %d classes\n", model.info().architecture.c_str(), model.info().classes);
/// \endcode
///
/// Threads: a Model never changes. It may be copied (cheaply: copies share everything) and used from any
/// number of threads at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backdrop/export.h"

namespace backdrop {

struct LoadOptions {
  /// "resnet50"; empty: read off the tensors. Leaky ResNets must be named.
  std::string architecture = {};
  /// Ignore unexpected tensors and zero missing ones.
  bool allow_partial = false;
  /// The label of IN-9 (0 to 8) that each class of the model counts as, -1 for none. Empty: those of
  /// `class_map`, else the identity for nine classes and the published map for 1000; any other model can then
  /// classify but not search.
  std::vector<int> in9_labels = {};
  /// A JSON file with the labels, as the command's --class-map.
  std::filesystem::path class_map = {};
  /// Of the photos the model was trained on, RGB in [0,1]: for the checkpoint's own or the default. Give
  /// both, as the command's convert --mean and --std; finite, the mean at most 1 and the deviation positive.
  std::optional<std::array<float, 3>> mean = {};
  std::optional<std::array<float, 3>> deviation = {};
};

struct ModelInfo {
  std::string architecture;
  int classes = 0;
  int height = 0;  ///< of the photos it takes
  int width = 0;
  std::int64_t parameters = 0;     ///< trainable, as the file has them
  std::int64_t multiply_adds = 0;  ///< for one photo
  std::array<float, 3> mean{};     ///< subtracted from RGB in [0,1]
  std::array<float, 3> deviation{};
  std::string format;  ///< "pytorch-zip", "pytorch-legacy" or "safetensors"
  std::string sha256;  ///< of the checkpoint's bytes, hex
};

class BACKDROP_EXPORT Model {
 public:
  /// Moving copies, too: what was moved from is as good as before.
  Model(const Model& other) = default;
  Model& operator=(const Model& other) = default;

  /// Reads a PyTorch (zip or legacy) or safetensors checkpoint. No code in it is run. Throws bad_input that
  /// names the file, usage for an unknown architecture, labels that do not fit the classes, or a mean and
  /// deviation that are none.
  static Model load(const std::filesystem::path& checkpoint, const LoadOptions& options = {});

  /// The same for the bytes of a checkpoint file in memory; they are not needed afterwards.
  static Model parse(std::span<const std::byte> checkpoint, const LoadOptions& options = {});

  const ModelInfo& info() const noexcept;
  /// [classes]; empty for a model that cannot search.
  std::span<const int> in9_labels() const noexcept;

  /// The architectures that can be loaded, by their names.
  static std::vector<std::string> architectures();

  struct Parts;

 private:
  friend struct Internals;
  explicit Model(std::shared_ptr<const Parts> parts);
  std::shared_ptr<const Parts> parts_;
};

}  // namespace backdrop
