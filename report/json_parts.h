/// \file
/// Parts that the JSON results have in common. Private to report/.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/run_record.h"

namespace backdrop {

using Json = nlohmann::ordered_json;

Json model_json(const ModelRecord& model);
Json engine_json(const EngineRecord& engine);
Json versions_json(const Versions& versions);

/// Null for what is not known.
template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

/// Indented text that ends in a newline. File names need not be UTF-8 and JSON must be: other bytes are
/// replaced.
std::string json_text(const Json& json);

}  // namespace backdrop
