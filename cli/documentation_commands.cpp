// backdrop completions, backdrop manual: the command line described by itself.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/completions.h"
#include "cli/manual.h"
#include "cli/version.h"

namespace backdrop {
namespace {

std::string completions(const CLI::App& application, const std::string& shell) {
  const CommandWords words = read_command_tree(application);
  if (shell == "zsh") return zsh_completions(words);
  return shell == "fish" ? fish_completions(words) : bash_completions(words);
}

std::string program_version() {
  for (const auto& [name, version] : program_versions())
    if (name == "backdrop") return version;
  return {};
}

}  // namespace

void add_documentation_commands(CLI::App& application) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = application.add_subcommand("completions", "Print completions for a shell to source");
  command->add_option("shell", *shell, "The shell that will source them")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&application, shell] { fmt::print("{}", completions(application, *shell)); });
  application.add_subcommand("manual", "Print the manual page for man -l")->callback([&application] {
    fmt::print("{}", manual_page(read_command_tree(application), program_version()));
  });
}

}  // namespace backdrop
