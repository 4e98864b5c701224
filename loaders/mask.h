/// \file
/// Foreground masks from numpy's .npy files (format versions 1 to 3,
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace backdrop {

/// A foreground mask, `values` laid out [height][width]: 1 where the foreground shows, 0 elsewhere.
struct Mask {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> values;
};

/// Reads a two-dimensional mask: bool, any integer or float type, either byte order, C or Fortran order. Every
/// value must be 0 or 1. Throws bad_input that names the file and the reason.
Mask read_mask(const std::filesystem::path& path);

}  // namespace backdrop
