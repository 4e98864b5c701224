#include "core/version.h"

#include "core/git_revision.h"  // which the build writes

namespace backdrop {

const char* version_number() {
  return BACKDROP_VERSION;
}

const char* git_revision() {
  return BACKDROP_GIT_REVISION;
}

}  // namespace backdrop
