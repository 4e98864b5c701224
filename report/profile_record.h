/// \file
/// The profile of a search, as JSON and as a page.
#pragma once

#include <string>
#include <vector>

#include "engine/profile_report.h"
#include "report/run_record.h"

namespace backdrop {

struct ProfileRecord {
  ModelRecord model;
  Versions versions;
  int threads = 0;
  MachinePeak peak;
  std::vector<SearchTimes> searches;  ///< with reuse, without
};

/// The model, the machine's peaks and "searches" with their "layers", in the words of
/// engine/profile_report.h.
std::string profile_json(const ProfileRecord& record);

/// One self-contained page, without scripts: for each search a picture of where the time goes (stage over
/// block over layer, as wide as its time, coloured by the share of the roofline) and a table.
std::string profile_page(const ProfileRecord& record);

}  // namespace backdrop
