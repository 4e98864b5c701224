/// \file
/// The backdrop command in a process of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace backdrop::testing {

struct Outcome {
  int exit_code = -1;  ///< -1 if a signal ended the process
  std::string output;
  std::string errors;
};

/// A running command; what it prints goes to files in `folder`, which is also its working directory.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, std::filesystem::path folder);
  /// Kills and reaps a process that was not waited for.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal);
  Outcome wait();

 private:
  std::filesystem::path folder_;
  pid_t child_ = -1;
};

}  // namespace backdrop::testing
