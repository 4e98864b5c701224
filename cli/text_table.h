/// \file
/// Aligned columns for people.
#pragma once

#include <string>
#include <vector>

namespace backdrop {

/// "51.11%" with two digits, or "-" for NaN.
std::string percent(double share, int digits = 2);

class TextTable {
 public:
  enum class Align { left, right };

  void add_column(std::string title, Align align = Align::left);
  /// As many cells as columns.
  void add_row(std::vector<std::string> cells);
  /// Titles, then the rows, each line ended; no trailing spaces.
  std::string text() const;

 private:
  struct Column {
    std::string title;
    Align align;
    std::size_t width;
  };

  std::string line(const std::vector<std::string>& cells) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace backdrop
