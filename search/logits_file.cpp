// A .npy array that is full of NaN at first and then written pair by pair.
#include "search/logits_file.h"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include "loaders/npy.h"

namespace backdrop {
namespace {

/// So many values from `offset` on, in blocks.
void write_not_evaluated(DurableFile& file, std::size_t offset, std::size_t values) {
  constexpr std::size_t kBlock = 1 << 18;
  const std::vector<float> block(std::min(values, kBlock), std::numeric_limits<float>::quiet_NaN());
  while (values > 0) {
    const auto some = std::as_bytes(std::span(block).first(std::min(values, kBlock)));
    file.write(offset, some);
    offset += some.size();
    values -= some.size() / sizeof(float);
  }
}

std::filesystem::path partial_of(std::filesystem::path path) {
  path += ".partial";
  return path;
}

}  // namespace

LogitsFile::Draft::Draft(std::filesystem::path file) : path(std::move(file)) {}

LogitsFile::Draft::~Draft() {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

LogitsFile::LogitsFile(const std::filesystem::path& path, std::size_t foregrounds, std::size_t backgrounds,
                       std::size_t classes)
    : path_(path),
      draft_(partial_of(path)),
      file_(draft_.path),
      backgrounds_(backgrounds),
      pair_bytes_(classes * sizeof(float)) {
  const std::size_t shape[] = {foregrounds, backgrounds, classes};
  const std::string header = npy_header(npy_type<float>(), shape);
  data_offset_ = header.size();
  file_.write(0, std::as_bytes(std::span(header)));
  write_not_evaluated(file_, data_offset_, foregrounds * backgrounds * classes);
}

void LogitsFile::store(const PairAnswers& answers) {
  const std::span<const int> backgrounds = answers.backgrounds;
  const auto values = std::as_bytes(answers.logits);
  const std::size_t row = static_cast<std::size_t>(answers.foreground) * backgrounds_;
  for (std::size_t begin = 0; begin < backgrounds.size();) {
    std::size_t end = begin + 1;  // as many consecutive backgrounds as there are, in one write
    while (end < backgrounds.size() && backgrounds[end] == backgrounds[end - 1] + 1) ++end;
    file_.write(data_offset_ + (row + static_cast<std::size_t>(backgrounds[begin])) * pair_bytes_,
                values.subspan(begin * pair_bytes_, (end - begin) * pair_bytes_));
    begin = end;
  }
}

void LogitsFile::commit() {
  file_.close();
  rename_durably(draft_.path, path_);
}

}  // namespace backdrop
