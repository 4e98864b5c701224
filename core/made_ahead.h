/// \file
/// Results that other threads make while earlier ones are used.
///
/// \code
/// const std::vector<Foreground>& all = input.foregrounds;
/// MadeAhead<Lists> lists(all.size(), 4, [&](std::size_t i) { return make_lists(all[i]); });
/// for (const Foreground& foreground : all) run(foreground, lists.next());
/// \endcode
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <utility>

namespace backdrop {

template <class Result>
class MadeAhead {
 public:
  /// Called once for each index, from other threads and several at once; what it uses must outlive the
  /// object.
  using Make = std::function<Result(std::size_t index)>;

  /// Of 0 to `count` - 1, at most `makers` (at least one) ahead of those that were taken.
  MadeAhead(std::size_t count, int makers, Make make)
      : count_(count), makers_(static_cast<std::size_t>(makers)), make_(std::move(make)) {
    start_more();
  }

  /// The next one, in order; at most `count` times. Throws what making it threw.
  Result next() {
    std::future<Result> first = std::move(under_way_.front());
    under_way_.pop_front();
    Result result = first.get();
    start_more();
    return result;
  }

 private:
  void start_more() {
    for (; started_ < count_ && under_way_.size() < makers_; ++started_)
      // By a thread of its own, or in next() where the system gives none.
      under_way_.push_back(std::async(std::launch::async | std::launch::deferred, make_, started_));
  }

  std::size_t count_;
  std::size_t makers_;
  Make make_;
  std::size_t started_ = 0;
  std::deque<std::future<Result>> under_way_;  // each waits for its thread where it is destroyed
};

}  // namespace backdrop
