/// \file
/// The command line as plain data, read off the parser itself: completions and the manual say what --help
/// says.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace backdrop {

struct OptionWords {
  enum class Value { none, text, choice, file, folder };

  std::string name;         ///< "--mode", or a positional's bare name
  std::string short_name;   ///< "-h", or empty
  std::string description;  ///< of one line
  std::string value_name;   ///< "DIR", or empty
  std::string default_text;
  std::vector<std::string> choices;
  Value value = Value::none;
  bool positional = false;
  bool bare = false;      ///< an option whose value may be given without its name too
  bool repeated = false;  ///< a positional that may be given many times
  bool required = false;
};

struct CommandWords {
  std::string name;
  std::string description;
  std::vector<OptionWords> options;
  std::vector<CommandWords> commands;
};

/// The application with its subcommands.
CommandWords read_command_tree(const CLI::App& application);

}  // namespace backdrop
