/// \file
/// The counter that many ranks share. Every rank knows the blocks of a wave and takes their numbers from one
/// counter, so no rank is told what to do: the fast ones take more, and none waits for an answer to ask for
/// work.
///
/// \code
/// for (std::int64_t i = counter.next(); i < blocks; i = counter.next()) compute(i);
/// \endcode
#pragma once

#include <atomic>
#include <cstdint>

namespace backdrop {

/// Hands out 0, 1, 2, ..., each number once among all that share the counter.
class TileCounter {
 public:
  virtual ~TileCounter() = default;
  virtual std::int64_t next() = 0;
  /// The number to hand out next. Numbers taken meanwhile may be of either count.
  virtual void set(std::int64_t next) = 0;
};

/// Shared by the threads of one process.
class LocalTileCounter : public TileCounter {
 public:
  std::int64_t next() override { return next_.fetch_add(1, std::memory_order_relaxed); }
  void set(std::int64_t next) override { next_.store(next, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> next_{0};
};

}  // namespace backdrop
