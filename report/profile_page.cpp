// The profile as one page: boxes as wide as their time, a table below.
#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/profile_record.h"

namespace backdrop {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667079; --line: #dde1e6; --paper: #fff; --group: #cfd6de; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaee; --soft: #98a2ad; --line: #333a42; --paper: #14181d; --group: #3a444f; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 90rem; padding: 0 1.25rem; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } .soft { color: var(--soft); }
.box { min-width: 0; flex-basis: 0; }
.name { display: block; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; font-size: .75rem;
  padding: .15rem .25rem; border: 1px solid var(--paper); border-radius: 3px; background: var(--group); }
.measured { color: #14181d; } .inside { display: flex; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: 1rem; }
th, td { text-align: right; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
)";

std::string percent(double share) {
  return fmt::format("{:.1f}%", 100 * share);
}

// Red at 0, green at the roof.
std::string colour(double roofline_share) {
  return fmt::format("hsl({:.0f} 60% 68%)", 130 * std::clamp(roofline_share, 0.0, 1.0));
}

std::string box(const std::string& name, const std::string& shown, double seconds, double whole,
                const std::string& style, const std::string& note, const std::string& inside) {
  return fmt::format(
      "<div class=\"box\" style=\"flex-grow:{:.4f}\"><span class=\"name{}\" style=\"{}\" title=\"{}: "
      "{}{}\">{}</span>"
      "{}</div>\n",
      1000 * seconds / whole, style.empty() ? "" : " measured", style, escaped(name),
      percent(seconds / whole), note, escaped(shown),
      inside.empty() ? "" : "<div class=\"inside\">\n" + inside + "</div>");
}

// "layer1.0.conv1" at depth 0: "layer1"; at depth 1: "layer1.0".
std::string prefix(const std::string& name, int depth) {
  std::size_t end = 0;
  for (int i = 0; i <= depth; ++i) {
    end = name.find('.', end == 0 ? 0 : end + 1);
    if (end == std::string::npos) return name;
  }
  return name.substr(0, end);
}

// Boxes for layers[first..last) that share a prefix one deeper than `depth`, side by side.
std::string boxes(const SearchTimes& times, std::size_t first, std::size_t last, int depth) {
  std::string html;
  const auto composites = static_cast<double>(times.composites());
  while (first < last) {
    const LayerProfile& layer = times.layers[first];
    const std::string group = prefix(layer.name, depth);
    const std::string shown = depth == 0 ? group : group.substr(prefix(layer.name, depth - 1).size() + 1);
    std::size_t end = first;
    double seconds = 0;
    for (; end < last && prefix(times.layers[end].name, depth) == group; ++end)
      seconds += times.layers[end].seconds * composites;
    if (group == layer.name)
      html += box(layer.name, shown, seconds, times.seconds, "background:" + colour(layer.roofline_share),
                  fmt::format(", {:.1f} GMAC/s, {} of the roofline", 1e-9 * layer.multiply_adds_per_second(),
                              percent(layer.roofline_share)),
                  "");
    else
      html += box(group, shown, seconds, times.seconds, "", "", boxes(times, first, end, depth + 1));
    first = end;
  }
  return html;
}

std::string picture(const SearchTimes& times) {
  std::string inside;
  if (times.cache_fill_seconds > 0)
    inside += box("backgrounds' features", "backgrounds' features", times.cache_fill_seconds, times.seconds,
                  "", "", "");
  if (times.foreground_seconds > 0)
    inside += box("foregrounds' passes", "foregrounds' passes", times.foreground_seconds, times.seconds, "",
                  "", "");
  inside += boxes(times, 0, times.layers.size(), 0);
  if (times.decided_again_seconds > 0)
    inside += box("decided again in fp32", "decided again in fp32", times.decided_again_seconds,
                  times.seconds, "", "", "");
  inside += box("other", "other", std::max(0.0, times.other_seconds), times.seconds, "", "", "");
  return "<div class=\"inside\">\n" + box("search", "search", times.seconds, times.seconds, "", "", inside) +
         "</div>\n";
}

std::string cell(const std::string& text) {
  return "<td>" + text + "</td>";
}

std::string table(const SearchTimes& times) {
  const bool several = !times.runs.empty();
  std::string html = fmt::format(
      "<table>\n<tr><th>Layer</th><th>Output</th><th>Computed</th><th>&micro;s a "
      "composite</th>{}<th>Time</th>"
      "<th>MMACs</th><th>products</th><th>GMAC/s</th><th>of peak</th><th>of bandwidth</th><th>of "
      "roofline</th></tr>\n",
      several ? "<th>smallest to largest</th>" : "");
  const auto composites = static_cast<double>(times.composites());
  for (std::size_t i = 0; i < times.layers.size(); ++i) {
    const LayerProfile& layer = times.layers[i];
    html += fmt::format(
        "<tr><td>{}</td><td>{} &times; {} &times; "
        "{}</td><td>{}</td><td>{:.1f}</td>{}<td>{}</td><td>{:.2f}</td>"
        "<td>{}</td><td>{:.1f}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escaped(layer.name), layer.out.height, layer.out.width, layer.out.channels, percent(layer.mixed),
        1e6 * layer.seconds, several ? cell(range_text(range_of_layer(times, i))) : "",
        percent(layer.seconds * composites / times.seconds), 1e-6 * layer.multiply_adds, products_text(layer),
        1e-9 * layer.multiply_adds_per_second(), percent(layer.compute_share), percent(layer.bandwidth_share),
        percent(layer.roofline_share));
  }
  for (const auto& [name, seconds] : other_steps(times))
    html += fmt::format("<tr><td>{}</td><td></td><td></td><td>{:.1f}</td>{}<td>{}</td></tr>\n", name,
                        1e6 * times.*seconds / composites,
                        several ? cell(range_text(range_of(times, seconds), times.composites())) : "",
                        percent(times.*seconds / times.seconds));
  return html + "</table>\n";
}

}  // namespace

std::string profile_page(const ProfileRecord& record) {
  const std::string runs = runs_note(record);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Profile of {0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>Where the time goes: {0}</h1>\n"
      "<p class=\"soft\">{2}. Measured peaks: {3}. A box is as wide as its time; red is far from the "
      "roofline, green at it. {4}{5}</p>\n",
      escaped(record.model.arch), kStyle, machine_text(record), peak_text(record.peak),
      runs.empty() ? "" : runs + " ", bandwidth_note(record));
  for (const SearchTimes& times : record.searches)
    html += fmt::format(
        "<h2>{}: {:.1f} composites a second{}</h2>\n<p class=\"soft\">{}; {} foregrounds on {} "
        "backgrounds in {:.2f} s{}.</p>\n{}{}",
        times.reuse ? "With exact reuse" : "Every position",
        static_cast<double>(times.composites()) / times.seconds, runs_text(times), escaped(times.engine),
        times.foregrounds, times.backgrounds, times.seconds, decided_again_text(times), picture(times),
        table(times));
  return html + "</body>\n</html>\n";
}

}  // namespace backdrop
