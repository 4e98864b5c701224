// Parts of a profile in words, for the command's table and the page.
#include <fmt/format.h>

#include "report/profile_record.h"

namespace backdrop {

std::string machine_text(const ProfileRecord& record) {
  if (record.device == "cpu") return fmt::format("{} threads", record.threads);
  return record.threads > 1 ? fmt::format("{} GPUs", record.threads) : "GPU";
}

std::string peak_text(const MachinePeak& peak) {
  std::string text = fmt::format("{:.1f} GMAC/s in fp32", 1e-9 * peak.of(Precision::fp32));
  for (const Precision precision :
       {Precision::tf32, Precision::fp16, Precision::bf16, Precision::int16, Precision::int8, Precision::fp8})
    if (peak.of(precision) > 0)
      text += fmt::format(", {:.1f} in {}", 1e-9 * peak.of(precision), name(precision));
  return text + fmt::format(", {:.1f} GB/s of memory", 1e-9 * peak.bytes_per_second);
}

std::string products_text(const LayerProfile& layer) {
  std::string text;
  if (layer.multiply_adds > layer.tile_multiply_adds) text = layer.split ? "6 bf16" : name(layer.products);
  if (layer.tile_multiply_adds <= 0 || text == name(layer.tile_products)) return text;
  return text + (text.empty() ? "" : ", ") + name(layer.tile_products);
}

std::string bandwidth_note(const ProfileRecord& record) {
  for (const SearchTimes& times : record.searches)
    for (const LayerProfile& layer : times.layers)
      if (layer.bandwidth_share > 1)
        return "Of bandwidth above 100%: caches hold the layer's data, so the memory is no roof, and 100% of "
               "the roofline no limit.";
  return "";
}

std::string decided_again_text(const SearchTimes& times) {
  if (times.precision == Precision::fp32) return "";
  return fmt::format(", {} decided again in fp32 and {} more to audit", times.rechecked, times.audited);
}

std::string range_text(const Range& seconds, std::size_t composites) {
  const double scale = 1e6 / static_cast<double>(composites);
  return fmt::format("{:.1f} to {:.1f}", scale * seconds.least, scale * seconds.most);
}

std::string runs_text(const SearchTimes& times) {
  if (times.runs.empty()) return "";
  const Range seconds = range_of(times, &SearchTimes::seconds);
  const auto composites = static_cast<double>(times.composites());
  return fmt::format(", the median of {} runs from {:.1f} to {:.1f}", times.runs.size(),
                     composites / seconds.most, composites / seconds.least);
}

std::string runs_note(const ProfileRecord& record) {
  if (record.searches.empty() || record.searches.front().runs.empty()) return "";
  return fmt::format(
      "Each time and share is the median of its own over {} runs{}, so times add up to about the whole; "
      "a run before them, which takes the memory, is not counted.",
      record.searches.front().runs.size(), record.searches.size() > 1 ? ", in turns" : "");
}

std::vector<std::pair<const char*, double SearchTimes::*>> other_steps(const SearchTimes& times) {
  std::vector<std::pair<const char*, double SearchTimes::*>> steps = {
      {"backgrounds' features", &SearchTimes::cache_fill_seconds},
      {"foregrounds' passes", &SearchTimes::foreground_seconds}};
  if (times.compositing_seconds > 0) steps.emplace_back("compositing", &SearchTimes::compositing_seconds);
  if (times.precision != Precision::fp32) {
    steps.emplace_back("decided again in fp32", &SearchTimes::decided_again_seconds);
    steps.emplace_back("- of it, backgrounds' features", &SearchTimes::exact_fill_seconds);
  }
  steps.emplace_back("other", &SearchTimes::other_seconds);
  return steps;
}

}  // namespace backdrop
