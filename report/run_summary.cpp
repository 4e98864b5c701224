// run.json and eval.json read for a table: fields that are missing or of another type stay empty.
#include "report/run_summary.h"

#include <algorithm>
#include <cstdint>

#include "backdrop/error.h"
#include "loaders/dataset.h"
#include "loaders/file.h"
#include "report/json_parts.h"
#include "report/run_reader.h"

namespace backdrop {
namespace {

constexpr std::size_t kLargestJson = std::size_t{16} << 20;
constexpr std::size_t kMostClasses = 1000;

/// The member at the end of the path; null if there is none.
const Json& member(const Json& object, std::initializer_list<const char*> path) {
  static const Json kNone;
  const Json* at = &object;
  for (const char* name : path) {
    if (!at->is_object()) return kNone;
    const auto found = at->find(name);
    if (found == at->end()) return kNone;
    at = &*found;
  }
  return *at;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<double> share_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const double share = value.get<double>();
  return share >= 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

std::optional<int> count_of(const Json& value) {
  constexpr std::uint64_t kMost = 1'000'000'000;
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) return std::nullopt;
  return static_cast<int>(value.get<std::uint64_t>());
}

/// An empty object if there is no such file.
Json read_json(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Json::object();
  const std::vector<std::byte> bytes = read_file(path, kLargestJson);
  const char* text = reinterpret_cast<const char*>(bytes.data());
  Json json = Json::parse(text, text + bytes.size(), nullptr, false);
  if (!json.is_object() || json.empty())
    throw Error(ErrorCode::bad_input, "is not the JSON of a run or an evaluation", path.string());
  return json;
}

void take_checkpoint(const Json& json, RunSummary& run) {
  run.arch = text_of(member(json, {"checkpoint", "arch"}));
  run.checkpoint = text_of(member(json, {"checkpoint", "file"}));
  run.checkpoint_sha256 = text_of(member(json, {"checkpoint", "sha256"}));
  run.own_normalization = text_of(member(json, {"checkpoint", "normalization", "source"})) == "given";
  run.filled_in = count_of(member(json, {"checkpoint", "filled_in", "count"}));
  run.data_path = text_of(member(json, {"data", "path"}));
}

void take_challenge(const Json& json, RunSummary& run) {
  take_checkpoint(json, run);
  run.data_sha256 = text_of(member(json, {"data", "sha256"}));
  run.mode = text_of(member(json, {"options", "mode"}));
  const auto index = count_of(member(json, {"options", "shard", "index"}));
  const auto count = count_of(member(json, {"options", "shard", "count"}));
  if (index && count && *count > 1) run.shard = std::to_string(*index) + "/" + std::to_string(*count);
  run.challenge_accuracy = share_of(member(json, {"result", "challenge_accuracy"}));
  run.is_bound = member(json, {"result", "complete"}) == Json(false);
  run.foregrounds = count_of(member(json, {"data", "foregrounds"}));
  run.backgrounds = count_of(member(json, {"data", "backgrounds"}));
  run.vulnerable = count_of(member(json, {"result", "vulnerable"}));
  for (const Json& group : member(json, {"result", "classes"})) {
    if (run.classes.size() >= kMostClasses) break;
    run.classes.emplace_back(text_of(member(group, {"name"})),
                             share_of(member(group, {"challenge_accuracy"})));
  }
}

void take_evaluation(const Json& json, RunSummary& run) {
  const std::vector<std::string>& known = in9_variations();
  for (const Json& result : member(json, {"results"})) {
    const std::string variation = text_of(member(result, {"variation"}));
    const auto images = count_of(member(result, {"images"}));
    const auto correct = count_of(member(result, {"correct"}));
    const bool fits = images && correct && *correct <= *images;
    if (fits && std::find(known.begin(), known.end(), variation) != known.end() &&
        !accuracy_on(run.evaluation, variation))
      run.evaluation.push_back({variation, *images, *correct, text_of(member(result, {"sha256"}))});
  }
  run.evaluation_path = text_of(member(json, {"data", "path"}));
  run.evaluation_data_sha256 = text_of(member(json, {"data", "sha256"}));
  run.noted_accuracy = share_of(member(json, {"challenge_accuracy"}));
}

/// Whether a figure of `run` is of other data than the first of `runs` that has that figure.
bool has_other_data(const RunSummary& run, const std::vector<RunSummary>& runs) {
  const auto searched = std::find_if(
      runs.begin(), runs.end(), [](const RunSummary& other) { return other.challenge_accuracy.has_value(); });
  if (run.challenge_accuracy && searched != runs.end() && run.data_sha256 != searched->data_sha256)
    return true;
  return std::any_of(run.evaluation.begin(), run.evaluation.end(), [&runs](const VariationResult& result) {
    for (const RunSummary& other : runs) {
      const VariationResult* first = find_result(other.evaluation, result.variation);
      if (first != nullptr && !first->sha256.empty())
        return !result.sha256.empty() && result.sha256 != first->sha256;
    }
    return false;
  });
}

}  // namespace

RunSummary read_run_summary(const std::filesystem::path& folder) {
  RunSummary run;
  run.folder = folder;
  const Json challenge = read_json(folder / "run.json");
  const Json evaluation = read_json(folder / "eval.json");
  if (challenge.empty() && evaluation.empty()) {
    refuse_unfinished_run(folder);
    throw Error(ErrorCode::bad_input,
                "holds neither run.json nor eval.json: give the --out of a challenge or an eval",
                folder.string());
  }
  if (challenge.empty()) take_checkpoint(evaluation, run);
  if (!challenge.empty()) take_challenge(challenge, run);
  take_evaluation(evaluation, run);
  const std::string sha256 = text_of(member(evaluation, {"checkpoint", "sha256"}));
  if (!evaluation.empty() && sha256 != run.checkpoint_sha256)
    throw Error(ErrorCode::bad_input, "is the evaluation of another checkpoint than run.json's beside it",
                (folder / "eval.json").string());
  return run;
}

void sort_by_accuracy(std::vector<RunSummary>& runs) {
  const auto rank = [](const RunSummary& run) {
    return std::pair(run.challenge_accuracy.value_or(-1),
                     accuracy_on(run.evaluation, "original").value_or(-1));
  };
  std::stable_sort(runs.begin(), runs.end(),
                   [&rank](const RunSummary& a, const RunSummary& b) { return rank(a) > rank(b); });
}

std::string remark(const RunSummary& run, const std::vector<RunSummary>& runs) {
  std::vector<std::string> parts;
  if (run.is_bound) parts.emplace_back("stopped early: at most");
  if (!run.shard.empty()) parts.push_back("only shard " + run.shard);
  if (run.filled_in) parts.push_back("tensors missing: " + std::to_string(*run.filled_in));
  if (run.own_normalization) parts.emplace_back("mean and deviation of its own");
  if (run.is_mixed()) parts.emplace_back("EVALUATED ON OTHER DATA");
  if (has_other_data(run, runs)) parts.emplace_back("OTHER DATA");
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

std::string summaries_json(const std::vector<RunSummary>& runs) {
  Json rows = Json::array();
  for (const RunSummary& run : runs) {
    Json accuracies = Json::object();
    for (const VariationResult& result : run.evaluation) accuracies[result.variation] = result.accuracy();
    Json classes = Json::object();
    for (const auto& [name, accuracy] : run.classes) classes[name] = or_null(accuracy);
    rows.push_back(
        {{"folder", run.folder.string()},
         {"checkpoint", {{"file", run.checkpoint}, {"sha256", run.checkpoint_sha256}, {"arch", run.arch}}},
         {"data", {{"path", run.data_path}, {"sha256", run.data_sha256}}},
         {"challenge_accuracy", or_null(run.challenge_accuracy)},
         {"complete", !run.is_bound},
         {"shard", run.shard},
         {"foregrounds", or_null(run.foregrounds)},
         {"backgrounds", or_null(run.backgrounds)},
         {"vulnerable", or_null(run.vulnerable)},
         {"classes", std::move(classes)},
         {"accuracy", std::move(accuracies)},
         {"bg_gap", or_null(background_gap(run.evaluation))},
         {"remark", remark(run, runs)}});
  }
  return json_text({{"format", "backdrop-report-1"}, {"runs", std::move(rows)}});
}

}  // namespace backdrop
