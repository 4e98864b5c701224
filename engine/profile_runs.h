/// \file
/// One search measured several times: medians, and how far the runs lie apart.
#pragma once

#include <vector>

#include "engine/profile_report.h"

namespace backdrop {

/// The median of every time, and of every layer's time, multiply-adds and shares, each by itself: times add
/// up to about `seconds`. The rest is the same in every run, of which there is at least one.
SearchTimes median_of(std::vector<SearchTimes> runs);

struct Range {
  double least = 0;
  double most = 0;
};

/// Of SearchTimes::runs, of which there are some.
Range range_of(const SearchTimes& times, double SearchTimes::*seconds);
/// LayerProfile::seconds in those.
Range range_of_layer(const SearchTimes& times, std::size_t layer);

}  // namespace backdrop
