/// \file
/// The plan of exact reuse, as JSON.
#pragma once

#include <string>

#include "engine/plan_report.h"
#include "report/run_record.h"

namespace backdrop {

/// The model, the totals and "layers", in the words of engine/plan_report.h.
std::string reuse_plan_json(const ModelRecord& model, const PlanReport& plan);

}  // namespace backdrop
