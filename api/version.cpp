#include "backdrop/version.h"

#include "api/parts.h"
#include "core/version.h"

namespace backdrop {

const char* version() noexcept {
  return version_number();
}

Versions library_versions() {
  return {{"backdrop", version_number()}, {"git", git_revision()}, {"CUDA", cuda_build()}};
}

}  // namespace backdrop
