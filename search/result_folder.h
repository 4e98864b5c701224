/// \file
/// The folder of one run: run.json, predictions.npy, margins.npy, foregrounds.csv, backgrounds.csv,
/// report.html.
///
/// A run writes into FOLDER.partial and takes its name only when everything is on the device, so FOLDER with
/// a run.json is always a finished run. FOLDER.partial also holds the journal from which a run that was
/// stopped goes on; search/journal.h says what is durable when.
///
/// \code
/// ResultFolder folder("runs/resnet50", ResultFolder::Existing::refuse);  // locks it: before long work
/// Journal& journal = folder.begin(identity, shape);
/// hooks.journal = &journal;
/// SearchResult result = run_search(*engine, input, map, *plan, shape, hooks);
/// folder.write_answers(result.pairs);
/// folder.write("run.json", text);
/// folder.commit();
/// \endcode
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "search/journal.h"
#include "search/pair_matrix.h"

namespace backdrop {

class ResultFolder {
 public:
  /// What to do with a run that is there: refuse to touch it; replace it, finished or not; go on with it if
  /// it is unfinished.
  enum class Existing { refuse, replace, resume };

  /// Locks FOLDER.partial, creating it. Throws usage if there is a run that may not be touched, or a folder
  /// that is none, or if FOLDER has the name of another's .partial or .replaced; failed if another process is
  /// writing this run or the disk does not take it.
  ResultFolder(const std::filesystem::path& folder, Existing existing);
  /// Removes FOLDER.partial unless it can be resumed.
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  /// Opens the journal of the run to resume, or starts one, and clears away what else is there. Throws usage
  /// if the run is one of other inputs; its journal's shape is the one to plan with.
  Journal& begin(const RunIdentity& identity, const PlanShape& shape);
  /// The same without a journal, for answers that are all there already.
  void begin();

  /// Writes predictions.npy and margins.npy.
  void write_answers(const PairMatrix& pairs);
  /// Adds one of the run's text files.
  void write(std::string_view name, std::string_view content);
  /// Flushes everything to the device and puts the folder in place. Where the file system can exchange two
  /// names, a run to replace is there until then.
  void commit();
  /// The run to resume, before `begin`; null if there is none.
  const RunIdentity* unfinished() const { return journal_ ? &journal_->identity() : nullptr; }
  /// Whether the journal has blocks, so that FOLDER.partial stays.
  bool can_be_resumed() const { return journal_ && journal_->blocks() > 0; }
  /// Where the files of an unfinished run are.
  const std::filesystem::path& partial() const { return partial_; }

  /// Whether this is a FOLDER.partial, by its name.
  static bool is_partial(const std::filesystem::path& folder);
  /// Whether FOLDER holds a finished run. FOLDER.partial never does, whatever is in it.
  static bool is_finished(const std::filesystem::path& folder);
  /// Whether FOLDER has no run.json, but is or has a FOLDER.partial that can be resumed.
  static bool is_unfinished(const std::filesystem::path& folder);
  /// Removes the journal that a run killed in its very last step left in its finished folder.
  static void remove_leftovers(const std::filesystem::path& folder);

 private:
  class Lock;

  void restore_replaced() const;

  std::filesystem::path folder_;
  std::filesystem::path partial_;
  std::unique_ptr<Lock> lock_;
  std::optional<Journal> journal_;
};

}  // namespace backdrop
