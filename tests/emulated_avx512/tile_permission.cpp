// Stands in for the kernels' file of that name: emulated tiles need nobody's leave.
#include "kernels/tile_permission.h"

namespace backdrop::kernels {

bool may_use_tiles() {
  return true;
}

}  // namespace backdrop::kernels
