#include "engine/profile_runs.h"

#include <algorithm>
#include <span>
#include <utility>

namespace backdrop {
namespace {

constexpr double SearchTimes::*kSearchSeconds[] = {&SearchTimes::seconds,
                                                   &SearchTimes::cache_fill_seconds,
                                                   &SearchTimes::foreground_seconds,
                                                   &SearchTimes::compositing_seconds,
                                                   &SearchTimes::layer_seconds,
                                                   &SearchTimes::decided_again_seconds,
                                                   &SearchTimes::exact_fill_seconds,
                                                   &SearchTimes::other_seconds};

// The fully connected layers' batches, and with them what is multiplied, are as the threads come to them.
constexpr double LayerProfile::*kLayerFigures[] = {
    &LayerProfile::seconds,       &LayerProfile::multiply_adds,   &LayerProfile::tile_multiply_adds,
    &LayerProfile::compute_share, &LayerProfile::bandwidth_share, &LayerProfile::roofline_share};

// `figure` of each run, the smallest first.
template <typename Figure>
std::vector<double> sorted(std::span<const SearchTimes> runs, const Figure& figure) {
  std::vector<double> values;
  for (const SearchTimes& run : runs) values.push_back(figure(run));
  std::sort(values.begin(), values.end());
  return values;
}

double middle(const std::vector<double>& values) {
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Range ends(const std::vector<double>& values) {
  return {values.front(), values.back()};
}

}  // namespace

SearchTimes median_of(std::vector<SearchTimes> runs) {
  SearchTimes times = runs.front();
  for (const auto seconds : kSearchSeconds)
    times.*seconds = middle(sorted(runs, [&](const SearchTimes& run) { return run.*seconds; }));
  for (std::size_t i = 0; i < times.layers.size(); ++i)
    for (const auto figure : kLayerFigures)
      times.layers[i].*figure =
          middle(sorted(runs, [&](const SearchTimes& run) { return run.layers[i].*figure; }));
  times.runs = std::move(runs);
  return times;
}

Range range_of(const SearchTimes& times, double SearchTimes::*seconds) {
  return ends(sorted(times.runs, [&](const SearchTimes& run) { return run.*seconds; }));
}

Range range_of_layer(const SearchTimes& times, std::size_t layer) {
  return ends(sorted(times.runs, [&](const SearchTimes& run) { return run.layers[layer].seconds; }));
}

}  // namespace backdrop
