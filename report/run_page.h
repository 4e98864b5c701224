/// \file
/// report.html: one self-contained page for people.
///
/// It fetches nothing, needs no script and holds a fixed number of pictures, whatever the search's size.
/// Times are not in it, so that the page of a resumed run is that of an undisturbed one.
///
/// \code
/// const std::string json = run_json(record, input, statistics);
/// folder.write("report.html", report_page({record, json, input, statistics, pairs, map, {}}));
/// \endcode
#pragma once

#include <string>
#include <vector>

#include "loaders/class_map.h"
#include "report/run_record.h"
#include "search/evaluation.h"
#include "search/pair_matrix.h"

namespace backdrop {

/// What a page is made from. Photos that are empty or of another size than their mask are not shown.
struct RunPage {
  const RunRecord& record;
  const std::string& run_json;  ///< shown as the run's facts, whatever it holds
  const ChallengeInput& input;
  const ChallengeStatistics& statistics;
  const PairMatrix& pairs;
  const ClassMap& map;
  std::vector<VariationResult> evaluation;  ///< on the variations of IN-9; empty: not known
};

std::string report_page(const RunPage& run);

}  // namespace backdrop
