// Escaping, tables and the frame of a page.
#include "report/html.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "report/page_style.h"
#include "report/run_record.h"
#include "report/utf8.h"

namespace backdrop {
namespace {

/// Whether HTML forbids the character: a control, or one that Unicode has set apart as none.
bool is_forbidden(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  const auto last = static_cast<unsigned char>(character.back());
  const auto before = static_cast<unsigned char>(character[character.size() - 2]);
  if (character.size() == 2) return first == 0xC2 && last < 0xA0;
  // The last two of a plane, U+FFFE and U+FFFF of the first: all sixteen bits below the last are set.
  const auto third = static_cast<unsigned char>(character[character.size() - 3]);
  return (third & 0x0F) == 0x0F && before == 0xBF && last >= 0xBE;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Utf8Front front = utf8_front(text);
    const std::string_view character = text.substr(0, front.bytes);
    if (!front.is_character || is_forbidden(character))
      result += kReplacementCharacter;
    else if (character == "&")
      result += "&amp;";
    else if (character == "<")
      result += "&lt;";
    else if (character == ">")
      result += "&gt;";
    else if (character == "\"")
      result += "&quot;";
    else
      result += character;
    text.remove_prefix(front.bytes);
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
