/// \file
/// The subcommands. Each adds itself to the application; its work happens while the command line is parsed,
/// and failures leave as backdrop::Error.
#pragma once

#include <CLI/CLI.hpp>

namespace backdrop {

void add_challenge_command(CLI::App& application);
void add_eval_command(CLI::App& application);
void add_inspect_command(CLI::App& application);
void add_convert_command(CLI::App& application);
void add_demo_data_command(CLI::App& application);
void add_devices_command(CLI::App& application);
void add_plan_command(CLI::App& application);
void add_profile_command(CLI::App& application);
void add_merge_command(CLI::App& application);
void add_manifest_command(CLI::App& application);
void add_report_command(CLI::App& application);
/// `completions` and `manual`: the application described by itself.
void add_documentation_commands(CLI::App& application);

}  // namespace backdrop
