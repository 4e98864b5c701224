// The plan of exact reuse, as JSON.
#include "report/json_parts.h"
#include "report/reuse_plan.h"

namespace backdrop {

std::string reuse_plan_json(const ModelRecord& model, const PlanReport& plan) {
  Json json = {{"model", model_json(model)},
               {"foregrounds", plan.foregrounds},
               {"backgrounds", plan.backgrounds},
               {"hand_off", plan.choice.hand_off},
               {"precision", name(plan.precision)},
               {"cached_bytes_per_background", plan.cache.bytes_per_background},
               {"exact_cached_bytes_per_background", plan.cache.exact_bytes_per_background},
               {"backgrounds_per_tile", plan.cache.tile},
               {"tiles", plan.tiles},
               {"fills_per_background", 1},
               {"multiply_adds", plan.multiply_adds()},
               {"multiply_adds_without_reuse", plan.whole_multiply_adds()},
               {"multiply_adds_share", plan.multiply_adds_share},
               {"written_share", plan.written_share},
               {"predicted_cost_share", plan.choice.share},
               {"fully_connected_multiply_adds", plan.fully_connected}};
  if (plan.cache_with_sums)
    json["with_bf16_sums"] = {{"cached_bytes_per_background", plan.cache_with_sums->bytes_per_background},
                              {"backgrounds_per_tile", plan.cache_with_sums->tile}};
  for (const LayerPlan& layer : plan.layers)
    json["layers"].push_back({{"name", layer.name},
                              {"height", layer.out.height},
                              {"width", layer.out.width},
                              {"channels", layer.out.channels},
                              {"mixed_share", layer.mixed},
                              {"background_share", layer.background},
                              {"foreground_share", layer.foreground},
                              {"multiply_adds", layer.multiply_adds},
                              {"multiply_adds_without_reuse", layer.whole_multiply_adds},
                              {"foreground_multiply_adds", layer.foreground_multiply_adds},
                              {"cached_bytes_per_background", layer.cached_bytes}});
  return json_text(json);
}

}  // namespace backdrop
