/// \file
/// What the GPU engine found out by timing, kept between runs so that nothing is timed twice.
///
/// \code
/// PlanFolder plans("plans", "an H200, driver 13.0", false, complain);
/// std::optional<MeasuredPlan> plan = plans.find("dense fp16, batch 128", network);
/// if (!plan || !follow(*plan)) plans.keep("dense fp16, batch 128", network, measure());
/// \endcode
///
/// Each plan is a file of its own, JSON, named by a hash of its key: all that the times depend on. The key is
/// in the file, too. Files are written under another name and renamed, so processes that measure the same at
/// once leave one whole file, and those that measure different things do not meet.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/products.h"
#include "models/network.h"

namespace backdrop {

/// The fastest of several ways to the same answer. Whoever follows a plan that was read checks each step as
/// if somebody else had written it.
struct MeasuredPlan {
  /// A layer that cuDNN computes, which of its ways (kernels/cudnn_cuda.h), and from how many rows on.
  struct Convolution {
    int layer = 0;
    int way = 0;
    int least_rows = 0;
    bool operator==(const Convolution&) const = default;
  };
  /// Bottlenecks in one kernel, whose blocks compute side x side positions, in so many percent of the time
  /// that their layers take.
  struct Chain {
    int first_layer = 0;
    int bottlenecks = 0;
    int side = 0;
    int percent = 100;
    bool operator==(const Chain&) const = default;
  };

  kernels::Products products = kernels::Products::warps;
  std::vector<int> clusters;  ///< layers whose products are by clusters of blocks
  std::vector<Convolution> convolutions;
  std::vector<Chain> chains;
  bool operator==(const MeasuredPlan&) const = default;
};

/// The lines of a plan's key: `machine`, `subject`, this program's version, and each layer's shape.
std::vector<std::string> plan_key(const std::string& machine, const std::string& subject,
                                  const Network& network);

/// A plan as a file's text, and back. None if the text is anything else, or another key's.
std::string plan_text(const std::vector<std::string>& key, const MeasuredPlan& plan);
std::optional<MeasuredPlan> parse_plan(std::string_view text, const std::vector<std::string>& key);

/// The plans of one device. What goes wrong with files is never an error.
class PlanFolder {
 public:
  using Complain = std::function<void(const std::string&)>;

  /// `folder` is made when it is needed; empty: nothing is kept. `machine`: the device and the versions of
  /// what runs it. `anew`: nothing is found, so that all is measured again. `complain` (may be empty) hears
  /// once, in one line, that plans cannot be kept, and why.
  PlanFolder(std::filesystem::path folder, std::string machine, bool anew, Complain complain);

  /// None if nothing was kept, or nothing that can be read.
  std::optional<MeasuredPlan> find(const std::string& subject, const Network& network) const;
  void keep(const std::string& subject, const Network& network, const MeasuredPlan& plan);

 private:
  std::filesystem::path file_of(const std::vector<std::string>& key) const;

  std::filesystem::path folder_;
  std::string machine_;
  bool anew_;
  Complain complain_;
};

}  // namespace backdrop
