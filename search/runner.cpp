// Works through a plan in chunks of a second or two: hand the pieces to the engine, decide, record, report.
#include "search/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "backdrop/error.h"

namespace backdrop {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// How many composites to hand to the engine at once: as many as it computes in a second or two, measured as
/// it goes, and never less than keeps it busy.
class ChunkSize {
 public:
  explicit ChunkSize(std::size_t fill) : fill_(fill), pairs_(fill) {}

  std::size_t pairs() const { return pairs_; }
  void measured(std::size_t pairs, double seconds) {
    constexpr double kTargetSeconds = 1.5;
    constexpr double kMostPairs = 1 << 22;
    const double wanted = static_cast<double>(pairs) * kTargetSeconds / std::max(seconds, 1e-6);
    pairs_ = std::max(fill_, static_cast<std::size_t>(std::min(wanted, kMostPairs)) / fill_ * fill_);
  }

 private:
  std::size_t fill_;
  std::size_t pairs_;
};

/// Room for the answers of one chunk, and the chunk as tasks of the engine.
struct Chunk {
  std::vector<CompositeTask> tasks;
  std::vector<std::int16_t> predictions;
  std::vector<float> margins;
  std::vector<float> logits;

  void set(const std::vector<Piece>& pieces, const ChallengeInput& input, std::size_t classes_to_keep) {
    std::size_t pairs = 0;
    for (const Piece& piece : pieces) pairs += piece.backgrounds.size();
    predictions.resize(pairs);
    margins.resize(pairs);
    logits.resize(pairs * classes_to_keep);
    tasks.clear();
    std::size_t offset = 0;
    for (const Piece& piece : pieces) {
      const Foreground& foreground = input.foregrounds[static_cast<std::size_t>(piece.foreground)];
      tasks.push_back({.foreground = &foreground.image,
                       .mask = &foreground.mask,
                       .label = foreground.label,
                       .backgrounds = piece.backgrounds,
                       .predictions = predictions.data() + offset,
                       .margins = margins.data() + offset,
                       .logits = classes_to_keep > 0 ? logits.data() + offset * classes_to_keep : nullptr});
      offset += piece.backgrounds.size();
    }
  }
};

class Search {
 public:
  Search(Engine& engine, const ChallengeInput& input, const ClassMap& map, WorkPlan& plan,
         const SearchHooks& hooks)
      : engine_(engine),
        input_(input),
        map_(map),
        plan_(plan),
        hooks_(hooks),
        vulnerable_(input.foregrounds.size()) {
    result_.pairs = PairMatrix(static_cast<int>(input.foregrounds.size()),
                               static_cast<int>(input.background_names.size()));
    const bool keep_logits = std::any_of(hooks.sinks.begin(), hooks.sinks.end(),
                                         [](const PairSink* sink) { return sink->wants_logits(); });
    classes_to_keep_ = keep_logits ? static_cast<std::size_t>(engine.classes()) : 0;
  }

  SearchResult run() {
    ChunkSize size(static_cast<std::size_t>(plan_shape(engine_, input_).fill));
    for (auto pieces = plan_.next(size.pairs()); !pieces.empty(); pieces = plan_.next(size.pairs())) {
      if (hooks_.stop && hooks_.stop())
        throw Error(ErrorCode::interrupted, fmt::format("interrupted after {} of {} pairs", plan_.settled(),
                                                        result_.pairs.predictions.size()));
      const Clock::time_point start = Clock::now();
      chunk_.set(pieces, input_, classes_to_keep_);
      engine_.classify_composites(chunk_.tasks);
      size.measured(chunk_.predictions.size(), seconds_since(start));
      result_.evaluated += chunk_.predictions.size();
      for (std::size_t i = 0; i < pieces.size(); ++i) record(pieces[i], chunk_.tasks[i]);
      report();
    }
    result_.seconds = seconds_since(start_);
    return std::move(result_);
  }

 private:
  void record(const Piece& piece, const CompositeTask& task) {
    fooled_.resize(piece.backgrounds.size());
    for (std::size_t i = 0; i < fooled_.size(); ++i)
      fooled_[i] = !is_correct(map_, task.predictions[i], task.label);
    const std::size_t kept = plan_.finish(piece, fooled_);
    result_.recorded += kept;
    for (std::size_t i = 0; i < kept; ++i) {
      const std::size_t pair = result_.pairs.index(piece.foreground, piece.backgrounds[i]);
      result_.pairs.predictions[pair] = task.predictions[i];
      result_.pairs.margins[pair] = task.margins[i];
      vulnerable_[static_cast<std::size_t>(piece.foreground)] |= fooled_[i];
    }
    const PairAnswers answers{piece.foreground,
                              piece.backgrounds.first(kept),
                              {task.predictions, kept},
                              {task.margins, kept},
                              {task.logits, kept * classes_to_keep_}};
    for (PairSink* sink : hooks_.sinks) sink->store(answers);
  }

  void report() const {
    if (!hooks_.progress) return;
    hooks_.progress({.settled = plan_.settled(),
                     .total = result_.pairs.predictions.size(),
                     .evaluated = result_.evaluated,
                     .vulnerable = static_cast<int>(std::count(vulnerable_.begin(), vulnerable_.end(), 1)),
                     .seconds = seconds_since(start_)});
  }

  Engine& engine_;
  const ChallengeInput& input_;
  const ClassMap& map_;
  WorkPlan& plan_;
  const SearchHooks& hooks_;
  std::size_t classes_to_keep_ = 0;
  Chunk chunk_;
  std::vector<std::uint8_t> fooled_;      // of the piece in hand
  std::vector<std::uint8_t> vulnerable_;  // [F]
  SearchResult result_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

PairMatrix::PairMatrix(int foreground_count, int background_count)
    : foregrounds(foreground_count), backgrounds(background_count) {
  const std::size_t pairs = index(foreground_count, 0);
  predictions.assign(pairs, -1);
  margins.assign(pairs, std::numeric_limits<float>::quiet_NaN());
}

void prepare_engine(Engine& engine, const ChallengeInput& input) {
  engine.set_backgrounds(input.backgrounds);
  std::vector<const Mask*> masks;
  masks.reserve(input.foregrounds.size());
  for (const Foreground& foreground : input.foregrounds) masks.push_back(&foreground.mask);
  engine.prepare(masks);
}

PlanShape plan_shape(const Engine& engine, const ChallengeInput& input) {
  const int batch = std::max(1, engine.batch());
  return {.foregrounds = static_cast<int>(input.foregrounds.size()),
          .backgrounds = static_cast<int>(input.background_names.size()),
          .tile = engine.tile(),
          .batch = batch,
          .fill = batch * std::max(1, engine.threads())};
}

SearchResult run_search(Engine& engine, const ChallengeInput& input, const ClassMap& map, WorkPlan& plan,
                        const SearchHooks& hooks) {
  return Search(engine, input, map, plan, hooks).run();
}

}  // namespace backdrop
