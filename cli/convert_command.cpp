// backdrop convert: any supported checkpoint to folded, engine-ready safetensors.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "models/convert.h"

namespace backdrop {
namespace {

struct ConvertOptions {
  ModelOptions model;
  std::string out;
  bool force = false;
};

void run_convert(const ConvertOptions& options) {
  const std::filesystem::path out = options.out;
  if (out.extension() != ".safetensors")
    throw Error(ErrorCode::usage, "the output's name must end in .safetensors", options.out);
  if (!options.force && std::filesystem::exists(out))
    throw Error(ErrorCode::usage, "exists already: choose another name, or --force to replace it",
                options.out);
  const LoadedNetwork loaded = load_network(options.model);
  const std::string source = std::filesystem::path(options.model.checkpoint).filename().string();
  const FoldedCheckpoint folded = export_folded(*loaded.network, loaded.checkpoint, loaded.report, source);
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
  command->add_flag("--force", options->force, "Replace the file if it exists");
  command->callback([options] { run_convert(*options); });
}

}  // namespace backdrop
