/// \file
/// Charts as inline SVG: with a title and a description for those who cannot see them, and the same figures
/// as a table below. Private to report/.
#pragma once

#include <string>
#include <vector>

namespace backdrop {

/// Columns of shares, side by side. All text is plain.
struct ColumnChart {
  struct Column {
    std::string range;  ///< what it counts, for the table
    double share = 0;
    std::string count;  ///< for the table
    bool bad = false;
    std::string tick;  ///< below the column, or below its left edge; empty: none
  };

  std::string id;  ///< unique in the page
  std::string title;
  std::string description;  ///< what there is to see
  std::string x_title;
  std::string first_heading;  ///< of the table's columns
  std::string count_heading;
  bool ticks_at_edges = false;
  std::vector<Column> columns;
};

std::string column_chart(const ColumnChart& chart);

/// A bar from 0 to 1 with its share written beside it by the caller; hidden from screen readers.
std::string meter(double share, bool bad);

}  // namespace backdrop
