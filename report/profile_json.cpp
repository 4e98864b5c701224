// The profile of a search, as JSON.
#include <utility>

#include "report/json_parts.h"
#include "report/profile_record.h"

namespace backdrop {
namespace {

Json layer_json(const LayerProfile& layer) {
  return {{"name", layer.name},
          {"height", layer.out.height},
          {"width", layer.out.width},
          {"channels", layer.out.channels},
          {"mixed_share", layer.mixed},
          {"seconds_per_composite", layer.seconds},
          {"products", name(layer.products)},
          {"split", layer.split},
          {"multiply_adds_per_composite", layer.multiply_adds},
          {"tile_products", name(layer.tile_products)},
          {"tile_multiply_adds_per_composite", layer.tile_multiply_adds},
          {"least_bytes_per_composite", layer.bytes},
          {"compute_share", layer.compute_share},
          {"bandwidth_share", layer.bandwidth_share},
          {"roofline_share", layer.roofline_share}};
}

Json range_json(const Range& range) {
  return {range.least, range.most};
}

void add_ranges(const SearchTimes& times, Json& json) {
  constexpr std::pair<const char*, double SearchTimes::*> kRanges[] = {
      {"seconds_range", &SearchTimes::seconds},
      {"cache_fill_seconds_range", &SearchTimes::cache_fill_seconds},
      {"foreground_seconds_range", &SearchTimes::foreground_seconds},
      {"compositing_seconds_range", &SearchTimes::compositing_seconds},
      {"layer_seconds_range", &SearchTimes::layer_seconds},
      {"decided_again_seconds_range", &SearchTimes::decided_again_seconds},
      {"decided_again_fill_seconds_range", &SearchTimes::exact_fill_seconds},
      {"other_seconds_range", &SearchTimes::other_seconds}};
  json["runs"] = times.runs.size();
  for (const auto& [name, seconds] : kRanges) json[name] = range_json(range_of(times, seconds));
}

// Null where it was not.
Json measured(double peak) {
  return peak > 0 ? Json(peak) : Json();
}

Json search_json(const SearchTimes& times) {
  Json json = {{"reuse", times.reuse},
               {"precision", name(times.precision)},
               {"engine", times.engine},
               {"foregrounds", times.foregrounds},
               {"backgrounds", times.backgrounds},
               {"composites", times.composites()},
               {"seconds", times.seconds},
               {"cache_fill_seconds", times.cache_fill_seconds},
               {"foreground_seconds", times.foreground_seconds},
               {"compositing_seconds", times.compositing_seconds},
               {"layer_seconds", times.layer_seconds},
               {"decided_again_seconds", times.decided_again_seconds},
               {"decided_again_fill_seconds", times.exact_fill_seconds},
               {"rechecked", times.rechecked},
               {"audited", times.audited},
               {"other_seconds", times.other_seconds}};
  const bool several = !times.runs.empty();
  if (several) add_ranges(times, json);
  for (std::size_t i = 0; i < times.layers.size(); ++i) {
    Json layer = layer_json(times.layers[i]);
    if (several) layer["seconds_per_composite_range"] = range_json(range_of_layer(times, i));
    json["layers"].push_back(std::move(layer));
  }
  return json;
}

}  // namespace

std::string profile_json(const ProfileRecord& record) {
  Json json = {{"model", model_json(record.model)},
               {"versions", versions_json(record.versions)},
               {"device", record.device},
               {"threads", record.threads}};
  Json& peak = json["peak"];
  peak["bytes_per_second"] = record.peak.bytes_per_second;
  peak["multiply_adds_per_second"] = record.peak.of(Precision::fp32);
  for (const Precision precision :
       {Precision::tf32, Precision::fp16, Precision::bf16, Precision::int16, Precision::int8, Precision::fp8})
    peak[std::string(name(precision)) + "_multiply_adds_per_second"] = measured(record.peak.of(precision));
  for (const SearchTimes& times : record.searches) json["searches"].push_back(search_json(times));
  return json_text(json);
}

}  // namespace backdrop
