#include "tests/ptx/words.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace backdrop::ptx {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '%' || c == '.' || c == '$';
}

// The file's name from the tree's top on.
std::string short_path(std::string_view path) {
  for (const std::string_view top : {"/kernels/", "/engine/"})
    if (const std::size_t at = path.rfind(top); at != std::string_view::npos)
      return std::string(path.substr(at + 1));
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

std::string without_notes(std::string_view text, std::map<int, std::string>& files) {
  std::string kept;
  bool in_section = false;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = std::min(text.size(), text.find('\n', first));
    std::string_view line = text.substr(first, end - first);
    first = end + 1;
    line = line.substr(0, line.find("//"));
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) continue;
    const std::string_view trimmed = line.substr(start);
    int numbers[2] = {0, 0};
    const auto read_number = [&](std::size_t at, int& number) {
      at = trimmed.find_first_of("0123456789", at);
      return at == std::string_view::npos
                 ? trimmed.size()
                 : std::size_t(
                       std::from_chars(trimmed.data() + at, trimmed.data() + trimmed.size(), number).ptr -
                       trimmed.data());
    };
    if (trimmed.starts_with(".file")) {
      read_number(0, numbers[0]);
      const std::size_t quote = trimmed.find('"') + 1;
      files[numbers[0]] = short_path(trimmed.substr(quote, trimmed.find('"', quote) - quote));
    } else if ((trimmed.starts_with(".loc ") || trimmed.starts_with(".loc\t"))) {
      read_number(read_number(0, numbers[0]), numbers[1]);
      kept += ".at " + std::to_string(numbers[0]) + " " + std::to_string(numbers[1]) + " ;\n";
    } else if (trimmed.starts_with(".section")) {
      in_section = true;
    } else if (!in_section) {
      kept += line;
      kept += '\n';
    } else if (trimmed.starts_with("}")) {
      in_section = false;
    }
  }
  return kept;
}

void Words::advance() {
  while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  const std::size_t first = at_;
  if (at_ < text_.size()) ++at_;
  if (first < text_.size() && text_[first] == '"')
    at_ = std::min(text_.size(), text_.find('"', at_) + 1);
  else if (first < text_.size() && is_word(text_[first]))
    while (at_ < text_.size() && (is_word(text_[at_]) || text_.substr(at_, 2) == "::"))
      at_ += text_[at_] == ':' ? 2 : 1;
  word_ = text_.substr(first, at_ - first);
}

}  // namespace backdrop::ptx
