// From a checkpoint to a model: the loaders, the network and the class map in one step.
#include "backdrop/model.h"

#include <fmt/format.h>

#include "api/parts.h"
#include "backdrop/error.h"
#include "loaders/checkpoint.h"
#include "loaders/dataset.h"
#include "models/build.h"

namespace backdrop {
namespace {

void choose_labels(const LoadOptions& options, const std::string& file, Model::Parts& parts) {
  const int classes = parts.network->classes();
  parts.can_search = true;
  if (!options.in9_labels.empty()) {
    if (options.in9_labels.size() != static_cast<std::size_t>(classes))
      throw Error(ErrorCode::usage,
                  fmt::format("has {} classes, but {} labels were given", classes, options.in9_labels.size()),
                  file);
    for (const int label : options.in9_labels)
      if (label < -1 || label >= kIn9Classes)
        throw Error(ErrorCode::usage, fmt::format("label {} is not one of IN-9's, 0 to 8, or -1", label),
                    file);
    parts.class_map = {{options.in9_labels}, "given"};
  } else if (auto map = choose_class_map(options.class_map, classes)) {
    parts.class_map = std::move(*map);
  } else {
    parts.class_map.map.in9.assign(static_cast<std::size_t>(classes), -1);
    parts.can_search = false;
  }
}

std::optional<Normalization> given_normalization(const LoadOptions& options, const std::string& file) {
  if (options.mean.has_value() != options.deviation.has_value())
    throw Error(ErrorCode::usage, "is given only one of mean and deviation: give both", file);
  if (!options.mean) return std::nullopt;
  return Normalization{*options.mean, *options.deviation};
}

std::shared_ptr<const Model::Parts> make_parts(const Checkpoint& checkpoint, const LoadOptions& options,
                                               const std::string& file) {
  auto parts = std::make_shared<Model::Parts>();
  BuildReport report;
  const std::optional<Normalization> given = given_normalization(options, file);
  parts->network = std::make_shared<const Network>(
      build_network(checkpoint, {options.architecture, options.allow_partial, given}, file, &report));
  const Network& network = *parts->network;
  choose_labels(options, file, *parts);
  parts->allow_partial = options.allow_partial;
  // The scales that a checkpoint carries are of its own inputs.
  if (!given) parts->calibration = carried_calibration(checkpoint, network, file);
  parts->record = model_record(file, checkpoint, network, report);
  parts->info = {.architecture = report.arch,
                 .classes = network.classes(),
                 .height = network.input.height,
                 .width = network.input.width,
                 .parameters = report.checkpoint_parameters,
                 .multiply_adds = network.macs(),
                 .mean = network.normalization.mean,
                 .deviation = network.normalization.deviation,
                 .format = checkpoint.format,
                 .sha256 = checkpoint.sha256};
  return parts;
}

}  // namespace

Model::Model(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Model Model::load(const std::filesystem::path& checkpoint, const LoadOptions& options) {
  return Model(make_parts(load_checkpoint(checkpoint), options, checkpoint.string()));
}

Model Model::parse(std::span<const std::byte> checkpoint, const LoadOptions& options) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(checkpoint.data());
  return Model(make_parts(parse_checkpoint({bytes, checkpoint.size()}), options, "the checkpoint in memory"));
}

const ModelInfo& Model::info() const noexcept {
  return parts_->info;
}

std::span<const int> Model::in9_labels() const noexcept {
  if (!parts_->can_search) return {};
  return parts_->class_map.map.in9;
}

std::vector<std::string> Model::architectures() {
  return known_architectures();
}

}  // namespace backdrop
