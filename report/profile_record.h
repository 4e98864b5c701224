/// \file
/// The profile of a search, as JSON, as a page and in words.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/profile_runs.h"
#include "report/run_record.h"

namespace backdrop {

struct ProfileRecord {
  ModelRecord model;
  Versions versions;
  std::string device = "cpu";  ///< as Engine::device
  int threads = 0;             ///< of the CPU
  MachinePeak peak;
  std::vector<SearchTimes> searches;  ///< with reuse, without
};

/// "2 threads", or "GPU": what the peaks are of.
std::string machine_text(const ProfileRecord& record);

/// "45.0 GMAC/s in fp32, 90.0 in bf16, 20.0 GB/s of memory": what was measured.
std::string peak_text(const MachinePeak& peak);

/// The arithmetic of a layer's products: "int8", "int8, bf16" if some of them are Winograd's, "6 bf16" if
/// each in fp32 is made of as many; empty where it has none.
std::string products_text(const LayerProfile& layer);

/// What shares of the bandwidth above 100% mean, in a sentence; empty where there are none.
std::string bandwidth_note(const ProfileRecord& record);

/// ", 12 decided again in fp32 and 5 more to audit"; empty in fp32.
std::string decided_again_text(const SearchTimes& times);

/// "120.1 to 125.0": microseconds for one composite, of the seconds for so many.
std::string range_text(const Range& seconds, std::size_t composites = 1);

/// ", the median of 5 runs from 120.1 to 125.0", of rates; empty for one run.
std::string runs_text(const SearchTimes& times);

/// What was measured several times, and how, in sentences; empty where all was measured once.
std::string runs_note(const ProfileRecord& record);

/// What a search does beside its layers: names and seconds, in the order of the tables.
std::vector<std::pair<const char*, double SearchTimes::*>> other_steps(const SearchTimes& times);

/// The model, the machine's peaks and "searches" with their "layers", in the words of
/// engine/profile_report.h. Of several runs with the range of each time, as [smallest, largest].
std::string profile_json(const ProfileRecord& record);

/// One self-contained page, without scripts: for each search a picture of where the time goes (stage over
/// block over layer, as wide as its time, coloured by the share of the roofline) and a table.
std::string profile_page(const ProfileRecord& record);

}  // namespace backdrop
