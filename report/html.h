/// \file
/// Pieces of the pages. Names come from files and are taken to be hostile: text enters a page through
/// `escaped` only. Private to report/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backdrop {

/// Text for the content of an element or an attribute in double quotes. Bytes that are not UTF-8 and control
/// characters become U+FFFD.
std::string escaped(std::string_view text);

/// A name of a file or a class: its own writing direction stays inside it.
std::string isolated_name(std::string_view name);

/// "42.50%", a dash for NaN.
std::string html_percent(double share, int digits = 2);

/// "16,402,500".
std::string html_count(std::int64_t count);

/// "wheeled vehicle" for "02_wheeled vehicle", escaped.
std::string class_label(const std::string& folder);

/// A table with a caption. Cells are HTML; the first of a row is its heading.
class HtmlTable {
 public:
  enum class Align { left, right };

  /// `heat` from 0 to 10 shades the cell; -1: it is the one that should be large.
  struct Cell {
    // NOLINTNEXTLINE(google-explicit-constructor): a cell is mostly its text
    Cell(std::string text, int shade = 0) : html(std::move(text)), heat(shade) {}
    std::string html;
    int heat = 0;
  };

  /// `caption` is plain text and names the region in which a wide table scrolls.
  explicit HtmlTable(std::string caption) : caption_(std::move(caption)) {}

  /// A table without columns has no heading row: names and values.
  void add_column(std::string title, Align align = Align::left);
  void add_row(std::vector<Cell> cells);
  bool empty() const { return rows_ == 0; }
  std::string html() const;

 private:
  struct Column {
    std::string title;
    Align align;
  };

  std::string caption_;
  std::vector<Column> columns_;
  std::string body_;
  int rows_ = 0;
};

/// The whole document around `body`, with the style of all pages.
std::string page_document(const std::string& title, const std::string& body);

}  // namespace backdrop
