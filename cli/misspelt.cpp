// The similarity of two words is Levenshtein's distance: how many characters must be put in, left out or
// replaced.
#include "cli/misspelt.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

namespace backdrop {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // from the first i characters of a to each beginning of b
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

/// "--data_path" and "-data-path" as "data-path".
std::string bare_name(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  std::string name(word.substr(0, word.find('=')));
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

/// The question for the name that is at most a third of its characters away, empty if none is.
std::string question(const std::string& word, const std::vector<std::string>& names, const char* dashes) {
  std::string_view nearest;
  std::size_t least = word.size() / 3 + 1;
  for (const std::string& name : names)
    if (const std::size_t d = distance(word, name); d < least) {
      least = d;
      nearest = name;
    }
  return nearest.empty() ? "" : fmt::format(": did you mean {}{}?", dashes, nearest);
}

std::string no_option(const CLI::App& command, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  return fmt::format("{} is no option of {}{}", word, command.get_name(),
                     question(bare_name(word), names, "--"));
}

std::string no_subcommand(const CLI::App& application, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : application.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return fmt::format("{} is no subcommand{}", word, question(word, names, ""));
}

}  // namespace

std::string misspelt_word(const CLI::App& application) {
  std::vector<const CLI::App*> levels{&application};
  for (const CLI::App* command : application.get_subcommands()) levels.push_back(command);
  for (const CLI::App* level : levels) {
    const std::vector<std::string> left = level->remaining();
    if (levels.size() == 1 && !left.empty() && !left.front().starts_with('-'))
      return no_subcommand(application, left.front());
    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) {
      return word.size() > 1 && word[0] == '-' && word != "--";
    });
    if (option != left.end()) return no_option(*level, *option);
  }
  return {};
}

std::string name_of_empty_argument(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    // CLI11 would take the next argument for the value of "--out=".
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1)
      return std::string(argument.substr(0, argument.size() - 1));
    if (!argument.empty()) continue;
    const std::string_view before = i > 1 ? argv[i - 1] : "";
    return before.starts_with("--") ? std::string(before) : fmt::format("argument {}", i);
  }
  return {};
}

}  // namespace backdrop
