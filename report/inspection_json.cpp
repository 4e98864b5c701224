// What a checkpoint holds, as JSON.
#include "report/inspection.h"
#include "report/json_parts.h"

namespace backdrop {

std::string inspection_json(const ModelRecord& record, bool has_int8_scales,
                            const std::vector<LayerRow>& layers) {
  Json json = model_json(record);
  json["int8_scales"] = has_int8_scales;
  for (const LayerRow& row : layers)
    json["layers"].push_back({{"name", row.name},
                              {"operation", row.operation},
                              {"input", row.input},
                              {"output", row.output},
                              {"adds", row.residual},
                              {"activation", row.activation},
                              {"parameters", row.parameters},
                              {"macs", row.macs}});
  return json_text(json);
}

}  // namespace backdrop
