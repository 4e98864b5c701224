/// \file
/// The account of a run below fp32 (engine/screening.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/precision.h"

namespace backdrop {

/// Of some composites below fp32, how many were decided again.
struct ScreeningCounts {
  std::int64_t second = 0;     ///< in a second precision
  std::int64_t rechecked = 0;  ///< too close: in fp32
  std::int64_t audited = 0;    ///< of the others, in fp32 to see

  ScreeningCounts& operator+=(const ScreeningCounts& other);
  bool operator==(const ScreeningCounts&) const = default;
};

/// What a run below fp32 says about its trust in the fast precision (recheck.h).
struct ScreeningReport {
  /// Errors of a lead, measured on a sample of the run, for the foregrounds of one class.
  struct ClassError {
    int label = 0;
    std::size_t sample = 0;
    float quantile = 0;  ///< a share `quantile` of them are at most this
    float maximum = 0;
    float bound = 0;  ///< leads up to this are computed again
  };

  /// A precision between the fast one and fp32, which is asked first about what was close.
  struct Second {
    Precision precision = Precision::fp16;
    std::vector<ClassError> errors;
    std::int64_t composites = 0;  ///< that it decided again
  };

  Precision precision = Precision::fp32;
  std::optional<Precision>
      sums;             ///< int8: the form of the sums of blocks, if that has 16 bits (stored_values.h)
  double safety = 0;    ///< bound over the error seen
  double quantile = 0;  ///< see ClassError
  std::vector<ClassError> errors;
  std::optional<Second> second;
  double calibration_seconds = 0;  ///< what scales and bounds took
  double again_seconds = 0;        ///< of the search: what deciding again and the audit took
  std::int64_t composites = 0;     ///< all that were asked for
  std::int64_t rechecked = 0;      ///< too close: computed again in fp32
  std::int64_t audited = 0;        ///< of the others, computed again to see
  std::int64_t wrong = 0;          ///< audited answers that were not fp32's
  double confidence = 0;           ///< of the next
  double wrong_share_bound = 1;    ///< upper confidence bound on such answers among those that stood

  ScreeningCounts counts() const { return {second ? second->composites : 0, rechecked, audited}; }
  /// Puts these in place of its own, with the bound that follows from them.
  void set_counts(std::int64_t all_composites, const ScreeningCounts& counts);
};

}  // namespace backdrop
