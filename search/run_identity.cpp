// Compares runs value by value.
#include "search/run_identity.h"

#include <fmt/format.h>

#include <algorithm>

namespace backdrop {

std::string identity_difference(const RunIdentity& run, const RunIdentity& asked) {
  const auto find = [](const RunIdentity& identity, const std::string& name) {
    const auto entry = std::find_if(identity.begin(), identity.end(),
                                    [&name](const auto& candidate) { return candidate.first == name; });
    return entry == identity.end() ? std::string("not known") : entry->second;
  };
  for (const RunIdentity* names : {&asked, &run})
    for (const auto& [name, value] : *names)
      if (find(run, name) != find(asked, name))
        return fmt::format("its {} is {}, not {}", name, find(run, name), find(asked, name));
  return {};
}

}  // namespace backdrop
