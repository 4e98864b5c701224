/// \file
/// A small IN-9-shaped data set, drawn by rule: nine classes of foregrounds on class-correlated textured
/// backgrounds, with exact masks and all eight variations.
#pragma once

#include <cstdint>
#include <filesystem>

namespace backdrop {

/// Names have four digits.
inline constexpr int kMaxDemoImagesPerClass = 9999;

/// What to draw. The same options give the same pixels.
struct DemoOptions {
  int images_per_class = 10;  ///< 1 to kMaxDemoImagesPerClass
  std::uint64_t seed = 1;
};

/// Writes the tree of the release under `root`, which must not exist or be empty. Throws failed or usage.
void write_demo_data(const std::filesystem::path& root, const DemoOptions& options);

}  // namespace backdrop
