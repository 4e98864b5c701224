// One generator for each shell, over the same words.
#include "cli/completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

namespace backdrop {
namespace {

using Value = OptionWords::Value;

std::vector<std::string> command_names(const CommandWords& application) {
  std::vector<std::string> names;
  for (const CommandWords& command : application.commands) names.push_back(command.name);
  return names;
}

/// "--mode --order ...", short names too.
std::string option_names(const CommandWords& command) {
  std::vector<std::string> names;
  for (const OptionWords& option : command.options) {
    if (option.positional) continue;
    names.push_back(option.name);
    if (!option.short_name.empty()) names.push_back(option.short_name);
  }
  return fmt::format("{}", fmt::join(names, " "));
}

/// What completes a value in bash, as a line that fills COMPREPLY.
std::string bash_value(const OptionWords& option) {
  switch (option.value) {
    case Value::choice:
      return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\")",
                         fmt::join(option.choices, " "));
    case Value::file:
      return "_backdrop_paths -f \"$current\"";
    case Value::folder:
      return "_backdrop_paths -d \"$current\"";
    case Value::text:
    case Value::none:
      break;
  }
  return "COMPREPLY=()";
}

std::string bash_positional(const CommandWords& command) {
  for (const OptionWords& option : command.options)
    if (option.positional || option.bare) return bash_value(option);
  return {};
}

void bash_command(std::string& script, const CommandWords& command) {
  const auto out = std::back_inserter(script);
  fmt::format_to(out, "    {})\n      case $previous in\n", command.name);
  for (const OptionWords& option : command.options)
    if (!option.positional && option.value != Value::none)
      fmt::format_to(out, "        {}) {}; return ;;\n", option.name, bash_value(option));
  fmt::format_to(out, "      esac\n");
  const std::string names =
      fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\")", option_names(command));
  const std::string positional = bash_positional(command);
  if (positional.empty())
    fmt::format_to(out, "      {}\n", names);
  else
    fmt::format_to(out, "      if [[ $current == -* ]]; then\n        {}\n      else\n        {}\n      fi\n",
                   names, positional);
  fmt::format_to(out, "      ;;\n");
}

/// Inside single quotes.
std::string shell_quoted(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result;
}

/// Inside a specification of zsh's _arguments, where brackets and colons have a meaning.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return shell_quoted(result);
}

std::string zsh_action(const OptionWords& option) {
  switch (option.value) {
    case Value::choice:
      return fmt::format("({})", fmt::join(option.choices, " "));
    case Value::file:
      return "_files";
    case Value::folder:
      return "_files -/";
    case Value::text:
    case Value::none:
      break;
  }
  return " ";
}

std::string zsh_positional(const OptionWords& option) {
  const std::string value_name = option.value_name.empty() ? "value" : option.value_name;
  return fmt::format("'{}:{}:{}'", option.repeated ? "*" : "", zsh_text(value_name), zsh_action(option));
}

std::string zsh_option(const OptionWords& option) {
  const std::string value_name = option.value_name.empty() ? "value" : option.value_name;
  if (option.positional) return zsh_positional(option);
  if (option.value == Value::none) return fmt::format("'{}[{}]'", option.name, zsh_text(option.description));
  return fmt::format("'{}=[{}]:{}:{}'", option.name, zsh_text(option.description), zsh_text(value_name),
                     zsh_action(option));
}

std::string fish_value(const OptionWords& option) {
  switch (option.value) {
    case Value::choice:
      return fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
    case Value::file:
      return " -r -F";
    case Value::folder:
      return " -x -a '(__fish_complete_directories)'";
    case Value::text:
      return " -x";
    case Value::none:
      break;
  }
  return {};
}

void fish_option(std::string& script, const std::string& condition, const OptionWords& option) {
  std::string names;
  if (!option.positional) names += " -l " + option.name.substr(2);
  if (!option.short_name.empty()) names += " -s " + option.short_name.substr(1);
  const auto write = [&](const std::string& of) {
    fmt::format_to(std::back_inserter(script), "complete -c backdrop -n '{}'{}{} -d '{}'\n", condition, of,
                   fish_value(option), shell_quoted(option.description));
  };
  write(names);
  if (option.bare) write("");
}

}  // namespace

std::string bash_completions(const CommandWords& application) {
  std::string script = fmt::format(
      "# Completions of backdrop for bash, made by `backdrop completions bash`.\n"
      "_backdrop_paths() {{\n"
      "  compopt -o filenames 2>/dev/null || true\n"
      "  mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$2\")\n"
      "}}\n\n"
      "_backdrop() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command='' i\n"
      "  # --option=value is three words here.\n"
      "  if [[ $current == = ]]; then current=''; fi\n"
      "  if [[ $previous == = ]]; then previous=${{COMP_WORDS[COMP_CWORD - 2]}}; fi\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${{COMP_WORDS[i]}} in\n"
      "      {}) command=${{COMP_WORDS[i]}}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case $command in\n",
      fmt::join(command_names(application), "|"));
  for (const CommandWords& command : application.commands) bash_command(script, command);
  fmt::format_to(std::back_inserter(script),
                 "    *) mapfile -t COMPREPLY < <(compgen -W '{} {}' -- \"$current\") ;;\n  esac\n}}\n\n"
                 "complete -F _backdrop backdrop\n",
                 fmt::join(command_names(application), " "), option_names(application));
  return script;
}

std::string zsh_completions(const CommandWords& application) {
  std::string script =
      "#compdef backdrop\n# Completions of backdrop for zsh, made by `backdrop completions "
      "zsh`.\n_backdrop() {\n"
      "  local context state line curcontext=\"$curcontext\"\n  local -a commands=(\n";
  const auto out = std::back_inserter(script);
  for (const CommandWords& command : application.commands)
    fmt::format_to(out, "    '{}:{}'\n", command.name, zsh_text(command.description));
  fmt::format_to(out, "  )\n  _arguments -C \\\n");
  for (const OptionWords& option : application.options)
    fmt::format_to(out, "    {} \\\n", zsh_option(option));
  fmt::format_to(
      out,
      "    '1: :->command' '*:: :->arguments'\n  case $state in\n    command) _describe command commands ;;\n"
      "    arguments)\n      case $words[1] in\n");
  for (const CommandWords& command : application.commands) {
    fmt::format_to(out, "        {})\n          _arguments", command.name);
    for (const OptionWords& option : command.options) {
      fmt::format_to(out, " \\\n            {}", zsh_option(option));
      if (option.bare) fmt::format_to(out, " \\\n            {}", zsh_positional(option));
    }
    fmt::format_to(out, "\n          ;;\n");
  }
  // As a function in a folder of fpath, and as text to evaluate.
  fmt::format_to(out,
                 "      esac\n      ;;\n  esac\n}}\n\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n "
                 " _backdrop \"$@\"\n"
                 "else\n  compdef _backdrop backdrop\nfi\n");
  return script;
}

std::string fish_completions(const CommandWords& application) {
  std::string script =
      "# Completions of backdrop for fish, made by `backdrop completions fish`.\ncomplete -c backdrop -f\n";
  for (const OptionWords& option : application.options) fish_option(script, "__fish_use_subcommand", option);
  for (const CommandWords& command : application.commands)
    fmt::format_to(std::back_inserter(script),
                   "complete -c backdrop -n __fish_use_subcommand -a {} -d '{}'\n", command.name,
                   shell_quoted(command.description));
  for (const CommandWords& command : application.commands)
    for (const OptionWords& option : command.options)
      fish_option(script, "__fish_seen_subcommand_from " + command.name, option);
  return script;
}

}  // namespace backdrop
