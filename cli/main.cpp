// The command: parses the command line, runs one subcommand, and turns failures into one line and an exit
// code.
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/misspelt.h"
#include "cli/note.h"
#include "cli/standard_streams.h"
#include "cli/version.h"
#include "search/mpi_ranks.h"

namespace {

constexpr const char* kNoOutput = "standard output cannot be written";

int complain(backdrop::ErrorCode code, const std::string& message) {
  backdrop::print_error("backdrop: " + backdrop::one_line(message) + '\n');
  return static_cast<int>(code);
}

/// Runs what the command line asks for.
int run(int argc, char** argv) {
  if (const std::string name = backdrop::name_of_empty_argument(argc, argv); !name.empty())
    return complain(backdrop::ErrorCode::usage, name + " is empty: is a variable of the shell not set?");
  CLI::App application("Exhaustive adversarial background search for ImageNet-9", "backdrop");
  application.set_version_flag("--version", backdrop::version_text);
  application.require_subcommand(0, 1);  // one is checked for below: CLI11 would not name a misspelt one
  application.formatter(backdrop::help_formatter());
  backdrop::add_challenge_command(application);
  backdrop::add_eval_command(application);
  backdrop::add_inspect_command(application);
  backdrop::add_convert_command(application);
  backdrop::add_demo_data_command(application);
  backdrop::add_devices_command(application);
  backdrop::add_plan_command(application);
  backdrop::add_profile_command(application);
  backdrop::add_merge_command(application);
  backdrop::add_manifest_command(application);
  backdrop::add_report_command(application);
  backdrop::add_documentation_commands(application);
  application.footer(
      "Exit codes: 0 done, 1 failed, 2 usage, 3 bad input file, 4 no usable device, 130 interrupted.");
  bool asked_for_help = false;
  try {
    application.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    asked_for_help = true;
    application.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    const std::string misspelt = backdrop::misspelt_word(application);
    return complain(backdrop::ErrorCode::usage,
                    misspelt.empty() ? std::string(error.what()) + " (--help lists the options)"
                                     : misspelt + " (--help lists them all)");
  }
  if (!asked_for_help && application.get_subcommands().empty())
    return complain(backdrop::ErrorCode::usage, "a subcommand is required (--help lists them)");
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0) return complain(backdrop::ErrorCode::failed, kNoOutput);
  return 0;
}

/// The same with failures as one line and an exit code.
int run_and_complain(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const backdrop::Error& error) {
    return complain(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return complain(backdrop::ErrorCode::failed, "out of memory");
  } catch (const std::exception& error) {
    // fmt does not say what it could not write to.
    return complain(backdrop::ErrorCode::failed, std::ferror(stdout) != 0 ? kNoOutput : error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  backdrop::fill_closed_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the shell's size limit is an error to report, not a death
  return backdrop::leave_ranks(run_and_complain(argc, argv));
}
