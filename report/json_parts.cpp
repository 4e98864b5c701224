// Parts that the JSON results have in common.
#include "report/json_parts.h"

namespace backdrop {

namespace {

void add_tensors(Json& json, const char* name, const TensorNames& tensors) {
  if (tensors.count > 0) json[name] = {{"count", tensors.count}, {"names", tensors.names}};
}

Json ranks_json(const std::vector<RankWork>& ranks) {
  Json json = Json::array();
  for (const RankWork& rank : ranks)
    json.push_back({{"blocks", rank.blocks},
                    {"composites", rank.composites},
                    {"multiply_adds", rank.multiply_adds},
                    {"background_fills", rank.background_fills}});
  return json;
}

}  // namespace

Json model_json(const ModelRecord& model) {
  Json json = {{"file", model.file},
               {"sha256", model.sha256},
               {"format", model.format},
               {"arch", model.arch},
               {"classes", model.classes},
               {"parameters", model.parameters},
               {"macs", model.macs},
               {"normalization",
                {{"mean", model.normalization.mean},
                 {"std", model.normalization.deviation},
                 {"source", model.normalization_source}}}};
  add_tensors(json, "filled_in", model.filled_in);
  add_tensors(json, "left_out", model.left_out);
  return json;
}

Json engine_json(const EngineRecord& engine) {
  Json json = {{"device", engine.device},
               {"description", engine.description},
               {"batch", engine.batch},
               {"threads", engine.threads},
               {"tile", engine.tile},
               {"workspace_bytes", engine.workspace_bytes},
               {"cache_bytes", engine.cache_bytes},
               {"cache_limit", engine.cache_limit},
               {"peak_memory_bytes", engine.peak_memory_bytes},
               {"multiply_adds", engine.multiply_adds},
               {"background_fills", engine.background_fills}};
  if (!engine.ranks.empty()) json["ranks"] = ranks_json(engine.ranks);
  return json;
}

Json versions_json(const Versions& versions) {
  Json json = Json::object();
  for (const auto& [name, version] : versions) json[name] = version;
  return json;
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace backdrop
