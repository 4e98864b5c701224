/// \file
/// The folder of one run: run.json, predictions.npy, margins.npy, foregrounds.csv, backgrounds.csv,
/// report.html.
///
/// A run writes into FOLDER.partial and takes its name only when everything is on the device, so a folder
/// with a run.json is always a finished run.
///
/// \code
/// ResultFolder folder("runs/resnet50", foregrounds, backgrounds, ResultFolder::IfFinished::refuse);
/// hooks.sinks.push_back(&folder);
/// ... run_search(...) ...
/// folder.write("run.json", text);
/// folder.commit();
/// \endcode
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "search/matrix_file.h"
#include "search/runner.h"

namespace backdrop {

class ResultFolder : public PairSink {
 public:
  enum class IfFinished { refuse, replace };

  /// Throws what the constructor would throw over a folder that may not be written, before any work is done.
  static void check_free(const std::filesystem::path& folder, IfFinished if_finished);

  /// Creates FOLDER.partial (clearing what a killed run left there) with both matrices, nothing evaluated.
  /// Throws usage if FOLDER is a finished run that may not be replaced, or holds anything else; failed if
  /// another process is writing this run or the disk does not take it.
  ResultFolder(const std::filesystem::path& folder, std::size_t foregrounds, std::size_t backgrounds,
               IfFinished if_finished);
  /// Removes what was not committed.
  ~ResultFolder() override;
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  void store(const PairAnswers& answers) override;
  /// Adds one of the run's text files.
  void write(std::string_view name, std::string_view content);
  /// Flushes everything to the device and puts the folder in place.
  void commit();

 private:
  class Lock;

  std::filesystem::path folder_;
  std::filesystem::path partial_;
  std::unique_ptr<Lock> lock_;
  std::unique_ptr<MatrixFile> predictions_;
  std::unique_ptr<MatrixFile> margins_;
};

}  // namespace backdrop
