// run.json: what ran, and what came out.
#include "report/json_parts.h"
#include "report/run_record.h"

namespace backdrop {
namespace {

Json options_json(const OptionsRecord& options) {
  return {{"mode", options.mode},
          {"reuse", options.reuse},
          {"cache_memory", options.cache_memory},
          {"allow_partial", options.allow_partial},
          {"class_map", options.class_map},
          {"class_map_sha256", options.class_map_sha256}};
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

Json result_json(const RunRecord& record, const ChallengeInput& input,
                 const ChallengeStatistics& statistics) {
  return {{"challenge_accuracy", statistics.total.challenge_accuracy()},
          {"foregrounds", statistics.total.foregrounds},
          {"vulnerable", statistics.total.vulnerable},
          {"fooled_pairs", statistics.fooled},
          {"classes", classes_json(record, input, statistics)}};
}

}  // namespace

std::vector<std::vector<int>> listed_backgrounds(const RunRecord& record, const ChallengeInput& input,
                                                 const ChallengeStatistics& statistics, int count) {
  const bool comparable = record.options.mode == "all";
  return most_adversarial_backgrounds(statistics, input.background_labels(), comparable ? count : 0);
}

std::string run_json(const RunRecord& record, const ChallengeInput& input,
                     const ChallengeStatistics& statistics) {
  const std::size_t foregrounds = input.foregrounds.size();
  const std::size_t backgrounds = input.background_names.size();
  const Json run = {{"format", "backdrop-run-1"},
                    {"result", result_json(record, input, statistics)},
                    {"pairs",
                     {{"total", foregrounds * backgrounds},
                      {"evaluated", record.evaluated},
                      {"recorded", record.recorded}}},
                    {"checkpoint", model_json(record.model)},
                    {"data",
                     {{"path", record.data_path},
                      {"sha256", record.data_sha256},
                      {"foregrounds", foregrounds},
                      {"backgrounds", backgrounds}}},
                    {"options", options_json(record.options)},
                    {"engine", engine_json(record.engine)},
                    {"versions", versions_json(record.versions)},
                    {"started", record.started},
                    {"seconds", {{"load", record.load_seconds}, {"search", record.search_seconds}}}};
  return json_text(run);
}

}  // namespace backdrop
