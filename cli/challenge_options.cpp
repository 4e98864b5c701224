#include "cli/challenge_options.h"

#include <filesystem>
#include <system_error>

#include "backdrop/error.h"
#include "cli/profile_window.h"
#include "engine/device_choice.h"

namespace backdrop {
namespace {

void check_logits(const ChallengeOptions& options) {
  if (options.logits.empty()) return;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(options.logits, error);
  if (status.type() == std::filesystem::file_type::none)
    throw Error(ErrorCode::usage, "is no name for --logits: " + error.message(), options.logits);
  if (!std::filesystem::exists(status)) return;
  if (!std::filesystem::is_regular_file(status))
    throw Error(ErrorCode::usage, "is no file: give another name for --logits", options.logits);
  if (!options.force)
    throw Error(ErrorCode::usage, "exists: give another name for --logits, or --force to replace it",
                options.logits);
}

}  // namespace

void check_combination(const ChallengeOptions& options) {
  if (options.device.profile_window.count > 0 && !parse_device(options.device.device).gpu)
    throw Error(ErrorCode::usage,
                "--profile-window starts and stops NVIDIA's profilers: give --device cuda, or leave it out");
  check_logits(options);
  if (!options.resume) return;
  if (options.out.empty()) throw Error(ErrorCode::usage, "--resume needs the run's folder: give --out");
  if (!options.logits.empty())
    throw Error(ErrorCode::usage, "--logits cannot be resumed: logits are not kept in the run's folder");
}

void add_challenge_options(CLI::App& command, const std::shared_ptr<ChallengeOptions>& options) {
  command.add_option("--data-path", options->data_path, "Root of the IN-9 release")
      ->required()
      ->type_name("DIR");
  add_model_options(command, options->model);
  command
      .add_option("--mode", options->mode,
                  "all: every pair; first: each foreground until it is fooled, as the published script")
      ->check(CLI::IsMember({"first", "all"}))
      ->capture_default_str();
  command
      .add_option(
          "--order", options->order,
          "Of --mode first. adaptive: likely fooling backgrounds first; plain: as the published script")
      ->check(CLI::IsMember({"adaptive", "plain"}))
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--budget", [options](const std::string& text) { options->budget = parse_budget(text); },
          "Answer after so many pairs, or a time like 90s, 45m, 1.5h, 1h30m, 2d, with bounds for the rest")
      ->type_name("N|TIME");
  command
      .add_option("--shard", options->shard,
                  "Search the i-th of n equal parts of the foregrounds; `backdrop merge` puts them together")
      ->type_name("i/n");
  command.add_option("--out", options->out, "Folder for the results (default: none are kept)")
      ->type_name("DIR");
  CLI::Option* force =
      command.add_flag("--force", options->force, "Replace a run in --out, and the file of --logits");
  command
      .add_flag("--resume", options->resume,
                "Go on with the run in --out if it was stopped or killed; start it if there is none")
      ->excludes(force);
  add_device_options(command, options->device);
  command
      .add_option_function<std::string>(
          "--profile-window",
          [options](const std::string& text) { options->device.profile_window = parse_profile_window(text); },
          "On a GPU: call cudaProfilerStart before the FIRST-th foreground and cudaProfilerStop after "
          "COUNT of them (of several GPUs, the first one's foregrounds), for ncu --profile-from-start off "
          "and nsys --capture-range=cudaProfilerApi")
      ->type_name("FIRST:COUNT");
  command
      .add_option("--logits", options->logits,
                  "Also write every logit, float32 [F,B,classes], for comparisons")
      ->type_name("FILE.npy");
  command.add_flag("--json", options->json, "Print run.json instead of tables");
  command.add_flag("--quiet", options->quiet, "No progress on stderr");
}

}  // namespace backdrop
