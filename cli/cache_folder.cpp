// The XDG base directory specification, as far as caches go.
#include "cli/cache_folder.h"

#include <cstdlib>

namespace backdrop {
namespace {

std::filesystem::path absolute_path_in(const char* variable) {
  const char* value = std::getenv(variable);
  const std::filesystem::path path = value != nullptr ? value : "";
  return path.is_absolute() ? path : std::filesystem::path();
}

}  // namespace

std::filesystem::path cache_folder() {
  const auto caches = absolute_path_in("XDG_CACHE_HOME");
  if (!caches.empty()) return caches / "backdrop";
  const auto home = absolute_path_in("HOME");
  return home.empty() ? home : home / ".cache" / "backdrop";
}

}  // namespace backdrop
