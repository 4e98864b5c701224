// From CLI11's options to words.
#include "cli/command_tree.h"

#include <algorithm>

namespace backdrop {
namespace {

/// "first", "all" from "TEXT:{first,all}", which is how a check for membership describes itself.
std::vector<std::string> choices_of(const std::string& type_name) {
  const std::size_t begin = type_name.find('{');
  const std::size_t end = type_name.find('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos) return choices;
  for (std::size_t at = begin + 1; at < end;) {
    const std::size_t comma = std::min(type_name.find(',', at), end);
    choices.push_back(type_name.substr(at, comma - at));
    at = comma + 1;
  }
  return choices;
}

/// "INT" from "INT:INT in [0 - 9]": a check describes itself in several words, and no name of a value has
/// any. "FIRST:COUNT" stays.
std::string without_check(const std::string& type_name) {
  return type_name.find(' ') == std::string::npos ? type_name : type_name.substr(0, type_name.find(':'));
}

OptionWords::Value kind_of(const OptionWords& words, bool is_flag) {
  if (is_flag) return OptionWords::Value::none;
  if (!words.choices.empty()) return OptionWords::Value::choice;
  if (words.value_name.starts_with("FILE")) return OptionWords::Value::file;
  const bool folder = words.value_name == "DIR" || words.value_name == "OUT" ||
                      words.value_name == "RUN..." || words.value_name == "SHARD...";
  return folder ? OptionWords::Value::folder : OptionWords::Value::text;
}

OptionWords option_words(const CLI::Option& option) {
  OptionWords words;
  words.positional = option.get_lnames().empty() && option.get_snames().empty();
  words.bare = option.get_positional() && !words.positional;
  words.name = words.positional ? option.get_name(true) : "--" + option.get_lnames().front();
  if (!option.get_snames().empty()) words.short_name = "-" + option.get_snames().front();
  words.description = option.get_description();
  std::replace(words.description.begin(), words.description.end(), '\n', ' ');
  const std::string type_name = option.get_type_name();
  words.choices = choices_of(type_name);
  words.value_name = words.choices.empty() ? without_check(type_name) : "";
  words.default_text = option.get_default_str();
  words.required = option.get_required();
  const int most = option.get_items_expected_max();
  words.repeated = words.positional && most > 1;
  words.value = kind_of(words, most == 0);
  return words;
}

}  // namespace

CommandWords read_command_tree(const CLI::App& application) {
  CommandWords words;
  words.name = application.get_name();
  words.description = application.get_description();
  for (const CLI::Option* option : application.get_options()) words.options.push_back(option_words(*option));
  for (const CLI::App* command : application.get_subcommands([](const CLI::App*) { return true; }))
    words.commands.push_back(read_command_tree(*command));
  return words;
}

}  // namespace backdrop
