#include "core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "backdrop/error.h"
#include "core/resource_limits.h"

namespace backdrop {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable start;
  std::condition_variable done;
  const std::function<void(std::size_t, int)>* body = nullptr;
  std::size_t count = 0;
  std::size_t next = 0;
  int busy = 0;
  std::size_t generation = 0;
  bool stop = false;
  std::exception_ptr error;
  std::vector<std::thread> workers;

  ~State() {
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    start.notify_all();
    for (auto& worker : workers) worker.join();
  }

  void work(int worker) {
    std::size_t seen = 0;
    std::unique_lock lock(mutex);
    while (true) {
      start.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      while (next < count) {
        const std::size_t index = next++;
        lock.unlock();
        std::exception_ptr caught;
        try {
          (*body)(index, worker);
        } catch (...) {
          caught = std::current_exception();
        }
        lock.lock();
        if (caught) {
          if (!error) error = caught;
          next = count;
        }
      }
      if (--busy == 0) done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int count = threads > 0 ? threads : available_threads();
  try {
    for (int worker = 0; worker < count; ++worker)
      state_->workers.emplace_back([state = state_.get(), worker] { state->work(worker); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::failed, "cannot start " + std::to_string(count) +
                                       " threads: " + error.code().message() + ": take fewer (--threads)");
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const noexcept {
  return static_cast<int>(state_->workers.size());
}

void ThreadPool::run(std::size_t count, const std::function<void(std::size_t, int)>& body) {
  std::unique_lock lock(state_->mutex);
  state_->body = &body;
  state_->count = count;
  state_->next = 0;
  state_->error = nullptr;
  state_->busy = threads();
  ++state_->generation;
  state_->start.notify_all();
  state_->done.wait(lock, [&] { return state_->busy == 0; });
  if (state_->error) std::rethrow_exception(state_->error);
}

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  const int allowed = known ? CPU_COUNT(&set) : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(allowed, cpu_quota().value_or(allowed)));
}

}  // namespace backdrop
