// Told from the environment: nothing of MPI is touched in a process that is not one of several.
#include <cstdlib>

#include "search/mpi_ranks.h"

namespace backdrop {
namespace {

bool is_above_one(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && std::atoi(value) > 1;
}

}  // namespace

bool started_by_mpirun() {
  // Open MPI's mpirun; mpiexec of the MPICH family, and srun with PMI; srun with PMIx, which tells no size.
  return is_above_one("OMPI_COMM_WORLD_SIZE") || is_above_one("PMI_SIZE") ||
         (std::getenv("PMIX_RANK") != nullptr && is_above_one("SLURM_STEP_NUM_TASKS"));
}

}  // namespace backdrop
