// Works through a plan wave by wave: take a block's answers from the journal or compute them, decide, record,
// report.
#include "search/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "backdrop/error.h"
#include "core/clock.h"
#include "engine/screening.h"
#include "search/block_order.h"

namespace backdrop {
namespace {

/// Ends a search whose caller has enough; never leaves run_search.
struct Enough {};

/// Computes every block on one engine.
class EngineExecutor : public BlockExecutor {
 public:
  EngineExecutor(Engine& engine, const ChallengeInput& input, std::size_t classes_to_keep)
      : engine_(engine), input_(input), classes_to_keep_(classes_to_keep) {}

  void run(std::span<const Block* const> blocks, const Done& done) override {
    const auto lanes = deal_into_lanes(blocks, 1, engine_.tile());
    for (const std::size_t place : lanes.front())
      done(*blocks[place], compute_block(engine_, input_, *blocks[place], classes_to_keep_));
  }

 private:
  Engine& engine_;
  const ChallengeInput& input_;
  std::size_t classes_to_keep_;
};

class Search {
 public:
  Search(Engine& engine, const ChallengeInput& input, const ClassMap& map, WorkPlan& plan,
         const PlanShape& shape, const SearchHooks& hooks)
      : input_(input),
        map_(map),
        plan_(plan),
        shape_(shape),
        hooks_(hooks),
        classes_to_keep_(any_sink_wants_logits(hooks) ? static_cast<std::size_t>(engine.classes()) : 0),
        on_engine_(engine, input, classes_to_keep_),
        executor_(hooks.executor ? *hooks.executor : on_engine_),
        vulnerable_(input.foregrounds.size()) {
    result_.pairs = PairMatrix(static_cast<int>(input.foregrounds.size()),
                               static_cast<int>(input.background_names.size()));
  }

  SearchResult run() {
    try {
      std::uint64_t blocks = 0;
      for (auto wave = plan_.next_wave(); !wave.empty(); wave = plan_.next_wave()) {
        blocks_ = cut_into_blocks(wave, blocks, shape_.block_pairs());
        blocks += blocks_.size();
        run_wave();
      }
    } catch (const Enough&) {
      result_.complete = false;
    } catch (const RefutedBounds&) {
      // A session that went on from here would pass them off as its own, perhaps in fp32.
      if (hooks_.journal) hooks_.journal->discard();
      throw;
    }
    if (hooks_.journal) hooks_.journal->sync();
    result_.seconds = seconds_since(start_);
    return std::move(result_);
  }

 private:
  static bool any_sink_wants_logits(const SearchHooks& hooks) {
    return std::any_of(hooks.sinks.begin(), hooks.sinks.end(),
                       [](const PairSink* sink) { return sink->wants_logits(); });
  }

  void run_wave() {
    answers_.assign(blocks_.size(), std::nullopt);
    recorded_blocks_ = 0;
    std::vector<const Block*> missing;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (hooks_.journal) answers_[i] = hooks_.journal->find(blocks_[i]);
      if (!answers_[i]) missing.push_back(&blocks_[i]);
      if (answers_[i]) check_resumed(*answers_[i]);
    }
    record_in_order();
    if (missing.empty()) return;
    stop_if_asked();
    executor_.run(missing, [this](const Block& block, BlockAnswers answers) {
      if (hooks_.journal) hooks_.journal->append(block, answers);
      answers_[block.number - blocks_.front().number] = std::move(answers);
      record_in_order();
      stop_if_asked();
    });
  }

  /// A journal's checksum says that it was written so, not that it was written by a search.
  void check_resumed(const BlockAnswers& answers) {
    const auto known = [this](int prediction) {
      return prediction >= 0 && static_cast<std::size_t>(prediction) < map_.in9.size();
    };
    const auto pairs = static_cast<std::int64_t>(answers.predictions.size());
    const auto possible = [pairs](std::int64_t count) { return count >= 0 && count <= pairs; };
    const ScreeningCounts& again = answers.decided_again;
    if (!possible(again.second) || !possible(again.rechecked) || !possible(again.audited))
      throw Error(ErrorCode::bad_input,
                  "the run's journal counts more decisions than there were: start it again (--force)");
    if (!std::all_of(answers.predictions.begin(), answers.predictions.end(), known))
      throw Error(ErrorCode::bad_input,
                  "the run's journal names classes that the model does not have: start it again (--force)");
    result_.resumed += answers.predictions.size();
  }

  /// A plan hears of the outcomes in its own order, whatever the order in which blocks come in.
  void record_in_order() {
    for (; recorded_blocks_ < blocks_.size() && answers_[recorded_blocks_]; ++recorded_blocks_) {
      const Block& block = blocks_[recorded_blocks_];
      BlockAnswers& answers = *answers_[recorded_blocks_];
      std::size_t offset = 0;
      for (const Piece& piece : block.pieces) {
        record(piece, answers, offset);
        offset += piece.backgrounds.size();
      }
      result_.evaluated += block.pairs;
      result_.decided_again += answers.decided_again;
      answers = {};
      if (hooks_.progress) hooks_.progress(progress());
    }
  }

  void record(const Piece& piece, const BlockAnswers& block, std::size_t offset) {
    const std::size_t count = piece.backgrounds.size();
    const int label = input_.foregrounds[static_cast<std::size_t>(piece.foreground)].label;
    const auto predictions = std::span(block.predictions).subspan(offset, count);
    const auto margins = std::span(block.margins).subspan(offset, count);
    fooled_.resize(count);
    for (std::size_t i = 0; i < count; ++i) fooled_[i] = !is_correct(map_, predictions[i], label);
    const std::size_t kept = plan_.finish(piece, fooled_, margins);
    result_.recorded += kept;
    for (std::size_t i = 0; i < kept; ++i) {
      const std::size_t pair = result_.pairs.index(piece.foreground, piece.backgrounds[i]);
      result_.pairs.predictions[pair] = predictions[i];
      result_.pairs.margins[pair] = margins[i];
      vulnerable_[static_cast<std::size_t>(piece.foreground)] |= fooled_[i];
    }
    const bool has_logits = !block.logits.empty();
    const PairAnswers answers{
        piece.foreground, piece.backgrounds.first(kept), predictions.first(kept), margins.first(kept),
        has_logits ? std::span(block.logits).subspan(offset * classes_to_keep_, kept * classes_to_keep_)
                   : std::span<const float>()};
    for (PairSink* sink : hooks_.sinks) sink->store(answers);
  }

  SearchProgress progress() const {
    return {.settled = plan_.settled(),
            .total = result_.pairs.predictions.size(),
            .evaluated = result_.evaluated,
            .resumed = result_.resumed,
            .vulnerable = static_cast<int>(std::count(vulnerable_.begin(), vulnerable_.end(), 1)),
            .seconds = seconds_since(start_)};
  }

  /// Not when everything is done: then the search ends by itself.
  void stop_if_asked() {
    const SearchProgress state = progress();
    if (state.settled == state.total) return;
    if (hooks_.stop && hooks_.stop()) {
      if (hooks_.journal) hooks_.journal->sync();
      throw Error(ErrorCode::interrupted,
                  fmt::format("interrupted after {} of {} pairs{}", state.settled, state.total,
                              hooks_.journal && hooks_.can_resume ? ": it can be resumed (--resume)" : ""));
    }
    if (hooks_.enough && hooks_.enough(state)) throw Enough();
  }

  const ChallengeInput& input_;
  const ClassMap& map_;
  WorkPlan& plan_;
  const PlanShape& shape_;
  const SearchHooks& hooks_;
  std::size_t classes_to_keep_;
  EngineExecutor on_engine_;
  BlockExecutor& executor_;
  std::vector<Block> blocks_;                         // of the wave under way
  std::vector<std::optional<BlockAnswers>> answers_;  // of these blocks; emptied when recorded
  std::size_t recorded_blocks_ = 0;
  std::vector<std::uint8_t> fooled_;      // of the piece in hand
  std::vector<std::uint8_t> vulnerable_;  // [F]
  SearchResult result_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

WholeRun::WholeRun(const ChallengeInput& input) : backgrounds(input.background_names.size()) {
  std::iota(backgrounds.begin(), backgrounds.end(), 0);
  for (const Foreground& foreground : input.foregrounds)
    tasks.push_back({.foreground = &foreground.image,
                     .mask = &foreground.mask,
                     .label = foreground.label,
                     .backgrounds = backgrounds});
}

void prepare_engine(Engine& engine, const ChallengeInput& input, const StopAsked& stop) {
  if (engine.classes() > kMostModelClasses)
    throw Error(ErrorCode::usage, fmt::format("the model has {} classes: a search takes one of {} at most",
                                              engine.classes(), kMostModelClasses));
  engine.set_backgrounds(input.backgrounds);
  std::vector<const Mask*> masks;
  masks.reserve(input.foregrounds.size());
  for (const Foreground& foreground : input.foregrounds) masks.push_back(&foreground.mask);
  engine.prepare(masks);
  engine.calibrate(WholeRun(input).tasks, stop);
}

PlanShape plan_shape(const Engine& engine, const ChallengeInput& input, int engines) {
  const int batch = std::max(1, engine.batch());
  const int backgrounds = static_cast<int>(input.background_names.size());
  const std::int64_t tile = std::int64_t{engine.tile()} * engines;
  return {.foregrounds = static_cast<int>(input.foregrounds.size()),
          .backgrounds = backgrounds,
          .tile = tile < backgrounds ? static_cast<int>(tile) : 0,
          .batch = batch,
          .fill = engine.fill()};
}

std::unique_ptr<WorkPlan> make_plan(std::string_view mode, std::string_view order, const PlanShape& shape,
                                    const ChallengeInput& input) {
  if (mode == "all") return plan_all_pairs(shape);
  if (order == "plain") return plan_first_fooling(shape);
  return plan_adaptive(shape, input.foreground_labels(), input.background_labels());
}

SearchResult run_search(Engine& engine, const ChallengeInput& input, const ClassMap& map, WorkPlan& plan,
                        const PlanShape& shape, const SearchHooks& hooks) {
  return Search(engine, input, map, plan, shape, hooks).run();
}

}  // namespace backdrop
