// The run's facts, read off run.json without knowing its fields: what a later version adds is shown as well.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "report/html.h"
#include "report/json_parts.h"
#include "report/page_sections.h"

namespace backdrop {
namespace {

constexpr std::size_t kMostRows = 200;
constexpr std::size_t kLongestValue = 500;

/// Shown elsewhere, said twice, or different in runs that are the same.
bool is_left_out(std::string_view path) {
  constexpr std::string_view kLeftOut[] = {
      "format",        "result",           "identity",         "started",
      "resumed_pairs", "data.foregrounds", "data.backgrounds", "options.cache_memory"};
  if (path.starts_with("engine.")) return path != "engine.device" && path != "engine.description";
  return path.ends_with("seconds") ||
         std::find(std::begin(kLeftOut), std::end(kLeftOut), path) != std::end(kLeftOut);
}

/// "Class map SHA-256" for "class_map_sha256".
std::string readable(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  for (const auto& [plain, written] : {std::pair{"sha256", "SHA-256"}, {"macs", "multiply-adds"}})
    if (const std::size_t at = name.find(plain); at != std::string::npos)
      name.replace(at, std::string_view(plain).size(), written);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string value_text(const Json& value) {
  std::string text;
  if (value.is_string())
    text = value.get<std::string>();
  else if (value.is_boolean())
    text = value.get<bool>() ? "yes" : "no";
  else if (value.is_null())
    text = "not known";
  else if (value.is_number_float())
    text = fmt::format("{:.6g}", value.get<double>());
  else if (value.is_structured())
    text = fmt::format("{} entries", value.size());
  else
    text = value.dump();
  if (text.size() > kLongestValue) text = text.substr(0, kLongestValue) + " ...";
  return text;
}

/// Lists of plain values in one cell: "0.4717, 0.4499, 0.3837".
bool is_plain_list(const Json& value) {
  return value.is_array() &&
         std::none_of(value.begin(), value.end(), [](const Json& item) { return item.is_structured(); });
}

std::string list_text(const Json& list) {
  std::string text;
  for (const Json& item : list) {
    if (text.size() > kLongestValue) return text + ", ...";
    text += (text.empty() ? "" : ", ") + value_text(item);
  }
  return text;
}

/// Records in a list, one after the other: "label 0, name 00_dog, bound 0.16; label 1, ...".
std::string records_text(const Json& list) {
  std::string text;
  for (const Json& record : list) {
    std::string fields;
    for (const auto& [name, value] : record.items())
      if (fields.size() < kLongestValue)
        fields += (fields.empty() ? "" : ", ") + name + " " + value_text(value);
    text += (text.empty() ? "" : "; ") + fields;
    if (text.size() > 4 * kLongestValue) return text + " ...";
  }
  return text;
}

bool is_list_of_records(const Json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_object(); });
}

class Facts {
 public:
  void add(const std::string& path, const std::string& label, const Json& value, int depth) {
    constexpr int kDeepest = 4;
    if (is_left_out(path) || rows_ >= kMostRows) return;
    if (is_plain_list(value)) {
      add_row(label, list_text(value));
    } else if (is_list_of_records(value)) {
      add_row(label, records_text(value));
    } else if (value.is_object() && depth < kDeepest) {
      for (const auto& [name, member] : value.items())
        add(path + "." + name, depth == 0 ? readable(name) : label + ", " + readable(name), member,
            depth + 1);
    } else {
      add_row(label, value_text(value));
    }
  }
  std::string html(const std::string& title) const {
    return table_.empty()
               ? ""
               : "<h3>" + escaped(title) + "</h3>\n<div class=\"facts\">\n" + table_.html() + "</div>\n";
  }
  explicit Facts(const std::string& caption) : table_(caption) {}

 private:
  void add_row(const std::string& label, const std::string& value) {
    ++rows_;
    table_.add_row({escaped(label.substr(0, kLongestValue)), escaped(value)});
  }

  HtmlTable table_;
  std::size_t rows_ = 0;
};

}  // namespace

std::string facts_section(const std::string& run_json) {
  const Json run = Json::parse(run_json, nullptr, false);
  if (!run.is_object()) return {};
  std::string html =
      "<h2 id=\"run\">The run</h2>\n<p class=\"soft\">As run.json has it. The checkpoint and the data are "
      "named by their SHA-256: the same two and the same options give the same result.</p>\n";
  std::size_t sections = 0;
  for (const auto& [name, member] : run.items()) {
    if (++sections > kMostRows) break;
    const std::string title = readable(name).substr(0, kLongestValue);
    Facts facts(title + " of the run");
    facts.add(name, title, member, 0);
    html += facts.html(title);
  }
  return html;
}

}  // namespace backdrop
