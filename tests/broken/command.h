/// \file
/// Runs the command line in a process of its own and keeps what it printed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What the process finds where it is to write.
enum class Disk { healthy, full, read_only };

struct CommandResult {
  bool started = false;  ///< false: this machine does not let a test make such a disk
  int exit_code = -1;    ///< -1 if a signal ended the process
  int signal = 0;
  std::string output;
  std::string errors;
};

/// Runs the `backdrop` command with these arguments in `folder`. A full disk is a file system of one page and
/// a read-only one holds nothing; either is mounted over `folder`/disk in a name space that only the process
/// sees.
CommandResult run_command(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                          Disk disk = Disk::healthy);
