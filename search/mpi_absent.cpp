// A build without MPI under mpirun: every process would run the whole search, and all but one would find the
// result folder taken. Better said at once.
#include "backdrop/error.h"
#include "search/mpi_ranks.h"

namespace backdrop {

Ranks* join_ranks() {
  if (started_by_mpirun())
    throw Error(
        ErrorCode::usage,
        "was started on several ranks by mpirun, but this build has no MPI: install libopenmpi-dev and "
        "build again, or start it once");
  return nullptr;
}

int leave_ranks(int exit_code) {
  return exit_code;
}

}  // namespace backdrop
