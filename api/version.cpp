#include "backdrop/version.h"

#include "api/parts.h"

namespace backdrop {

const char* version() noexcept {
  return BACKDROP_VERSION;
}

Versions library_versions() {
  return {{"backdrop", BACKDROP_VERSION}, {"git", BACKDROP_GIT_REVISION}, {"CUDA", cuda_build()}};
}

}  // namespace backdrop
