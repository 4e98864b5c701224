/// \file
/// The sections of report.html, each as HTML. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "report/pair_counts.h"
#include "report/run_page.h"

namespace backdrop {

/// A run with what is counted over its pairs.
struct PageContent {
  const RunPage& run;
  PairCounts counts;
  std::vector<std::string> labels;  ///< names of the classes, escaped, and last that of none of them

  /// Whether every pair was tried, so that backgrounds can be compared.
  bool is_exhaustive() const { return run.record.options.mode == "all" && run.record.complete; }
  std::size_t classes() const { return run.input.classes.size(); }
};

/// By class: foregrounds, vulnerable ones, what they are taken for.
std::string class_section(const PageContent& content);

/// Predicted classes and dangerous backgrounds, as matrices of classes.
std::string confusion_section(const PageContent& content);

/// Distributions of the margins and of how many backgrounds fool a foreground.
std::string margin_section(const PageContent& content);

/// Class by class, the pictures: adversarial backgrounds, fragile and robust foregrounds.
std::string gallery_section(const PageContent& content);

/// What a run.json says about how the run came to be, whatever that is: only the result, times and what
/// differs between runs of the same inputs are left out. Empty for a text that is no JSON object.
std::string facts_section(const std::string& run_json);

}  // namespace backdrop
