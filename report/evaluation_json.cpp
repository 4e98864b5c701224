// The IN-9 evaluation as JSON, and a finished run's challenge accuracy read back.
#include "backdrop/error.h"
#include "report/evaluation_record.h"
#include "report/json_parts.h"
#include "report/run_reader.h"

namespace backdrop {

std::string evaluation_json(const EvaluationRecord& record) {
  Json results = Json::array();
  for (const VariationResult& result : record.results)
    results.push_back({{"variation", result.variation},
                       {"name", display_name(result.variation)},
                       {"images", result.images},
                       {"correct", result.correct},
                       {"accuracy", result.accuracy()},
                       {"sha256", result.sha256}});
  Json data = {{"path", record.data_path}};
  if (!record.data_sha256.empty()) data["sha256"] = record.data_sha256;
  return json_text({{"format", "backdrop-eval-1"},
                    {"results", std::move(results)},
                    {"bg_gap", or_null(background_gap(record.results))},
                    {"challenge_accuracy", or_null(record.challenge_accuracy)},
                    {"checkpoint", model_json(record.model)},
                    {"data", std::move(data)},
                    {"engine", engine_json(record.engine)},
                    {"versions", versions_json(record.versions)}});
}

double challenge_accuracy_of_run(const std::filesystem::path& folder, const std::string& checkpoint_sha256) {
  const std::filesystem::path path = folder / "run.json";
  const std::string text = read_run_json(folder);
  std::string sha256;
  double accuracy = 0;
  bool complete = false;
  bool whole = false;
  try {
    const Json run = Json::parse(text);
    sha256 = run.at("checkpoint").at("sha256").get<std::string>();
    accuracy = run.at("result").at("challenge_accuracy").get<double>();
    complete = run.at("result").at("complete").get<bool>();
    whole = run.at("options").at("shard").at("count") == Json(1);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::bad_input, "is not the run.json of a finished challenge", path.string());
  }
  if (sha256 != checkpoint_sha256)
    throw Error(ErrorCode::bad_input, "is a run of another checkpoint (SHA-256 " + sha256 + ")",
                path.string());
  if (!complete)
    throw Error(ErrorCode::bad_input,
                "is a search that was stopped early, which gives a bound only: finish it (--resume)",
                path.string());
  if (!whole)
    throw Error(ErrorCode::bad_input,
                "is a search of a part of the foregrounds: put the shards together with `backdrop merge`",
                path.string());
  return accuracy;
}

}  // namespace backdrop
