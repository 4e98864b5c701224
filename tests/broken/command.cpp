// Runs the command line in a process of its own and keeps what it printed.
#include "command.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

namespace {

constexpr int kNoSuchDisk = 125;
constexpr int kNoCommand = 126;

std::string read_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// Between fork and exec: mounts the disk where only this process and its children see it.
bool mount_disk(const fs::path& where, Disk disk) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const unsigned long flags = disk == Disk::read_only ? MS_RDONLY : 0;
  return mount("tmpfs", where.c_str(), "tmpfs", flags, "size=4k") == 0;
}

void redirect(const fs::path& path, int descriptor) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) dup2(file, descriptor);
}

[[noreturn]] void become_command(const std::vector<std::string>& arguments, const fs::path& folder,
                                 Disk disk) {
  std::vector<char*> pointers{const_cast<char*>(BACKDROP_COMMAND)};
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  if (disk != Disk::healthy && !mount_disk(folder / "disk", disk)) _exit(kNoSuchDisk);
  redirect("/dev/null", STDIN_FILENO);
  redirect(folder / "stdout", STDOUT_FILENO);
  redirect(folder / "stderr", STDERR_FILENO);
  if (chdir(folder.c_str()) == 0) execv(BACKDROP_COMMAND, pointers.data());
  _exit(kNoCommand);
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& arguments, const fs::path& folder, Disk disk) {
  fs::create_directories(folder / "disk");
  const pid_t child = fork();
  if (child == 0) become_command(arguments, folder, disk);
  int status = 0;
  CommandResult result;
  if (child < 0 || waitpid(child, &status, 0) != child) return result;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.started = result.exit_code != kNoSuchDisk && result.exit_code != kNoCommand;
  result.output = read_text(folder / "stdout");
  result.errors = read_text(folder / "stderr");
  return result;
}
