#include "loaders/state_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "loaders/state_names_timm.h"

namespace backdrop {
namespace {

std::string_view without_wrappers(std::string_view name) {
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string_view prefix : {"module.", "model.", "_orig_mod."}) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      stripped = true;
    }
  }
  return name;
}

bool is_normalizer(std::string_view name) {
  return name.starts_with("normalizer.");
}

/// What all names (those of a normalizer apart) begin with before that of a first convolution: "backbone." of
/// a network that is a member of another. Empty if there is none.
std::string_view common_prefix(const std::vector<std::string_view>& names) {
  std::optional<std::string_view> shortest;
  for (const std::string_view first : {"conv1.weight", "features.0.weight"})
    for (const std::string_view name : names) {
      if (!name.ends_with(first)) continue;
      const std::string_view prefix = name.substr(0, name.size() - first.size());
      const bool whole_words = prefix.empty() || prefix.ends_with('.');
      if (whole_words && (!shortest || prefix.size() < shortest->size())) shortest = prefix;
    }
  const bool shared = shortest && std::all_of(names.begin(), names.end(), [&](std::string_view name) {
                        return is_normalizer(name) || name.starts_with(*shortest);
                      });
  return shared ? *shortest : std::string_view();
}

bool is_left_out(std::string_view name) {
  return name.starts_with("attacker.") || name == "num_batches_tracked" ||
         name.ends_with(".num_batches_tracked");
}

/// Takes the tensor `name` of three values out of `tensors`; false if it is not there.
bool take_channels(StateDict& tensors, const std::string& name, std::array<float, 3>& channels) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return false;
  const std::vector<float>& values = found->second.values;
  if (values.size() != channels.size() ||
      !std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
    refuse(fmt::format("has a tensor \"{}\" that is not three finite numbers", name));
  std::copy(values.begin(), values.end(), channels.begin());
  tensors.erase(found);
  return true;
}

std::optional<Normalization> take_normalization(StateDict& tensors) {
  Normalization normalization;
  const bool has_mean = take_channels(tensors, "normalizer.new_mean", normalization.mean);
  const bool has_deviation = take_channels(tensors, "normalizer.new_std", normalization.deviation);
  if (!has_mean && !has_deviation) return std::nullopt;
  if (!has_mean || !has_deviation) refuse("has only one of normalizer.new_mean and normalizer.new_std");
  if (std::any_of(normalization.deviation.begin(), normalization.deviation.end(),
                  [](float v) { return v <= 0; }))
    refuse("has a normalizer.new_std that is not positive");
  return normalization;
}

}  // namespace

void take_tensors(const RawStateDict& raw, std::uint64_t file_size, Checkpoint& checkpoint) {
  // One value for each byte, and some more for small files: fp32 takes a quarter of it, int8 all.
  std::uint64_t budget = file_size + (std::uint64_t{1} << 20);
  std::vector<std::string_view> names;
  for (const auto& [name, tensor] : raw)
    if (const std::string_view bare = without_wrappers(name); !is_left_out(bare)) names.push_back(bare);
  const std::string_view prefix = common_prefix(names);
  std::map<std::string_view, std::string_view> origins;
  for (const auto& [name, tensor] : raw) {
    std::string_view bare = without_wrappers(name);
    if (is_left_out(bare)) continue;
    if (!is_normalizer(bare)) bare.remove_prefix(prefix.size());
    if (bare.empty()) refuse(fmt::format("has a tensor whose name is only \"{}\"", printable(name)));
    if (const auto [other, is_new] = origins.emplace(bare, name); !is_new)
      refuse(fmt::format("has two tensors for \"{}\": \"{}\" and \"{}\"", printable(bare),
                         printable(other->second), printable(name)));
    checkpoint.tensors.emplace(bare, decode_tensor(name, tensor, budget));
  }
  checkpoint.normalization = take_normalization(checkpoint.tensors);
  rename_timm(checkpoint.tensors);
  if (checkpoint.tensors.empty()) refuse("holds no tensors of a network");
}

}  // namespace backdrop
