// Escaping, tables and the frame of a page.
#include "report/html.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "report/page_style.h"
#include "report/run_record.h"

namespace backdrop {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// The bytes of the UTF-8 character at the front of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  std::uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return 0;
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) || (code & 0xFFFE) == 0xFFFE;
  return overlong || surrogate || control || code > 0x10FFFF ? 0 : length;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0)
      result += kReplacement;
    else if (text[i] == '&')
      result += "&amp;";
    else if (text[i] == '<')
      result += "&lt;";
    else if (text[i] == '>')
      result += "&gt;";
    else if (text[i] == '"')
      result += "&quot;";
    else
      result += text.substr(i, length);
    i += std::max<std::size_t>(length, 1);
  }
  return result;
}

std::string isolated_name(std::string_view name) {
  return "<bdi>" + escaped(name) + "</bdi>";
}

std::string html_percent(double share, int digits) {
  return std::isnan(share) ? "&ndash;" : fmt::format("{:.{}f}%", 100 * share, digits);
}

std::string html_count(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(digits.begin() + i, ',');
  return digits;
}

std::string class_label(const std::string& folder) {
  return escaped(class_display_name(folder));
}

void HtmlTable::add_column(std::string title, Align align) {
  columns_.push_back({std::move(title), align});
}

void HtmlTable::add_row(std::vector<Cell> cells) {
  ++rows_;
  body_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool right = i < columns_.size() && columns_[i].align == Align::right;
    std::string classes = right ? "number" : "";
    if (cells[i].heat != 0)
      classes +=
          (classes.empty() ? "" : " ") + (cells[i].heat < 0 ? "own" : fmt::format("heat{}", cells[i].heat));
    const std::string attribute = classes.empty() ? "" : fmt::format(" class=\"{}\"", classes);
    body_ += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", attribute, cells[i].html)
                    : fmt::format("<td{}>{}</td>", attribute, cells[i].html);
  }
  body_ += "</tr>\n";
}

std::string HtmlTable::html() const {
  std::string head;
  for (const Column& column : columns_)
    head += fmt::format("<th scope=\"col\"{}>{}</th>",
                        column.align == Align::right ? " class=\"number\"" : "", column.title);
  if (!head.empty()) head = "<thead><tr>" + head + "</tr></thead>\n";
  const std::string caption = escaped(caption_);
  return fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
      "aria-label=\"{}\">\n<table>\n<caption>{}</caption>\n"
      "{}<tbody>\n{}</tbody>\n</table>\n</div>\n",
      caption, caption, head, body_);
}

std::string page_document(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#main\">Skip to the result</a>\n{}</body>\n</html>\n",
      escaped(title), kPageStyle, body);
}

}  // namespace backdrop
