/// \file
/// The processes that one mpirun started, as a search needs them: counters that all of them share, messages
/// from rank 0 to all and from the others to rank 0. Behind it lies the only source of the project that knows
/// MPI.
///
/// \code
/// Ranks* ranks = join_ranks();  // null: one process
/// if (ranks) run_together(*ranks);
/// return leave_ranks(0);
/// \endcode
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "search/mpi_lanes.h"

namespace backdrop {

using Message = std::vector<std::byte>;

/// Calls may come from several threads.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// How many of them share this one's machine, it included.
  virtual int size_on_machine() const = 0;
  /// One for each rank, at 0 when the ranks are joined. They lie in rank 0's memory.
  virtual LaneCounters& counters() = 0;
  /// Rank 0's message, on every rank. All ranks call it; what the others pass is ignored.
  virtual Message from_first(Message message) = 0;
  /// Sends to rank 0; messages of one rank arrive in their order. Not on rank 0.
  virtual void send(std::span<const std::byte> message) = 0;
  /// The next message, nothing if none has come yet. On rank 0 only.
  virtual std::optional<Message> receive() = 0;
};

/// Whether this process is one of several that an mpirun started.
bool started_by_mpirun();

/// The ranks of this process's mpirun, joined on the first call; null if it was not started by one or is
/// alone. Throws usage if this build was made without MPI, failed if MPI fails.
Ranks* join_ranks();

/// Ends what join_ranks began, if it did: quietly after success, otherwise by ending all other ranks, which
/// would wait for this one in vain. Returns the exit code.
int leave_ranks(int exit_code);

}  // namespace backdrop
