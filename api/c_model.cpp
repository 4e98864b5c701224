// The C interface's models.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "api/c_handles.h"
#include "api/c_support.h"

namespace backdrop::c {
namespace {

std::optional<std::array<float, 3>> channels(const float* values) {
  if (values == nullptr) return std::nullopt;
  return std::array{values[0], values[1], values[2]};
}

LoadOptions load_options(const backdrop_load_options* given) {
  const backdrop_load_options options = options_or_default(given, "backdrop_load_options");
  LoadOptions result;
  result.architecture = text_or(options.architecture, "");
  result.class_map = text_or(options.class_map, "");
  result.allow_partial = options.allow_partial != 0;
  result.mean = channels(options.mean);
  result.deviation = channels(options.deviation);
  if (options.in9_label_count > 0) {
    const std::int32_t* labels = &required(options.in9_labels, "in9_labels");
    result.in9_labels.assign(labels, labels + options.in9_label_count);
  }
  return result;
}

}  // namespace
}  // namespace backdrop::c

using backdrop::c::guarded;
using backdrop::c::required;

backdrop_status backdrop_model_load(const char* checkpoint, const backdrop_load_options* options,
                                    backdrop_model** model) {
  return guarded([&] {
    required(model, "model") = nullptr;
    const char* path = &required(checkpoint, "checkpoint");
    *model = new backdrop_model{backdrop::Model::load(path, backdrop::c::load_options(options))};
  });
}

backdrop_status backdrop_model_parse(const void* checkpoint, size_t bytes,
                                     const backdrop_load_options* options, backdrop_model** model) {
  return guarded([&] {
    required(model, "model") = nullptr;
    const auto* first = &required(static_cast<const std::byte*>(checkpoint), "checkpoint");
    *model = new backdrop_model{backdrop::Model::parse({first, bytes}, backdrop::c::load_options(options))};
  });
}

backdrop_status backdrop_model_get_info(const backdrop_model* model, backdrop_model_info* info) {
  return guarded([&] {
    const backdrop::ModelInfo& found = required(model, "model").model.info();
    const std::size_t size = required(info, "info").size;
    backdrop::c::check_size(size, sizeof *info, "backdrop_model_info");
    *info = {.size = size,
             .architecture = found.architecture.c_str(),
             .format = found.format.c_str(),
             .sha256 = found.sha256.c_str(),
             .classes = found.classes,
             .height = found.height,
             .width = found.width,
             .mean = {found.mean[0], found.mean[1], found.mean[2]},
             .deviation = {found.deviation[0], found.deviation[1], found.deviation[2]},
             .parameters = found.parameters,
             .multiply_adds = found.multiply_adds};
  });
}

backdrop_status backdrop_model_get_in9_labels(const backdrop_model* model, int32_t* labels, size_t count) {
  return guarded([&] {
    const backdrop::Model& found = required(model, "model").model;
    required(labels, "labels");
    const auto classes = static_cast<std::size_t>(found.info().classes);
    if (count != classes)
      throw backdrop::Error(backdrop::ErrorCode::usage,
                            fmt::format("there is room for {} labels: the model has {}", count, classes));
    std::fill_n(labels, count, -1);
    std::copy(found.in9_labels().begin(), found.in9_labels().end(), labels);
  });
}

void backdrop_model_free(backdrop_model* model) {
  delete model;
}
