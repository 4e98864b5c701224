// MPI-3: one-sided counters (MPI_Fetch_and_op on a window of rank 0) and point-to-point messages.
//
// MPI is asked for serialized threads only, which every build of it gives: one lock goes round all calls.
// Rank 0 receives all the time, and that is also what moves one-sided operations along where the network does
// not.
#include "search/mpi_ranks.h"

#include <fmt/format.h>
// The C++ bindings, which mpi.h brings in otherwise, are gone from the standard.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>

#include "backdrop/error.h"

namespace backdrop {
namespace {

constexpr int kMessageTag = 1;
// MPI counts bytes in an int.
constexpr std::size_t kLargestBroadcast = std::size_t{1} << 30;

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(ErrorCode::failed, fmt::format("MPI: {}: {}", call, text));
}

class WindowCounters : public LaneCounters {
 public:
  explicit WindowCounters(std::mutex& calls) : calls_(calls) {
    int rank = 0;
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &lanes_), "MPI_Comm_size");
    std::int64_t* values = nullptr;
    const auto lanes = static_cast<MPI_Aint>(lanes_);
    check(MPI_Win_allocate(rank == 0 ? lanes * MPI_Aint{sizeof(std::int64_t)} : 0, sizeof(std::int64_t),
                           MPI_INFO_NULL, MPI_COMM_WORLD, &values, &window_),
          "MPI_Win_allocate");
    check(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");
    if (rank == 0) {
      std::fill_n(values, lanes_, 0);
      check(MPI_Win_sync(window_), "MPI_Win_sync");
    }
    check(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
  }

  std::int64_t next(int lane) override {
    const std::lock_guard lock(calls_);
    constexpr std::int64_t kOne = 1;
    std::int64_t number = 0;
    check(MPI_Fetch_and_op(&kOne, &number, MPI_INT64_T, 0, lane, MPI_SUM, window_), "MPI_Fetch_and_op");
    check(MPI_Win_flush(0, window_), "MPI_Win_flush");
    return number;
  }

  std::vector<std::int64_t> read() override {
    const std::lock_guard lock(calls_);
    std::vector<std::int64_t> values(static_cast<std::size_t>(lanes_));
    check(MPI_Get_accumulate(nullptr, 0, MPI_INT64_T, values.data(), lanes_, MPI_INT64_T, 0, 0, lanes_,
                             MPI_INT64_T, MPI_NO_OP, window_),
          "MPI_Get_accumulate");
    check(MPI_Win_flush(0, window_), "MPI_Win_flush");
    return values;
  }

  void set(std::int64_t next) override {
    const std::lock_guard lock(calls_);
    const std::vector<std::int64_t> values(static_cast<std::size_t>(lanes_), next);
    check(MPI_Accumulate(values.data(), lanes_, MPI_INT64_T, 0, 0, lanes_, MPI_INT64_T, MPI_REPLACE, window_),
          "MPI_Accumulate");
    check(MPI_Win_flush(0, window_), "MPI_Win_flush");
  }

  /// Collective.
  void close() {
    MPI_Win_unlock_all(window_);
    MPI_Win_free(&window_);
  }

 private:
  std::mutex& calls_;
  int lanes_ = 1;
  MPI_Win window_ = MPI_WIN_NULL;
};

/// Collective.
int count_on_machine() {
  MPI_Comm machine = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
        "MPI_Comm_split_type");
  int size = 1;
  check(MPI_Comm_size(machine, &size), "MPI_Comm_size");
  check(MPI_Comm_free(&machine), "MPI_Comm_free");
  return size;
}

class MpiRanks : public Ranks {
 public:
  MpiRanks() : counters_(calls_) {
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int size_on_machine() const override { return size_on_machine_; }
  LaneCounters& counters() override { return counters_; }

  Message from_first(Message message) override {
    const std::lock_guard lock(calls_);
    std::uint64_t length = message.size();
    check(MPI_Bcast(&length, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), "MPI_Bcast");
    message.resize(length);
    for (std::size_t begin = 0; begin < length; begin += kLargestBroadcast) {
      const auto count = static_cast<int>(std::min(length - begin, kLargestBroadcast));
      check(MPI_Bcast(message.data() + begin, count, MPI_BYTE, 0, MPI_COMM_WORLD), "MPI_Bcast");
    }
    return message;
  }

  void send(std::span<const std::byte> message) override {
    if (message.size() > std::size_t{std::numeric_limits<int>::max()})
      throw Error(ErrorCode::failed, "a message to rank 0 is too long");
    const std::lock_guard lock(calls_);
    check(
        MPI_Send(message.data(), static_cast<int>(message.size()), MPI_BYTE, 0, kMessageTag, MPI_COMM_WORLD),
        "MPI_Send");
  }

  std::optional<Message> receive() override {
    const std::lock_guard lock(calls_);
    int is_there = 0;
    MPI_Message handle = MPI_MESSAGE_NULL;
    MPI_Status status;
    check(MPI_Improbe(MPI_ANY_SOURCE, kMessageTag, MPI_COMM_WORLD, &is_there, &handle, &status),
          "MPI_Improbe");
    if (is_there == 0) return std::nullopt;
    int length = 0;
    check(MPI_Get_count(&status, MPI_BYTE, &length), "MPI_Get_count");
    Message message(static_cast<std::size_t>(length));
    check(MPI_Mrecv(message.data(), length, MPI_BYTE, &handle, MPI_STATUS_IGNORE), "MPI_Mrecv");
    return message;
  }

  /// Collective.
  void close() { counters_.close(); }

 private:
  std::mutex calls_;
  WindowCounters counters_;
  int rank_ = 0;
  int size_ = 1;
  int size_on_machine_ = count_on_machine();
};

/// MPI is begun and ended once in a process.
struct Session {
  bool begun = false;
  std::unique_ptr<MpiRanks> ranks;
};

Session& session() {
  static Session the_session;
  return the_session;
}

void begin(Session& session) {
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  session.begun = true;
  if (provided < MPI_THREAD_SERIALIZED)
    throw Error(ErrorCode::failed, "MPI: this build of it cannot be called from two threads");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int size = 1;
  check(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  if (size > 1) session.ranks = std::make_unique<MpiRanks>();
}

}  // namespace

Ranks* join_ranks() {
  if (!session().begun && started_by_mpirun()) begin(session());
  return session().ranks.get();
}

int leave_ranks(int exit_code) {
  if (!session().begun) return exit_code;
  if (exit_code != 0 && session().ranks) MPI_Abort(MPI_COMM_WORLD, exit_code);
  if (session().ranks) session().ranks->close();
  session().ranks.reset();
  session().begun = false;
  MPI_Finalize();
  return exit_code;
}

}  // namespace backdrop
