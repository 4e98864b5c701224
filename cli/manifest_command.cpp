// backdrop manifest: a data folder by its hashes, written or verified.
#include <fmt/format.h>

#include <memory>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/note.h"
#include "loaders/file.h"
#include "search/manifest.h"

namespace backdrop {
namespace {

struct ManifestOptions {
  std::string folder;
  std::string verify;
  int threads = 0;
};

void verify(const ManifestOptions& options, const std::string& found) {
  constexpr std::size_t kLargestManifest = std::size_t{1} << 30;
  const std::vector<std::byte> bytes = read_file(options.verify, kLargestManifest);
  const std::string expected(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::vector<std::string> differences = compare_manifests(expected, found, options.verify);
  for (const std::string& difference : differences) fmt::print("{}\n", difference);
  if (!differences.empty())
    throw Error(ErrorCode::bad_input,
                fmt::format("differs from {} in {} file{}", options.verify, differences.size(),
                            differences.size() == 1 ? "" : "s"),
                options.folder);
  fmt::print("{}: as {} says\n", options.folder, options.verify);
}

void run_manifest(const ManifestOptions& options) {
  ThreadPool pool(options.threads);
  const std::string manifest = make_manifest(options.folder, pool);
  for (const std::string& difference : release_differences(options.folder)) print_note(difference);
  if (options.verify.empty())
    fmt::print("{}", manifest);
  else
    verify(options, manifest);
}

}  // namespace

void add_manifest_command(CLI::App& application) {
  auto options = std::make_shared<ManifestOptions>();
  CLI::App* command = application.add_subcommand(
      "manifest", "Print the SHA-256 of every file of a data folder as sha256sum does, or verify them");
  command->add_option("folder", options->folder, "Root of the data")->required()->type_name("DIR");
  command->add_option("--verify", options->verify, "Compare with this manifest; exit code 3 if they differ")
      ->type_name("FILE");
  command->add_option("--threads", options->threads, "CPU threads (default: all that may be used)")
      ->check(CLI::Range(0, 4096));
  command->callback([options] { run_manifest(*options); });
}

}  // namespace backdrop
