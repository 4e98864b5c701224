#include "loaders/pickle_state_dict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <map>
#include <set>
#include <string>

namespace backdrop {
namespace {

constexpr std::array<std::string_view, 4> kWrappers = {"state_dict", "model_state_dict", "model", "net"};
constexpr int kMostWrappers = 4;

constexpr std::string_view kAdvice =
    "save the state dict alone with torch.save(model.state_dict(), \"FILE.pt\")";

/// The last value of a key wins, as in Python.
std::vector<std::pair<std::string_view, const PickleTensor*>> tensors_of(const PickleValue& dict) {
  std::map<std::string_view, std::size_t> places;
  std::vector<std::pair<std::string_view, const PickleTensor*>> tensors;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (dict.items[i]->kind != PickleKind::text || dict.items[i + 1]->kind != PickleKind::tensor) continue;
    const std::string_view name = dict.items[i]->text;
    const PickleTensor* tensor = dict.items[i + 1]->tensor.get();
    const auto [place, is_new] = places.emplace(name, tensors.size());
    if (is_new)
      tensors.emplace_back(name, tensor);
    else
      tensors[place->second].second = tensor;
  }
  return tensors;
}

std::string list_keys(const PickleValue& dict) {
  constexpr std::size_t kMostListed = 8;
  std::string keys;
  for (std::size_t i = 0; i + 1 < dict.items.size() && i < 2 * kMostListed; i += 2) {
    const PickleValue& key = *dict.items[i];
    keys += (keys.empty() ? "" : ", ") + (key.kind == PickleKind::text ? printable(key.text) : describe(key));
  }
  return keys + (dict.items.size() > 2 * kMostListed ? ", ..." : "");
}

bool holds_tensors(const PickleValue& dict) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
    if (dict.items[i]->kind == PickleKind::text && dict.items[i + 1]->kind == PickleKind::tensor) return true;
  return false;
}

/// Adds the keys of the dicts of tensors in `dict` but for `taken`. Each is looked through once: a hostile
/// file may have one large dict under any number of keys.
void add_others(const PickleValue& dict, const PickleValue* taken, std::vector<std::string>& others) {
  constexpr std::size_t kMostNamed = 8;
  std::set<const PickleValue*> seen{taken};
  for (std::size_t i = 0; i + 1 < dict.items.size() && others.size() < kMostNamed; i += 2) {
    const PickleValue& key = *dict.items[i];
    const PickleValue* item = dict.items[i + 1];
    if (key.kind != PickleKind::text || item->kind != PickleKind::dict || !seen.insert(item).second) continue;
    if (holds_tensors(*item)) others.push_back(printable(key.text));
  }
}

}  // namespace

FoundStateDict find_state_dict(const Pickle& pickle) {
  FoundStateDict found;
  const PickleValue* dict = pickle.root;
  for (int depth = 0;; ++depth) {
    if (dict->kind != PickleKind::dict)
      refuse(fmt::format("holds {} where a state dict is expected; {}", describe(*dict), kAdvice));
    const PickleValue* inner = nullptr;
    for (const std::string_view wrapper : kWrappers) {
      const PickleValue* item = find_item(*dict, wrapper);
      if (inner == nullptr && item != nullptr && item->kind == PickleKind::dict) inner = item;
    }
    if (inner == nullptr || depth == kMostWrappers) break;
    add_others(*dict, inner, found.others);
    dict = inner;
  }
  found.tensors = tensors_of(*dict);
  if (!found.tensors.empty()) return found;
  if (dict->items.empty()) refuse(fmt::format("holds an empty dictionary and no tensors; {}", kAdvice));
  refuse(fmt::format("holds no state dict: there are no tensors at its top or under {}; its keys are {}; {}",
                     fmt::join(kWrappers, ", "), list_keys(*dict), kAdvice));
}

}  // namespace backdrop
