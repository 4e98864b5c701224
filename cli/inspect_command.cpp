// backdrop inspect: what a checkpoint holds, without running it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <utility>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "engine/calibration.h"
#include "models/describe.h"
#include "report/inspection.h"

namespace backdrop {
namespace {

struct InspectOptions {
  ModelOptions model;
  bool layers = false;
  bool json = false;
};

std::string layer_table(const std::vector<LayerRow>& layers) {
  TextTable table;
  for (const char* title : {"Layer", "Operation", "Input", "Output", "Adds", "Activation"})
    table.add_column(title);
  table.add_column("Parameters", TextTable::Align::right);
  table.add_column("MMACs", TextTable::Align::right);
  for (const LayerRow& row : layers)
    table.add_row({row.name, row.operation, row.input, row.output, row.residual, row.activation,
                   grouped(static_cast<std::size_t>(row.parameters)),
                   fmt::format("{:.2f}", static_cast<double>(row.macs) / 1e6)});
  return table.text();
}

std::string summary(const ModelRecord& record, bool has_scales) {
  const Normalization& normalization = record.normalization;
  std::string text = fmt::format(
      "Architecture   {}\nClasses        {}\nParameters     {}\nGMACs          {:.3f}\n"
      "Normalisation  mean {:.4f}, std {:.4f} ({})\nFormat         {}\nSHA-256        {}\n",
      record.arch, record.classes, grouped(static_cast<std::size_t>(record.parameters)),
      static_cast<double>(record.macs) / 1e9, fmt::join(normalization.mean, " "),
      fmt::join(normalization.deviation, " "), record.normalization_source, record.format, record.sha256);
  for (const auto& [title, tensors] :
       {std::pair("Filled in", &record.filled_in), std::pair("Left out", &record.left_out)})
    if (tensors->count > 0) text += fmt::format("{:<15}{}\n", title, tensor_text(*tensors));
  if (has_scales) text += "Int8 scales    stored\n";
  return text;
}

void run_inspect(const InspectOptions& options) {
  const LoadedNetwork loaded = load_network(options.model);
  const std::vector<LayerRow> layers =
      options.layers ? describe_layers(*loaded.network) : std::vector<LayerRow>{};
  const bool has_scales =
      carried_calibration(loaded.checkpoint, *loaded.network, options.model.checkpoint).has_value();
  if (options.json) {
    fmt::print("{}", inspection_json(loaded.record, has_scales, layers));
  } else {
    fmt::print("{}{}", summary(loaded.record, has_scales), layers.empty() ? "" : '\n' + layer_table(layers));
  }
}

}  // namespace

void add_inspect_command(CLI::App& application) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command = application.add_subcommand("inspect", "What a checkpoint holds");
  add_network_options(*command, options->model, true);
  command->add_flag("--layers", options->layers, "Also the layers, with normalisation folded in");
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->callback([options] { run_inspect(*options); });
}

}  // namespace backdrop
