// Data and class map of a run, found by their recorded names and checked by their hashes.
#include "cli/finished_run.h"

#include <filesystem>
#include <system_error>

#include "backdrop/error.h"

namespace backdrop {

ChallengeInput load_run_data(const RunRecord& record, const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored))
    throw Error(ErrorCode::bad_input, "is no data folder: say where the data is with --data-path", path);
  ThreadPool pool;
  ChallengeInput input = load_challenge_input(path, pool);
  if (manifest_sha256(input, pool) != record.data_sha256)
    throw Error(ErrorCode::bad_input,
                "is not the data that was searched: give the right one with --data-path", path);
  return input;
}

ClassMap load_run_class_map(const RunRecord& record) {
  const OptionsRecord& options = record.options;
  const int classes = record.model.classes;
  ClassMap map;
  if (!options.class_map_labels.empty())
    map = parse_class_map_text(options.class_map_labels, classes, "run.json");
  else
    map = is_built_in(options.class_map) ? default_class_map(classes)
                                         : read_class_map(options.class_map, classes);
  if (class_map_sha256(map) != options.class_map_sha256)
    throw Error(ErrorCode::bad_input, "is not the class map that the search was made with",
                options.class_map);
  return map;
}

}  // namespace backdrop
