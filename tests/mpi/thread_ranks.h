/// \file
/// Ranks that are threads of this process, for testing searches on many ranks without MPI.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "search/mpi_ranks.h"

namespace backdrop::testing {

/// What the ranks share.
class ThreadWorld {
 public:
  explicit ThreadWorld(int rank_count) : size(rank_count), counters(rank_count) {}

  /// A round ends when all ranks have the message.
  Message broadcast(int rank, Message message) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !leaving_; });
    if (rank == 0) {
      shared_ = std::move(message);
      is_set_ = true;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return is_set_; });
    Message copy = shared_;
    if (++arrived_ == size) leaving_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return leaving_; });
    if (--arrived_ == 0) leaving_ = is_set_ = false;
    changed_.notify_all();
    return copy;
  }

  void put(std::span<const std::byte> message) {
    const std::lock_guard lock(mutex_);
    messages_.emplace_back(message.begin(), message.end());
  }
  std::optional<Message> get() {
    const std::lock_guard lock(mutex_);
    if (messages_.empty()) return std::nullopt;
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  const int size;
  LocalLaneCounters counters;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Message shared_;
  int arrived_ = 0;
  bool is_set_ = false;
  bool leaving_ = false;
  std::deque<Message> messages_;
};

class ThreadRanks : public Ranks {
 public:
  ThreadRanks(ThreadWorld& world, int rank) : world_(world), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return world_.size; }
  int size_on_machine() const override { return world_.size; }
  LaneCounters& counters() override { return world_.counters; }
  Message from_first(Message message) override { return world_.broadcast(rank_, std::move(message)); }
  void send(std::span<const std::byte> message) override { world_.put(message); }
  std::optional<Message> receive() override { return world_.get(); }

 private:
  ThreadWorld& world_;
  int rank_;
};

}  // namespace backdrop::testing
