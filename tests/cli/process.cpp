// Starts the command with fork and exec.
#include "tests/cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/temporary_folder.h"

namespace backdrop::testing {
namespace {

void redirect(const std::filesystem::path& path, int descriptor) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) ::dup2(file, descriptor);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, std::filesystem::path folder)
    : folder_(std::move(folder)) {
  std::vector<char*> pointers{const_cast<char*>(BACKDROP_COMMAND)};
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("cannot start a process");
  if (child_ > 0) return;
  redirect(folder_ / "stdout.txt", STDOUT_FILENO);
  redirect(folder_ / "stderr.txt", STDERR_FILENO);
  if (::chdir(folder_.c_str()) == 0) ::execv(BACKDROP_COMMAND, pointers.data());
  ::_exit(126);
}

Process::~Process() {
  if (child_ < 0) return;
  send(SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

void Process::send(int signal) {
  ::kill(child_, signal);
}

Outcome Process::wait() {
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(folder_ / "stdout.txt"),
          read_text(folder_ / "stderr.txt")};
}

}  // namespace backdrop::testing
