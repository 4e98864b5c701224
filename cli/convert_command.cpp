// backdrop convert: any supported checkpoint to folded, engine-ready safetensors.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "engine/screening.h"
#include "models/convert.h"
#include "search/runner.h"

namespace backdrop {
namespace {

struct ConvertOptions {
  ModelOptions model;
  std::string out;
  std::string calibrate;
  std::string mean;
  std::string deviation;
  bool force = false;
};

/// Three numbers with commas between them. One word, so that what follows it is never taken for a fourth.
std::array<float, 3> channels_of(const char* option, const std::string& text) {
  std::array<float, 3> channels{};
  const char* at = text.data();
  const char* const end = at + text.size();
  bool is_right = true;
  for (std::size_t i = 0; i < channels.size() && is_right; ++i) {
    if (i > 0) is_right = at != end && *at++ == ',';
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, channels[i]);
    is_right = is_right && error == std::errc() && std::isfinite(channels[i]);
    at = next;
  }
  if (!is_right || at != end)
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is not red, green and blue: write three numbers like .485,.456,.406 for {}",
                            text, option));
  return channels;
}

std::optional<Normalization> asked_normalization(const ConvertOptions& options) {
  if (options.mean.empty()) return std::nullopt;
  return Normalization{channels_of("--mean", options.mean), channels_of("--std", options.deviation)};
}

Calibration calibrate_on(const std::string& data_path, const std::shared_ptr<const Network>& network) {
  ThreadPool pool(0);
  const ChallengeInput input = load_challenge_input(data_path, pool);
  check_input(input, network->input);
  const WholeRun run(input);
  const CompositeSample sample = draw_sample(run.tasks);
  return calibrate(network, calibration_photos(sample, *input.backgrounds), pool);
}

void run_convert(ConvertOptions options) {
  const std::filesystem::path out = options.out;
  if (out.extension() != ".safetensors")
    throw Error(ErrorCode::usage, "the output's name must end in .safetensors", options.out);
  std::error_code ignored;  // where it cannot be looked at, it cannot be written either
  if (!options.force && std::filesystem::exists(out, ignored))
    throw Error(ErrorCode::usage, "exists already: choose another name, or --force to replace it",
                options.out);
  options.model.normalization = asked_normalization(options);
  const LoadedNetwork loaded = load_network(options.model);
  const std::string source = std::filesystem::path(options.model.checkpoint).filename().string();
  FoldedCheckpoint folded = export_folded(*loaded.network, loaded.checkpoint, loaded.report, source);
  std::optional<Calibration> scales =
      carried_calibration(loaded.checkpoint, *loaded.network, options.model.checkpoint);
  if (options.model.normalization) scales.reset();  // they are of other inputs
  if (!options.calibrate.empty()) scales = calibrate_on(options.calibrate, loaded.network);
  if (scales) folded.metadata[kCalibrationKey] = calibration_text(*scales);
  save_safetensors(out, folded.tensors, folded.metadata);
  fmt::print("{}: {}, {} tensors\n", options.out, loaded.record.arch, folded.tensors.size());
}

}  // namespace

void add_convert_command(CLI::App& application) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command =
      application.add_subcommand("convert", "Write a checkpoint as safetensors with normalisation folded in");
  add_network_options(*command, options->model, true);
  command->add_option("out,--out", options->out, "File to write")->required()->type_name("FILE.safetensors");
  command
      ->add_option(
          "--calibrate", options->calibrate,
          "Root of the IN-9 release: store scales for --precision int8, int16 and fp8 (default: those of the "
          "checkpoint)")
      ->type_name("DIR");
  CLI::Option* mean = command
                          ->add_option("--mean", options->mean,
                                       "Of the photos the model was trained on, red, green and blue in "
                                       "[0,1]: for the checkpoint's own or the default")
                          ->type_name("R,G,B");
  command->add_option("--std", options->deviation, "What is divided by then")
      ->type_name("R,G,B")
      ->needs(mean);
  mean->needs(command->get_option("--std"));
  command->add_flag("--force", options->force, "Replace the file if it exists");
  command->callback([options] { run_convert(*options); });
}

}  // namespace backdrop
