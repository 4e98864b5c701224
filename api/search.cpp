// The search behind the public API: an engine, the caller's callbacks and a result folder like the command's.
#include "backdrop/search.h"

#include <fmt/format.h>

#include <optional>

#include "api/classifier_engine.h"
#include "api/parts.h"
#include "backdrop/error.h"
#include "report/run_files.h"
#include "report/run_reader.h"
#include "search/merge.h"
#include "search/result_folder.h"
#include "search/runner.h"
#include "search/statistics.h"

namespace backdrop {
namespace {

/// Gives each tile to the caller.
class TileSink : public PairSink {
 public:
  TileSink(const std::function<void(const TileAnswers&)>& callback, bool logits)
      : callback_(callback), logits_(logits) {}

  bool wants_logits() const override { return logits_; }

  void store(const PairAnswers& answers) override {
    if (answers.backgrounds.empty()) return;
    callback_(
        {answers.foreground, answers.backgrounds, answers.predictions, answers.margins, answers.logits});
  }

 private:
  const std::function<void(const TileAnswers&)>& callback_;
  bool logits_;
};

/// One search with all that it needs.
struct Task {
  Engine& engine;
  const NamedClassMap& class_map;
  const SearchData& data;
  const SearchOptions& options;
  const SearchCallbacks& callbacks;
  ResultFolder* folder = nullptr;  // null: none is written
  bool can_resume = true;

  const ClassMap& map() const { return class_map.map; }
  const ChallengeInput& input() const { return Internals::parts(data).input; }
};

Progress public_progress(const SearchProgress& progress) {
  return {.settled = progress.settled,
          .total = progress.total,
          .evaluated = progress.evaluated,
          .vulnerable = progress.vulnerable,
          .seconds = progress.seconds};
}

SearchHooks make_hooks(const Task& task) {
  const SearchOptions& options = task.options;
  SearchHooks hooks;
  if (task.callbacks.progress)
    hooks.progress = [&task](const SearchProgress& p) { task.callbacks.progress(public_progress(p)); };
  hooks.stop = task.callbacks.cancel;
  hooks.can_resume = task.can_resume;
  hooks.enough = [&task, &options](const SearchProgress& p) {
    return (options.most_pairs > 0 && p.evaluated >= options.most_pairs) ||
           (options.most_seconds > 0 && p.seconds >= options.most_seconds) ||
           (task.callbacks.enough && task.callbacks.enough(public_progress(p)));
  };
  return hooks;
}

ResultFolder::Existing existing(const SearchOptions& options) {
  switch (options.existing) {
    case ExistingRun::replace:
      return ResultFolder::Existing::replace;
    case ExistingRun::resume:
      return ResultFolder::Existing::resume;
    case ExistingRun::refuse:
      break;
  }
  return ResultFolder::Existing::refuse;
}

std::unique_ptr<ResultFolder> open_folder(const SearchOptions& options) {
  if (options.out.empty()) return nullptr;
  return std::make_unique<ResultFolder>(options.out, existing(options));
}

ScreeningSummary public_screening(const ScreeningReport& report) {
  return {.precision = name(report.precision),
          .composites = static_cast<std::size_t>(report.composites),
          .rechecked = static_cast<std::size_t>(report.rechecked),
          .audited = static_cast<std::size_t>(report.audited),
          .wrong_share_bound = report.wrong_share_bound,
          .confidence = report.confidence,
          .calibration_seconds = report.calibration_seconds};
}

SearchAnswers public_answers(SearchResult result, const ChallengeStatistics& statistics,
                             const std::optional<ScreeningReport>& screening) {
  SearchAnswers answers;
  answers.foregrounds = result.pairs.foregrounds;
  answers.backgrounds = result.pairs.backgrounds;
  answers.predictions = std::move(result.pairs.predictions);
  answers.margins = std::move(result.pairs.margins);
  for (const ForegroundStatistics& foreground : statistics.foregrounds)
    answers.fooled.push_back(foreground.fooled);
  for (const BackgroundStatistics& background : statistics.backgrounds) {
    answers.fooled_share.push_back(background.fooled_share());
    answers.into_class_share.push_back(background.into_class_share());
  }
  answers.vulnerable = statistics.total.vulnerable;
  answers.challenge_accuracy = statistics.total.challenge_accuracy();
  answers.evaluated = result.evaluated;
  answers.recorded = result.recorded;
  answers.complete = result.complete;
  answers.seconds = result.seconds;
  if (screening) answers.screening = public_screening(*screening);
  return answers;
}

void complete_record(const Task& task, RunRecord& record) {
  record_class_map(task.class_map, record.options);
  record.data_path = Internals::parts(task.data).root;
  record.data_sha256 = task.data.sha256();
  record.versions = library_versions();
  record.started = utc_now();
}

void record_mode(const SearchOptions& options, RunRecord& record) {
  record.options.mode = options.mode == SearchMode::all ? "all" : "first";
  record.options.order = options.mode == SearchMode::first ? "adaptive" : "plain";
}

/// One tile for each foreground: the pairs of its row that were evaluated.
void give_rows(const PairMatrix& pairs, const std::function<void(const TileAnswers&)>& tile) {
  std::vector<int> backgrounds;
  std::vector<std::int16_t> predictions;
  std::vector<float> margins;
  for (int f = 0; f < pairs.foregrounds; ++f) {
    backgrounds.clear();
    predictions.clear();
    margins.clear();
    for (int b = 0; b < pairs.backgrounds; ++b) {
      const std::size_t at = pairs.index(f, b);
      if (pairs.predictions[at] < 0) continue;
      backgrounds.push_back(b);
      predictions.push_back(pairs.predictions[at]);
      margins.push_back(pairs.margins[at]);
    }
    if (!backgrounds.empty()) tile({f, backgrounds, predictions, margins, {}});
  }
}

/// Runs the task; `record` says of the model and its options what the results are to say.
SearchAnswers run(const Task& task, RunRecord record) {
  record_mode(task.options, record);
  prepare_engine(task.engine, task.input(), task.callbacks.cancel);
  PlanShape shape = plan_shape(task.engine, task.input());
  SearchHooks hooks = make_hooks(task);
  std::optional<TileSink> tiles;
  if (task.callbacks.tile) hooks.sinks.push_back(&tiles.emplace(task.callbacks.tile, task.options.logits));
  record.screening = task.engine.screening();
  if (task.folder) {
    complete_record(task, record);
    hooks.journal = &task.folder->begin(run_identity(record), shape);
    shape = hooks.journal->shape();
  }
  const auto plan = make_plan(record.options.mode, record.options.order, shape, task.input());
  SearchResult result = run_search(task.engine, task.input(), task.map(), *plan, shape, hooks);
  const ChallengeStatistics statistics = compute_statistics(result.pairs, task.input(), task.map());
  record_result(record, task.engine, result);
  if (task.folder) {
    const std::string json = run_json(record, task.input(), statistics);
    write_run_files(*task.folder, {record, json, task.input(), statistics, result.pairs, task.map(), {}});
    if (result.complete) task.folder->commit();
  }
  return public_answers(std::move(result), statistics, record.screening);
}

/// The answers that a finished run has in its folder. Tiles are whole rows then, and nothing is computed.
SearchAnswers finished_answers(const Task& task, RunRecord asked, const std::string& precision) {
  record_mode(task.options, asked);
  complete_record(task, asked);
  const std::filesystem::path& folder = task.options.out;
  require_finished_run(folder, asked, precision);
  ResultFolder::remove_leftovers(folder);
  const RunRecord record = read_run_record(folder);
  PairMatrix pairs =
      read_answers(folder, static_cast<int>(task.input().foregrounds.size()),
                   static_cast<int>(task.input().background_names.size()), asked.model.classes);
  const ChallengeStatistics statistics = compute_statistics(pairs, task.input(), task.map());
  if (task.callbacks.tile) give_rows(pairs, task.callbacks.tile);
  const std::size_t count = pairs.predictions.size();
  if (task.callbacks.progress)
    task.callbacks.progress({.settled = count,
                             .total = count,
                             .evaluated = record.evaluated,
                             .vulnerable = statistics.total.vulnerable});
  return public_answers({std::move(pairs), record.evaluated, record.recorded, 0, {}}, statistics,
                        record.screening);
}

void check_options(const SearchOptions& options) {
  if (!(options.most_seconds >= 0))
    throw Error(ErrorCode::usage, fmt::format("{} seconds are no limit", options.most_seconds));
  if (options.logits && options.existing == ExistingRun::resume)
    throw Error(ErrorCode::usage,
                "a search with logits cannot be resumed: the run's folder does not keep them");
}

void check_sizes(const ValueShape& data, const ValueShape& network) {
  if (data != network)
    throw Error(ErrorCode::usage, fmt::format("the data is {} x {}: the network takes {} x {}", data.height,
                                              data.width, network.height, network.width));
}

/// Going on, `auto` is what the run was begun with: an engine for this search alone. None where the session's
/// own will do.
std::unique_ptr<Engine> engine_to_go_on(const RunIdentity& resumed, const Session::Parts& parts) {
  const auto precision = identity_value(resumed, "precision");
  if (parts.options.precision != "auto" || !precision) return nullptr;
  OpenOptions options = parts.options;
  options.precision = asked_precision(*precision);
  return open_engine(Internals::parts(parts.model), options);
}

/// Leaves the engine without the search's photos, whose memory is the caller's again.
class Release {
 public:
  explicit Release(Engine& engine) : engine_(engine) {}
  ~Release() {
    try {
      engine_.set_backgrounds(std::make_shared<const std::vector<Image>>());
    } catch (...) {
      // The engine keeps the photos until the next search: nothing is lost but memory.
    }
  }
  Release(const Release&) = delete;
  Release& operator=(const Release&) = delete;

 private:
  Engine& engine_;
};

}  // namespace

SearchAnswers search(Session& session, const SearchData& data, const SearchOptions& options,
                     const SearchCallbacks& callbacks) {
  Session::Parts& parts = Internals::parts(session);
  const Model::Parts& model = Internals::parts(parts.model);
  if (!model.can_search)
    throw Error(ErrorCode::usage,
                fmt::format("the model has {} classes and no labels: give LoadOptions in9_labels",
                            model.info.classes));
  check_options(options);
  check_sizes(Internals::parts(data).size, model.network->input);
  const CallGate::Pass pass(parts.gate);
  const bool finished = options.existing == ExistingRun::resume && !options.out.empty() &&
                        ResultFolder::is_finished(options.out);
  const auto folder = finished ? nullptr : open_folder(options);
  if (!options.out.empty())
    Internals::parts(data).hash(parts.options.threads);  // with no more than the session may use
  RunRecord record;
  record.model = model.record;
  record.options.reuse = parts.options.reuse;
  record.options.cache_memory = parts.options.cache_memory;
  record.options.allow_partial = model.allow_partial;
  if (finished)
    return finished_answers({*parts.engine, model.class_map, data, options, callbacks}, std::move(record),
                            parts.options.precision);
  std::unique_ptr<Engine> other;
  if (folder && folder->unfinished()) other = engine_to_go_on(*folder->unfinished(), parts);
  Engine& engine = other ? *other : *parts.engine;
  const Release release(engine);
  return run({engine, model.class_map, data, options, callbacks, folder.get()}, std::move(record));
}

SearchAnswers search(Classifier& classifier, const SearchData& data, const SearchOptions& options,
                     const SearchCallbacks& callbacks) {
  check_options(options);
  if (options.existing == ExistingRun::resume)
    throw Error(ErrorCode::usage,
                "a classifier of the caller's cannot resume: nothing says that it is the same one");
  const ValueShape& size = Internals::parts(data).size;
  const NamedClassMap map{class_map_of(classifier, static_cast<int>(data.class_names().size())), "given"};
  const auto engine = make_classifier_engine(classifier, map.map, size);
  RunRecord record;
  record.model.file = record.model.arch = classifier.name();
  record.model.format = "caller";
  record.model.classes = classifier.classes();
  record.options.reuse = false;
  const auto folder = open_folder(options);
  return run({*engine, map, data, options, callbacks, folder.get(), false}, std::move(record));
}

}  // namespace backdrop
