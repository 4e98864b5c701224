// backdrop convert: any supported checkpoint to folded, engine-ready safetensors.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

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
  std::vector<float> mean;
  std::vector<float> deviation;
  bool force = false;
};

std::optional<Normalization> asked_normalization(const ConvertOptions& options) {
  if (options.mean.empty()) return std::nullopt;
  Normalization normalization;
  std::copy(options.mean.begin(), options.mean.end(), normalization.mean.begin());
  std::copy(options.deviation.begin(), options.deviation.end(), normalization.deviation.begin());
  const auto is_usable = [](float mean) { return std::isfinite(mean); };
  const auto divides = [](float deviation) { return std::isfinite(deviation) && deviation > 0; };
  if (!std::all_of(options.mean.begin(), options.mean.end(), is_usable) ||
      !std::all_of(options.deviation.begin(), options.deviation.end(), divides))
    throw Error(ErrorCode::usage, "--mean takes finite numbers, --std positive ones");
  return normalization;
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
  if (!options.force && std::filesystem::exists(out))
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
                                       "[0,1]: for the checkpoint's own or "
                                       "the default")
                          ->expected(3)
                          ->delimiter(',')
                          ->type_name("R,G,B");
  command->add_option("--std", options->deviation, "What is divided by then")
      ->expected(3)
      ->delimiter(',')
      ->type_name("R,G,B")
      ->needs(mean);
  mean->needs(command->get_option("--std"));
  command->add_flag("--force", options->force, "Replace the file if it exists");
  command->callback([options] { run_convert(*options); });
}

}  // namespace backdrop
