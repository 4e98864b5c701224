// The files are described in the kernel's admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1.
#include "core/resource_limits.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/rounding.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;

/// The first number of a file; nothing without the file, or if "max" stands there.
std::optional<std::int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The number behind a word in a file of such pairs.
std::optional<std::int64_t> number_behind(std::string_view word, const fs::path& path) {
  std::ifstream file(path);
  std::string key;
  std::int64_t number = 0;
  while (file >> key >> number) {
    if (key == word) return number;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');  // "kB" may follow
  }
  return std::nullopt;
}

/// Whether `word` is in a list with commas.
bool lists(const std::string& words, const std::string& word) {
  return (',' + words + ',').find(',' + word + ',') != std::string::npos;
}

/// The folders of the groups that this process is in for `controller`, each with those around it. In a
/// container some of them are not there: its own group may be mounted as if it were the outermost.
std::vector<fs::path> groups_of(const std::string& controller, const fs::path& root) {
  std::vector<fs::path> groups;
  const fs::path mounts = root / "sys/fs/cgroup";
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    // "4:cpu,cpuacct:/path" in version 1, "0::/path" in version 2.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !lists(controllers, controller)) continue;
    const std::vector<fs::path> hierarchies = controllers.empty()
                                                  ? std::vector{mounts, mounts / "unified"}
                                                  : std::vector{mounts / controllers, mounts / controller};
    for (const fs::path& hierarchy : hierarchies) {
      groups.push_back(hierarchy);
      for (fs::path group = fs::path(line.substr(second + 1)).relative_path(); !group.empty();
           group = group.parent_path())
        groups.push_back(hierarchy / group);
    }
  }
  return groups;
}

struct Quota {
  std::int64_t microseconds = 0;
  std::int64_t period = 0;
};

std::optional<Quota> quota_of(const fs::path& group) {
  Quota quota;
  std::ifstream file(group / "cpu.max");  // "200000 100000" or "max 100000"
  if (file >> quota.microseconds >> quota.period) return quota;
  quota.microseconds = number_in(group / "cpu.cfs_quota_us").value_or(-1);  // -1: none
  quota.period = number_in(group / "cpu.cfs_period_us").value_or(0);
  if (quota.microseconds < 0) return std::nullopt;
  return quota;
}

/// What a group's limit leaves. Files that were read once and are no longer in use count as free: the kernel
/// drops them before it lets the group run out.
std::optional<std::size_t> headroom_of(const fs::path& group) {
  std::optional<std::int64_t> limit;
  for (const char* name : {"memory.max", "memory.high", "memory.limit_in_bytes"})
    if (const auto bytes = number_in(group / name)) limit = std::min(limit.value_or(*bytes), *bytes);
  if (!limit) return std::nullopt;
  const bool second = fs::exists(group / "memory.current");
  const std::int64_t used =
      number_in(group / (second ? "memory.current" : "memory.usage_in_bytes")).value_or(0);
  const std::int64_t files =
      number_behind(second ? "inactive_file" : "total_inactive_file", group / "memory.stat").value_or(0);
  return static_cast<std::size_t>(
      std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, used - files)));
}

}  // namespace

std::optional<int> cpu_quota(const fs::path& root) {
  std::optional<int> least;
  for (const fs::path& group : groups_of("cpu", root)) {
    const std::optional<Quota> quota = quota_of(group);
    if (!quota || quota->period <= 0) continue;
    const std::int64_t cpus = divide_up(quota->microseconds, quota->period);
    least =
        static_cast<int>(std::clamp<std::int64_t>(cpus, 1, least.value_or(std::numeric_limits<int>::max())));
  }
  return least;
}

std::optional<std::size_t> available_memory(const fs::path& root) {
  std::optional<std::size_t> least;
  if (const auto kibibytes = number_behind("MemAvailable:", root / "proc/meminfo"))
    least = static_cast<std::size_t>(*kibibytes) * 1024;
  for (const fs::path& group : groups_of("memory", root))
    if (const auto bytes = headroom_of(group)) least = std::min(least.value_or(*bytes), *bytes);
  return least;
}

}  // namespace backdrop
