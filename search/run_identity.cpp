// Compares runs value by value.
#include "search/run_identity.h"

#include <fmt/format.h>

#include <algorithm>

namespace backdrop {

std::optional<std::string> identity_value(const RunIdentity& run, std::string_view name) {
  const auto entry = std::find_if(run.begin(), run.end(),
                                  [&name](const auto& candidate) { return candidate.first == name; });
  if (entry == run.end()) return std::nullopt;
  return entry->second;
}

std::string identity_difference(const RunIdentity& run, const RunIdentity& asked) {
  const auto find = [](const RunIdentity& identity, const std::string& name) {
    return identity_value(identity, name).value_or("not known");
  };
  for (const RunIdentity* names : {&asked, &run})
    for (const auto& [name, value] : *names)
      if (find(run, name) != find(asked, name))
        return fmt::format("its {} is {}, not {}", name, find(run, name), find(asked, name));
  return {};
}

}  // namespace backdrop
