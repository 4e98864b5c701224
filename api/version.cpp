#include "backdrop/version.h"

namespace backdrop {

const char* version() noexcept {
  return BACKDROP_VERSION;
}

}  // namespace backdrop
