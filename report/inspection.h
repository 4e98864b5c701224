/// \file
/// What a checkpoint holds, as JSON.
#pragma once

#include <string>
#include <vector>

#include "models/describe.h"
#include "report/run_record.h"

namespace backdrop {

/// The model, whether scales for int8 are stored with it, and "layers" unless there are none to list.
std::string inspection_json(const ModelRecord& record, bool has_int8_scales,
                            const std::vector<LayerRow>& layers);

}  // namespace backdrop
