/// \file
/// Logits of a search as a .npy array, written while it runs: all of them need not fit the memory.
#pragma once

#include <cstddef>
#include <filesystem>

#include "core/durable_file.h"
#include "search/runner.h"

namespace backdrop {

/// Every logit of a search, float32 [F,B,classes], NaN where nothing was evaluated: for comparing engines.
/// The file takes its name with `commit`.
class LogitsFile : public PairSink {
 public:
  LogitsFile(const std::filesystem::path& path, std::size_t foregrounds, std::size_t backgrounds,
             std::size_t classes);

  bool wants_logits() const override { return true; }
  void store(const PairAnswers& answers) override;
  void commit();

 private:
  /// The file's name until it is whole; whatever has it in the end is removed.
  struct Draft {
    explicit Draft(std::filesystem::path file);
    ~Draft();
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    std::filesystem::path path;
  };

  std::filesystem::path path_;
  Draft draft_;
  DurableFile file_;
  std::size_t backgrounds_;
  std::size_t pair_bytes_;
  std::size_t data_offset_ = 0;
};

}  // namespace backdrop
