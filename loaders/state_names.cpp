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

bool is_attackers(std::string_view name) {
  return name.starts_with("attacker.");
}

bool is_left_out(std::string_view name) {
  return is_attackers(name) || name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
}

/// Where a network is that is a member of another.
struct Place {
  std::string_view network;  ///< what its names begin with: "backbone.", or of robustness "net.model."
  std::string_view wrapper;  ///< what those of robustness's attacker and normalizer beside it do: "net."
};

/// What the names of a network begin with: the shortest before that of a first convolution.
std::optional<std::string_view> network_prefix(const std::vector<std::string_view>& names) {
  std::optional<std::string_view> shortest;
  for (const std::string_view first : {"conv1.weight", "features.0.weight"})
    for (const std::string_view name : names) {
      if (!name.ends_with(first)) continue;
      const std::string_view prefix = name.substr(0, name.size() - first.size());
      const bool whole_words = prefix.empty() || prefix.ends_with('.');
      if (whole_words && (!shortest || prefix.size() < shortest->size())) shortest = prefix;
    }
  return shortest;
}

/// "net." of "net.model.", "net.model.module." and the like; empty for others.
std::string_view wrapper_of(std::string_view network) {
  for (const std::string_view inner : {"module.", "_orig_mod."})
    while (network.ends_with(inner)) network.remove_suffix(inner.size());
  constexpr std::string_view kModel = ".model.";
  if (!network.ends_with(kModel)) return {};
  network.remove_suffix(kModel.size() - 1);
  return network;
}

/// The name without `wrapper`, if it is of robustness's attacker or normalizer there; empty otherwise.
std::string_view name_beside(std::string_view name, std::string_view wrapper) {
  if (wrapper.empty() || !name.starts_with(wrapper)) return {};
  name.remove_prefix(wrapper.size());
  return is_normalizer(name) || is_attackers(name) ? name : std::string_view();
}

/// Of the network that all names belong to, those of a normalizer or an attacker apart. Empty if there is
/// none.
Place find_network(const std::vector<std::string_view>& names) {
  const auto network = network_prefix(names);
  if (!network) return {};
  const Place place{*network, wrapper_of(*network)};
  const bool belong = std::all_of(names.begin(), names.end(), [&place](std::string_view name) {
    return is_normalizer(name) || name.starts_with(place.network) ||
           !name_beside(name, place.wrapper).empty();
  });
  return belong ? place : Place();
}

std::string_view name_in(const Place& place, std::string_view name) {
  if (is_normalizer(name)) return name;
  if (const std::string_view beside = name_beside(name, place.wrapper); !beside.empty()) return beside;
  return name.substr(place.network.size());
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
  const Place place = find_network(names);
  std::map<std::string_view, std::string_view> origins;
  for (const auto& [name, tensor] : raw) {
    std::string_view bare = without_wrappers(name);
    if (is_left_out(bare)) continue;
    bare = name_in(place, bare);
    if (is_left_out(bare)) continue;
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
