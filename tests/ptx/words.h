/// \file
/// The words of a PTX text.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "tests/ptx/program.h"

namespace backdrop::ptx {

/// The text without comments and debugging sections, each ".loc" as a statement of its own, ".at FILE LINE
/// ;", and the names of the files by their numbers, from the tree's top on.
std::string without_notes(std::string_view text, std::map<int, std::string>& files);

/// Names, numbers, strings in quotes and single characters, one after the other.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) { advance(); }

  bool at_end() const { return word_.empty(); }
  std::string_view peek() const { return word_; }
  std::string_view take() {
    if (at_end()) throw Fault("the text ends in the middle of a statement");
    const std::string_view word = word_;
    advance();
    return word;
  }
  bool take_if(std::string_view word) {
    if (word_ != word) return false;
    advance();
    return true;
  }
  void expect(std::string_view word) {
    if (!take_if(word)) throw Fault("expected " + std::string(word) + " and not " + std::string(word_));
  }
  void skip_past(std::string_view word) {
    while (take() != word) {
    }
  }

 private:
  void advance();

  std::string_view text_;
  std::size_t at_ = 0;
  std::string_view word_;
};

}  // namespace backdrop::ptx
