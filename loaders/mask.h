/// \file
/// Foreground masks from numpy's .npy files (see loaders/npy.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "loaders/image.h"

namespace backdrop {

/// A foreground mask, `values` laid out [height][width]: 1 where the foreground shows, 0 elsewhere.
struct Mask {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> values;
};

/// Reads a two-dimensional mask: bool, any integer or float type, either byte order, C or Fortran order.
/// Every value must be 0 or 1. Throws bad_input that names the file and the reason.
Mask read_mask(const std::filesystem::path& path);

/// The same for the bytes of a file that is already in memory; `file` is the name for errors.
Mask decode_mask(std::span<const std::byte> bytes, const std::string& file);

/// Reads masks in parallel, in the order given. Each must be `size` x `size`: nothing is resized.
std::vector<Mask> read_masks(std::span<const std::filesystem::path> paths, ThreadPool& pool,
                             int size = kImageSize);

}  // namespace backdrop
