// run.json back to a record. Every field may be missing or of another type.
#include "report/run_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "backdrop/error.h"
#include "loaders/file.h"
#include "report/json_parts.h"
#include "search/result_folder.h"

namespace backdrop {
namespace {

constexpr std::size_t kLargestRunJson = std::size_t{16} << 20;

/// A value that no run has.
struct ImpossibleValue {};

/// Hands the parsed file to `read` and turns what the JSON library throws into an error of ours.
void with_run_json(const std::filesystem::path& folder, const std::function<void(const Json&)>& read) {
  const std::string text = read_run_json(folder);
  const Error foreign(ErrorCode::bad_input, "is not the run.json of a finished challenge",
                      (folder / "run.json").string());
  try {
    read(Json::parse(text));
  } catch (const Json::exception&) {
    throw foreign;
  } catch (const ImpossibleValue&) {
    throw foreign;
  }
}

/// The JSON library would convert any number, 1e300 too.
template <typename T>
void read_count(const Json& object, const char* name, T& count) {
  const Json& value = object.at(name);
  if (!value.is_number_unsigned()) throw ImpossibleValue();
  const auto number = value.get<std::uint64_t>();
  if (!std::in_range<T>(number)) throw ImpossibleValue();
  count = static_cast<T>(number);
}

Shard read_shard(const Json& object) {
  constexpr int kMostShards = 999'999;  // as --shard takes
  Shard shard;
  read_count(object, "index", shard.index);
  read_count(object, "count", shard.count);
  if (shard.index < 1 || shard.index > shard.count || shard.count > kMostShards) throw ImpossibleValue();
  return shard;
}

/// What add_tensors of json_parts.cpp wrote; nothing was written for none.
TensorNames read_tensors(const Json& model, const char* name) {
  TensorNames tensors;
  if (!model.contains(name)) return tensors;
  read_count(model.at(name), "count", tensors.count);
  model.at(name).at("names").get_to(tensors.names);
  return tensors;
}

ModelRecord model_record(const Json& model) {
  ModelRecord record;
  model.at("file").get_to(record.file);
  model.at("sha256").get_to(record.sha256);
  model.at("format").get_to(record.format);
  model.at("arch").get_to(record.arch);
  read_count(model, "classes", record.classes);
  read_count(model, "parameters", record.parameters);
  read_count(model, "macs", record.macs);
  const Json& normalization = model.at("normalization");
  normalization.at("mean").get_to(record.normalization.mean);
  normalization.at("std").get_to(record.normalization.deviation);
  normalization.at("source").get_to(record.normalization_source);
  record.filled_in = read_tensors(model, "filled_in");
  record.left_out = read_tensors(model, "left_out");
  return record;
}

OptionsRecord options_record(const Json& options) {
  OptionsRecord record;
  options.at("mode").get_to(record.mode);
  options.at("order").get_to(record.order);
  record.shard = read_shard(options.at("shard"));
  options.at("reuse").get_to(record.reuse);
  read_count(options, "cache_memory", record.cache_memory);
  options.at("allow_partial").get_to(record.allow_partial);
  options.at("class_map").get_to(record.class_map);
  options.at("class_map_sha256").get_to(record.class_map_sha256);
  if (options.contains("class_map_labels")) options.at("class_map_labels").get_to(record.class_map_labels);
  return record;
}

/// run.json has null for a number that is not finite.
float read_float(const Json& value) {
  if (value.is_null()) return std::numeric_limits<float>::infinity();
  const auto number = value.get<double>();
  if (!(std::abs(number) <= std::numeric_limits<float>::max())) throw ImpossibleValue();
  return static_cast<float>(number);
}

Precision read_precision(const Json& value) {
  const auto precision = precision_named(value.get<std::string>());
  if (!precision) throw ImpossibleValue();
  return *precision;
}

std::vector<ScreeningReport::ClassError> class_errors(const Json& list) {
  std::vector<ScreeningReport::ClassError> errors;
  for (const Json& entry : list) {
    ScreeningReport::ClassError& error = errors.emplace_back();
    read_count(entry, "label", error.label);
    read_count(entry, "sample", error.sample);
    error.quantile = read_float(entry.at("quantile"));
    error.maximum = read_float(entry.at("maximum"));
    error.bound = read_float(entry.at("bound"));
  }
  return errors;
}

ScreeningReport screening_report(const Json& screening) {
  ScreeningReport report;
  report.precision = read_precision(screening.at("precision"));
  if (const Json& sums = screening.at("sums"); !sums.is_null()) report.sums = read_precision(sums);
  read_count(screening, "composites", report.composites);
  if (const Json& second = screening.at("second"); !second.is_null()) {
    report.second = {read_precision(second.at("precision")), class_errors(second.at("lead_errors")), 0};
    read_count(second, "composites", report.second->composites);
  }
  read_count(screening, "rechecked", report.rechecked);
  read_count(screening, "audited", report.audited);
  read_count(screening, "wrong", report.wrong);
  screening.at("wrong_share_bound").get_to(report.wrong_share_bound);
  screening.at("confidence").get_to(report.confidence);
  screening.at("safety").get_to(report.safety);
  screening.at("quantile").get_to(report.quantile);
  screening.at("calibration_seconds").get_to(report.calibration_seconds);
  screening.at("again_seconds").get_to(report.again_seconds);
  report.errors = class_errors(screening.at("lead_errors"));
  return report;
}

}  // namespace

RunIdentity read_run_identity(const std::filesystem::path& folder) {
  RunIdentity identity;
  with_run_json(folder, [&identity](const Json& run) {
    for (const auto& [name, value] : run.at("identity").items())
      identity.emplace_back(name, value.get<std::string>());
  });
  return identity;
}

void require_finished_run(const std::filesystem::path& folder, const RunRecord& asked,
                          const std::string& precision) {
  const RunIdentity finished = read_run_identity(folder);
  const std::string found = identity_value(finished, "precision").value_or("not known");
  const bool is_meant = precision == "auto" || asked_precision(found) == precision;
  RunIdentity identity = run_identity(asked);
  for (auto& [name, value] : identity)
    if (name == "precision") value = is_meant ? found : precision;
  const std::string difference = identity_difference(finished, identity);
  if (!difference.empty())
    throw Error(ErrorCode::usage,
                fmt::format("is a finished run of something else: {}; choose another --out, or --force to "
                            "replace it",
                            difference),
                folder.string());
}

void refuse_unfinished_run(const std::filesystem::path& folder) {
  if (ResultFolder::is_unfinished(folder))
    throw Error(ErrorCode::bad_input, "is an unfinished run: finish it with challenge --resume",
                folder.string());
}

std::string read_run_json(const std::filesystem::path& folder) {
  refuse_unfinished_run(folder);
  const std::vector<std::byte> bytes = read_file(folder / "run.json", kLargestRunJson);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

RunRecord read_run_record(const std::filesystem::path& folder) {
  RunRecord record;
  with_run_json(folder, [&record](const Json& run) {
    record.model = model_record(run.at("checkpoint"));
    run.at("data").at("path").get_to(record.data_path);
    run.at("data").at("sha256").get_to(record.data_sha256);
    record.options = options_record(run.at("options"));
    run.at("result").at("complete").get_to(record.complete);
    read_count(run.at("pairs"), "evaluated", record.evaluated);
    read_count(run.at("pairs"), "recorded", record.recorded);
    if (run.contains("resumed_pairs")) read_count(run, "resumed_pairs", record.resumed);
    if (record.resumed > record.evaluated) throw ImpossibleValue();
    if (run.contains("screening")) record.screening = screening_report(run.at("screening"));
    run.at("seconds").at("search").get_to(record.search_seconds);
  });
  return record;
}

}  // namespace backdrop
