// Waves on all ranks. On rank 0 the engine runs in a second thread, so that answers are stored, and one-sided
// counting moves along, while it computes.
#include "search/mpi_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "backdrop/error.h"
#include "core/clock.h"
#include "engine/screening.h"
#include "search/block_order.h"
#include "search/mpi_lanes.h"
#include "search/mpi_messages.h"

namespace backdrop {

/// What rank 0 knows of a wave: how many answers and last words are still to come.
class WaveState {
 public:
  WaveState(std::span<const Block* const> blocks, const BlockExecutor::Done& done, std::size_t other_ranks)
      : blocks_(blocks),
        done_(done),
        answered_(blocks.size()),
        left_(blocks.size()),
        ranks_left_(other_ranks) {}

  /// The counter may only start again when nobody counts.
  bool over() const { return left_ == 0 && ranks_left_ == 0; }
  bool ranks_have_ended() const { return ranks_left_ == 0; }

  void take(std::size_t block, BlockAnswers answers) {
    if (called_off_) return;
    if (block >= blocks_.size() || answered_[block] || answers.predictions.size() != blocks_[block]->pairs ||
        answers.margins.size() != blocks_[block]->pairs)
      throw Error(ErrorCode::failed, "a rank sent answers that nobody asked for");
    answered_[block] = true;
    --left_;
    done_(*blocks_[block], std::move(answers));
  }
  void rank_ended() { --ranks_left_; }
  void refute(const Refutation& refutation) const {
    if (!called_off_) throw RefutedBounds(refutation.message);
  }
  /// From here on answers are dropped.
  void call_off() { called_off_ = true; }

 private:
  std::span<const Block* const> blocks_;
  const BlockExecutor::Done& done_;
  std::vector<bool> answered_;
  std::size_t left_;
  std::size_t ranks_left_;
  bool called_off_ = false;
};

namespace {

/// Lines "name=value".
std::string identity_text(const RunIdentity& identity) {
  std::string text;
  for (const auto& [name, value] : identity) text += fmt::format("{}={}\n", name, value);
  return text;
}

RunIdentity read_identity(const std::string& text) {
  RunIdentity identity;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = std::min(line.find('='), line.size() - 1);
    identity.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  return identity;
}

void count(RankWork& work, const Block& block) {
  ++work.blocks;
  work.composites += static_cast<std::int64_t>(block.pairs);
}

/// Walks through a wave and computes its blocks, in a thread of its own.
class ComputeThread {
 public:
  using Answer = std::pair<std::size_t, BlockAnswers>;

  ComputeThread(LaneWalk walk, std::span<const Block* const> blocks,
                std::function<BlockAnswers(const Block&)> compute)
      : walk_(std::move(walk)), blocks_(blocks), compute_(std::move(compute)), thread_([this] { work(); }) {}

  /// Waits for the block in hand.
  ~ComputeThread() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    thread_.join();
  }
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  /// What has been computed since the last call. Throws what the engine threw.
  std::vector<Answer> take() {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    return std::exchange(answers_, {});
  }

 private:
  void work() {
    try {
      while (const std::optional<std::size_t> block = next()) {
        BlockAnswers answers = compute_(*blocks_[*block]);
        const std::lock_guard lock(mutex_);
        answers_.emplace_back(*block, std::move(answers));
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }

  std::optional<std::size_t> next() {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return std::nullopt;
    }
    return walk_.next();
  }

  LaneWalk walk_;
  std::span<const Block* const> blocks_;
  std::function<BlockAnswers(const Block&)> compute_;
  std::mutex mutex_;
  std::vector<Answer> answers_;
  std::exception_ptr failure_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

std::string text_of_first(Ranks& ranks, const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  const Message first = ranks.from_first({bytes.begin(), bytes.end()});
  return {reinterpret_cast<const char*>(first.data()), first.size()};
}

void require_same_run(Ranks& ranks, const RunIdentity& identity) {
  const RunIdentity first = read_identity(text_of_first(ranks, identity_text(identity)));
  const std::string difference = identity_difference(identity, first);
  if (!difference.empty())
    throw Error(ErrorCode::bad_input, fmt::format("rank {} would compute something else than rank 0: {}",
                                                  ranks.rank(), difference));
}

RankExecutor::RankExecutor(Ranks& ranks, Engine& engine, const ChallengeInput& input,
                           std::size_t classes_to_keep)
    : ranks_(ranks),
      engine_(engine),
      input_(input),
      classes_to_keep_(classes_to_keep),
      work_(static_cast<std::size_t>(ranks.size())) {}

RankExecutor::~RankExecutor() {
  if (broken_off_) return;
  try {
    ranks_.from_first(wave_message({}, 0, 0));
  } catch (const Error&) {  // the other ranks are gone
  }
}

void RankExecutor::run(std::span<const Block* const> blocks, const Done& done) {
  if (blocks.empty()) return;
  ranks_.counters().set(0);
  ranks_.from_first(wave_message(blocks, classes_to_keep_, engine_.tile()));
  WaveState wave(blocks, done, static_cast<std::size_t>(ranks_.size()) - 1);
  try {
    work_through(wave, blocks);
  } catch (...) {
    call_back(wave);
    throw;
  }
}

void RankExecutor::work_through(WaveState& wave, std::span<const Block* const> blocks) {
  ComputeThread thread(
      LaneWalk(ranks_.counters(), deal_into_lanes(blocks, ranks_.size(), engine_.tile()), 0), blocks,
      [this](const Block& block) { return compute_block(engine_, input_, block, classes_to_keep_); });
  while (!wave.over()) {
    for (auto& [block, answers] : thread.take()) {
      count(work_.front(), *blocks[block]);
      wave.take(block, std::move(answers));
    }
    receive(wave);
  }
}

/// Takes all messages there are, or waits a moment.
void RankExecutor::receive(WaveState& wave) {
  std::optional<Message> message = ranks_.receive();
  if (!message) std::this_thread::sleep_for(std::chrono::microseconds(200));
  for (; message; message = ranks_.receive()) {
    auto content = read_rank_message(*message);
    if (auto* answer = std::get_if<BlockMessage>(&content)) {
      wave.take(answer->block, std::move(answer->answers));
    } else if (const auto* refutation = std::get_if<Refutation>(&content)) {
      wave.refute(*refutation);
    } else {
      const WaveEnd& end = std::get<WaveEnd>(content);
      work_.at(static_cast<std::size_t>(end.rank)) = end.work;
      wave.rank_ended();
    }
  }
}

/// Ends a wave before its time: no more numbers, then the other ranks' last words.
void RankExecutor::call_back(WaveState& wave) {
  constexpr std::int64_t kPastAllBlocks = std::numeric_limits<std::int64_t>::max() / 2;
  constexpr auto kPatience = std::chrono::seconds(60);
  const Clock::time_point start = Clock::now();
  wave.call_off();
  try {
    ranks_.counters().set(kPastAllBlocks);
    while (!wave.ranks_have_ended() && Clock::now() - start < kPatience) receive(wave);
  } catch (const Error&) {  // the error that ended the wave is the one to report
  }
  broken_off_ = !wave.ranks_have_ended();
}

std::vector<RankWork> RankExecutor::work() const {
  std::vector<RankWork> work = work_;
  work.front().take_counts(engine_);
  return work;
}

void serve_blocks(Ranks& ranks, Engine& engine, const ChallengeInput& input,
                  const std::function<bool()>& stop) {
  RankWork work;
  for (Wave wave = read_wave(ranks.from_first({})); !wave.blocks.empty();
       wave = read_wave(ranks.from_first({}))) {
    std::vector<const Block*> blocks;
    for (const Block& block : wave.blocks) blocks.push_back(&block);
    LaneWalk walk(ranks.counters(), deal_into_lanes(blocks, ranks.size(), wave.resident), ranks.rank());
    while (const std::optional<std::size_t> place = walk.next()) {
      if (stop && stop())
        throw Error(ErrorCode::interrupted, fmt::format("rank {} was interrupted", ranks.rank()));
      const Block& block = *blocks[*place];
      try {
        ranks.send(block_message(*place, compute_block(engine, input, block, wave.classes_to_keep)));
      } catch (const RefutedBounds& refuted) {
        ranks.send(refutation_message({refuted.what()}));
        break;
      }
      count(work, block);
    }
    work.take_counts(engine);
    ranks.send(wave_end_message({ranks.rank(), work}));
  }
}

}  // namespace backdrop
