// .npy arrays that grow pair by pair.
#include "search/matrix_file.h"

#include <array>
#include <limits>
#include <system_error>

#include "loaders/npy.h"

namespace backdrop {
namespace {

constexpr float kNotEvaluated = std::numeric_limits<float>::quiet_NaN();

/// `count` copies of `item`, in blocks, from `offset` on.
void write_filled(DurableFile& file, std::size_t offset, std::span<const std::byte> item, std::size_t count) {
  constexpr std::size_t kBlockItems = 1 << 18;
  std::vector<std::byte> block;
  block.reserve(std::min(count, kBlockItems) * item.size());
  for (std::size_t i = 0; i < std::min(count, kBlockItems); ++i)
    block.insert(block.end(), item.begin(), item.end());
  while (count > 0) {
    const std::size_t items = std::min(count, kBlockItems);
    file.write(offset, std::span(block).first(items * item.size()));
    offset += items * item.size();
    count -= items;
  }
}

std::filesystem::path partial_of(std::filesystem::path path) {
  path += ".partial";
  return path;
}

}  // namespace

MatrixFile::MatrixFile(const std::filesystem::path& path, std::string_view type,
                       std::span<const std::byte> fill, std::size_t foregrounds, std::size_t backgrounds,
                       std::vector<std::size_t> item_shape)
    : file_(path), backgrounds_(backgrounds), pair_bytes_(fill.size()) {
  for (const std::size_t extent : item_shape) pair_bytes_ *= extent;
  std::vector<std::size_t> shape{foregrounds, backgrounds};
  shape.insert(shape.end(), item_shape.begin(), item_shape.end());
  const std::string header = npy_header(type, shape);
  data_offset_ = header.size();
  file_.write(0, std::as_bytes(std::span(header)));
  write_filled(file_, data_offset_, fill, foregrounds * backgrounds * (pair_bytes_ / fill.size()));
}

void MatrixFile::store(int foreground, std::span<const int> backgrounds, std::span<const std::byte> values) {
  const std::size_t row = static_cast<std::size_t>(foreground) * backgrounds_;
  for (std::size_t begin = 0; begin < backgrounds.size();) {
    std::size_t end = begin + 1;  // as many consecutive backgrounds as there are, in one write
    while (end < backgrounds.size() && backgrounds[end] == backgrounds[end - 1] + 1) ++end;
    file_.write(data_offset_ + (row + static_cast<std::size_t>(backgrounds[begin])) * pair_bytes_,
                values.subspan(begin * pair_bytes_, (end - begin) * pair_bytes_));
    begin = end;
  }
}

LogitsFile::LogitsFile(const std::filesystem::path& path, std::size_t foregrounds, std::size_t backgrounds,
                       std::size_t classes)
    : path_(path),
      partial_(partial_of(path)),
      matrix_(partial_, npy_type<float>(), std::as_bytes(std::span(&kNotEvaluated, 1)), foregrounds,
              backgrounds, {classes}) {}

LogitsFile::~LogitsFile() {
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

void LogitsFile::store(const PairAnswers& answers) {
  matrix_.store(answers.foreground, answers.backgrounds, std::as_bytes(answers.logits));
}

void LogitsFile::commit() {
  matrix_.close();
  rename_durably(partial_, path_);
}

}  // namespace backdrop
