/// \file
/// Logits of a search as a .npy array, written while it runs: all of them need not fit the memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "core/durable_file.h"
#include "search/runner.h"

namespace backdrop {

/// An array [F][B][values] in the .npy format, created full of one value and then written pair by pair.
class MatrixFile {
 public:
  /// `fill` is the value of one item; `item_shape` is empty for one item a pair.
  MatrixFile(const std::filesystem::path& path, std::string_view type, std::span<const std::byte> fill,
             std::size_t foregrounds, std::size_t backgrounds, std::vector<std::size_t> item_shape = {});

  /// Writes the values of one foreground on some backgrounds, in their order.
  void store(int foreground, std::span<const int> backgrounds, std::span<const std::byte> values);
  void close() { file_.close(); }

 private:
  DurableFile file_;
  std::size_t backgrounds_;
  std::size_t pair_bytes_;
  std::size_t data_offset_ = 0;
};

/// Every logit of a search, float32 [F,B,classes], NaN where nothing was evaluated: for comparing engines.
/// The file takes its name with `commit`.
class LogitsFile : public PairSink {
 public:
  LogitsFile(const std::filesystem::path& path, std::size_t foregrounds, std::size_t backgrounds,
             std::size_t classes);
  ~LogitsFile() override;
  LogitsFile(const LogitsFile&) = delete;
  LogitsFile& operator=(const LogitsFile&) = delete;

  bool wants_logits() const override { return true; }
  void store(const PairAnswers& answers) override;
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  MatrixFile matrix_;
};

}  // namespace backdrop
