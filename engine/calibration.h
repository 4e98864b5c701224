/// \file
/// The scales of 8-bit activations: one for each value of a network, chosen on composites of the run.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "engine/position_network.h"
#include "kernels/reduced_value.h"
#include "loaders/checkpoint.h"
#include "loaders/image.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

/// `values[v]` for every value before the first fully connected layer's output. The input's is not used: its
/// stored form is the photo's own 8 bits.
struct Calibration {
  std::vector<kernels::ValueScale> values;

  bool operator==(const Calibration&) const = default;
};

/// One composite to calibrate on.
struct CompositePhotos {
  const Image* foreground = nullptr;
  const Mask* mask = nullptr;
  const Image* background = nullptr;
};

/// The stored forms that layer `index` reads and writes. In 8 bits the input's are the photo's own, with mean
/// and deviation in them; channels beyond its three hold zeros. `precision` is int8, or int16 for the same
/// ranges in 16 bits.
kernels::DotScales layer_scales(const Network& network, int index, const Calibration& calibration,
                                Precision precision = Precision::int8);

/// The 16-bit form of normalised pixels.
kernels::ValueScale int16_pixel_scale(const Normalization& normalization);

/// Runs the composites in fp32 and takes, for each value, the whole range that it has there. (The range with
/// the least squared rounding error cuts off the largest activations, and decisions hang on those.)
Calibration calibrate(std::shared_ptr<const Network> network, std::span<const CompositePhotos> composites,
                      ThreadPool& pool);
/// The same by layers in fp32 that are there already.
Calibration calibrate(const PositionNetwork& layers, std::span<const CompositePhotos> composites,
                      ThreadPool& pool);

/// "scale zero scale zero ...", numbers that read back to the same bits: how a converted checkpoint carries
/// it.
std::string calibration_text(const Calibration& calibration);

/// Throws bad_input, naming `file`, if the text does not fit the network.
Calibration read_calibration(const std::string& text, const Network& network, const std::string& file);

/// Metadata of a converted checkpoint: calibration_text.
inline constexpr const char* kCalibrationKey = "backdrop.int8_calibration";

/// What a converted checkpoint carries, if it does. Throws as read_calibration.
std::optional<Calibration> carried_calibration(const Checkpoint& checkpoint, const Network& network,
                                               const std::string& file);

}  // namespace backdrop
