/// \file
/// A classifier of the caller's behind the search.
///
/// \code
/// class Mine : public backdrop::Classifier {
///   int classes() const override { return 9; }
///   void classify(const backdrop::PhotoBatch& photos, std::span<float> logits) override {
///     runtime_.run(photos.pixels.data(), photos.count, logits.data());
///   }
///   Runtime runtime_;
/// };
/// \endcode
///
/// Threads: a search calls its classifier from the thread that called `search`, one call at a time. What a
/// method throws ends the search and reaches the caller of `search` as it is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backdrop/export.h"

namespace backdrop {

/// Composites, 8-bit RGB: [count][height][width][3]. Nothing is normalised: a classifier does that itself.
struct PhotoBatch {
  std::span<const std::uint8_t> pixels;
  int count = 0;
  int height = 0;
  int width = 0;
};

class BACKDROP_EXPORT Classifier {
 public:
  virtual ~Classifier();

  /// 1 to 32767.
  virtual int classes() const = 0;
  /// Writes the logits, or any scores of which the largest wins: [count][classes]. Not a number is refused.
  virtual void classify(const PhotoBatch& photos, std::span<float> logits) = 0;

  /// The label of the data that each class counts as, -1 for none. Default: class c is label c.
  virtual std::vector<int> labels() const;
  /// The largest count that `classify` is to be given, 1 to 65536. Default: 32.
  virtual int batch() const;
  /// Stands in the results, where a checkpoint's name would. Default: "classifier".
  virtual std::string name() const;
};

}  // namespace backdrop
