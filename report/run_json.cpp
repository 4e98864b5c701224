// run.json: what ran, and what came out. Two runs of the same inputs and options differ in `engine`,
// `versions`, `started`, `seconds` and `resumed_pairs` only, below fp32 also in the times of `screening`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/json_parts.h"
#include "report/run_record.h"
#include "search/estimate.h"

namespace backdrop {
namespace {

Json options_json(const OptionsRecord& options) {
  Json json = {{"mode", options.mode},
               {"order", options.order},
               {"shard", {{"index", options.shard.index}, {"count", options.shard.count}}},
               {"reuse", options.reuse},
               {"cache_memory", options.cache_memory},
               {"allow_partial", options.allow_partial},
               {"class_map", options.class_map},
               {"class_map_sha256", options.class_map_sha256}};
  if (!options.class_map_labels.empty()) json["class_map_labels"] = options.class_map_labels;
  return json;
}

Json errors_json(const std::vector<ScreeningReport::ClassError>& all, const ChallengeInput& input) {
  Json errors = Json::array();
  for (const ScreeningReport::ClassError& error : all)
    errors.push_back({{"label", error.label},
                      {"name", input.classes[static_cast<std::size_t>(error.label)]},
                      {"sample", error.sample},
                      {"quantile", error.quantile},
                      {"maximum", error.maximum},
                      {"bound", error.bound}});
  return errors;
}

Json screening_json(const ScreeningReport& screening, const ChallengeInput& input) {
  Json second;
  if (screening.second)
    second = {{"precision", name(screening.second->precision)},
              {"composites", screening.second->composites},
              {"lead_errors", errors_json(screening.second->errors, input)}};
  return {{"precision", name(screening.precision)},
          {"sums", screening.sums ? Json(name(*screening.sums)) : Json()},
          {"composites", screening.composites},
          {"second", std::move(second)},
          {"rechecked", screening.rechecked},
          {"audited", screening.audited},
          {"wrong", screening.wrong},
          {"wrong_share_bound", screening.wrong_share_bound},
          {"confidence", screening.confidence},
          {"safety", screening.safety},
          {"quantile", screening.quantile},
          {"calibration_seconds", screening.calibration_seconds},
          {"again_seconds", screening.again_seconds},
          {"lead_errors", errors_json(screening.errors, input)}};
}

Json background_json(const ChallengeInput& input, const ChallengeStatistics& statistics, int index) {
  const BackgroundStatistics& background = statistics.backgrounds[static_cast<std::size_t>(index)];
  return {{"index", index},
          {"name", input.background_names[static_cast<std::size_t>(index)].name},
          {"others_evaluated", background.others_evaluated},
          {"fooled_share", background.fooled_share()},
          {"fooled_into_class_share", background.into_class_share()}};
}

Json classes_json(const RunRecord& record, const ChallengeInput& input,
                  const ChallengeStatistics& statistics) {
  const auto most_adversarial = listed_backgrounds(record, input, statistics);
  Json classes = Json::array();
  for (std::size_t label = 0; label < input.classes.size(); ++label) {
    const ClassStatistics& group = statistics.classes[label];
    Json backgrounds = Json::array();
    for (const int index : most_adversarial[label])
      backgrounds.push_back(background_json(input, statistics, index));
    classes.push_back({{"label", label},
                       {"name", input.classes[label]},
                       {"foregrounds", group.foregrounds},
                       {"vulnerable", group.vulnerable},
                       {"challenge_accuracy", group.challenge_accuracy()},
                       {"most_adversarial_backgrounds", std::move(backgrounds)}});
  }
  return classes;
}

/// What is known of a search that was stopped early: its challenge accuracy so far is the upper bound.
Json bounds_json(const RunRecord& record, const ChallengeStatistics& statistics) {
  const EarlyAnswer answer = early_answer(statistics, record.options.order == "adaptive");
  Json bounds = {{"upper", answer.upper}, {"lower", answer.lower}};
  if (answer.likely_lower)
    bounds["likely"] = {{"lower", *answer.likely_lower},
                        {"upper", answer.upper},
                        {"confidence", 0.95},
                        {"assumption", kEarlyAnswerAssumption}};
  return bounds;
}

Json identity_json(const RunIdentity& identity) {
  Json json = Json::object();
  for (const auto& [name, value] : identity) json[name] = value;
  return json;
}

Json result_json(const RunRecord& record, const ChallengeInput& input,
                 const ChallengeStatistics& statistics) {
  Json result = {{"complete", record.complete},
                 {"challenge_accuracy", statistics.total.challenge_accuracy()},
                 {"foregrounds", statistics.total.foregrounds},
                 {"vulnerable", statistics.total.vulnerable},
                 {"fooled_pairs", statistics.fooled},
                 {"classes", classes_json(record, input, statistics)}};
  if (!record.complete) result["bounds"] = bounds_json(record, statistics);
  return result;
}

}  // namespace

std::string RunRecord::precision() const {
  if (!screening) return name(Precision::fp32);
  std::string text = name(screening->precision);
  if (screening->second) text += fmt::format(", {}", name(screening->second->precision));
  return text;
}

std::string asked_precision(const std::string& precision) {
  return precision.substr(0, precision.find(','));
}

void record_class_map(const NamedClassMap& map, OptionsRecord& options) {
  options.class_map = map.name;
  options.class_map_sha256 = class_map_sha256(map.map);
  options.class_map_labels = is_built_in(map.name) ? "" : class_map_text(map.map);
}

RunIdentity run_identity(const RunRecord& record) {
  const OptionsRecord& options = record.options;
  RunIdentity identity = {{"checkpoint sha256", record.model.sha256},
                          {"architecture", record.model.arch},
                          {"data sha256", record.data_sha256},
                          {"mode", options.mode},
                          {"order", options.order},
                          {"shard", options.shard.text()},
                          {"reuse", options.reuse ? "on" : "off"},
                          {"precision", record.precision()},
                          {"partial checkpoint", options.allow_partial ? "allowed" : "refused"},
                          {"class map sha256", options.class_map_sha256}};
  const Normalization& given = record.model.normalization;
  if (record.model.normalization_source == "given")  // any other follows from the checkpoint
    identity.emplace_back("normalisation", fmt::format("mean {} and deviation {}", fmt::join(given.mean, ","),
                                                       fmt::join(given.deviation, ",")));
  return identity;
}

std::vector<std::vector<int>> listed_backgrounds(const RunRecord& record, const ChallengeInput& input,
                                                 const ChallengeStatistics& statistics, int count) {
  const bool comparable = record.options.mode == "all" && record.complete;
  return most_adversarial_backgrounds(statistics, input.background_labels(), comparable ? count : 0);
}

std::string run_json(const RunRecord& record, const ChallengeInput& input,
                     const ChallengeStatistics& statistics) {
  const std::size_t foregrounds = input.foregrounds.size();
  const std::size_t backgrounds = input.background_names.size();
  Json data = {{"path", record.data_path},
               {"sha256", record.data_sha256},
               {"foregrounds", foregrounds},
               {"backgrounds", backgrounds}};
  if (!input.notes.empty()) data["notes"] = input.notes;
  Json run = {{"format", "backdrop-run-1"},
              {"result", result_json(record, input, statistics)},
              {"pairs",
               {{"total", foregrounds * backgrounds},
                {"evaluated", record.evaluated},
                {"recorded", record.recorded}}},
              {"checkpoint", model_json(record.model)},
              {"data", std::move(data)},
              {"options", options_json(record.options)},
              {"identity", identity_json(run_identity(record))},
              {"engine", engine_json(record.engine)},
              {"versions", versions_json(record.versions)},
              {"started", record.started},
              {"seconds", {{"load", record.load_seconds}, {"search", record.search_seconds}}},
              {"resumed_pairs", record.resumed}};
  if (record.screening) run["screening"] = screening_json(*record.screening, input);
  return json_text(run);
}

}  // namespace backdrop
