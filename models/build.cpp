/// \file
/// Chooses the architecture, assembles its layers and refuses what does not fit, see build.h.
#include "models/build.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "backdrop/error.h"
#include "models/architectures.h"
#include "models/assembly.h"
#include "models/convert.h"
#include "models/families.h"

namespace backdrop {
namespace {

constexpr Normalization kImageNetNormalization = {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
/// Of the IN-9 training set, as the published script has it for models of nine classes.
constexpr Normalization kIn9Normalization = {{0.4717f, 0.4499f, 0.3837f}, {0.2600f, 0.2516f, 0.2575f}};
constexpr int kIn9ClassCount = 9;

void check_normalization(const Normalization& normalization, const char* whose, ErrorCode code,
                         const std::string& file) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const float mean = normalization.mean[channel];
    const float deviation = normalization.deviation[channel];
    if (!std::isfinite(mean) || !std::isfinite(deviation) || deviation <= 0.0f) {
      throw Error(code,
                  fmt::format("the {} normalisation is unusable: mean {}, standard deviation {}", whose, mean,
                              deviation),
                  file);
    }
  }
}

/// Sets the network's normalisation and gives its source.
std::string choose_normalization(const std::optional<Normalization>& given,
                                 const std::optional<Normalization>& own, const std::string& file,
                                 Network& network) {
  if (given) {
    check_normalization(*given, "given", ErrorCode::usage, file);
    const float largest = *std::max_element(given->mean.begin(), given->mean.end());
    if (largest > 1)
      throw Error(
          ErrorCode::usage,
          fmt::format("the given mean {} is of pixels up to 255, and here they are up to 1: divide mean "
                      "and standard deviation by 255",
                      largest),
          file);
    network.normalization = *given;
    return "given";
  }
  if (own) {
    check_normalization(*own, "checkpoint's own", ErrorCode::bad_input, file);
    network.normalization = *own;
    return "checkpoint";
  }
  const bool is_in9 = network.classes() == kIn9ClassCount;
  network.normalization = is_in9 ? kIn9Normalization : kImageNetNormalization;
  return is_in9 ? "in9" : "imagenet";
}

const Architecture& architecture_by_name(const std::string& name) {
  const Architecture* found = find_architecture(name);
  if (found == nullptr) {
    throw Error(ErrorCode::usage, fmt::format("unknown architecture '{}': choose one of {}", name,
                                              fmt::join(known_architectures(), ", ")));
  }
  return *found;
}

/// "3 missing (a, b, c)": at most ten names.
std::string list_names(const char* what, std::span<const std::string> names) {
  constexpr std::size_t kShown = 10;
  const std::span<const std::string> shown = names.first(std::min(names.size(), kShown));
  return fmt::format("{} {} ({}{})", names.size(), what, fmt::join(shown, ", "),
                     names.size() > kShown ? ", ..." : "");
}

const Architecture& choose_architecture(const std::string& requested, const Traits& traits,
                                        const TensorSource& tensors) {
  const Architecture* inferred = infer_architecture(traits);
  if (requested.empty()) {
    if (inferred == nullptr) {
      tensors.fail(fmt::format("{} are of no known architecture ({}); known are {}",
                               list_names("tensors", tensors.names()), traits.text(),
                               fmt::join(known_architectures(), ", ")));
    }
    return *inferred;
  }
  const Architecture& named = architecture_by_name(requested);
  if (inferred != nullptr && !fits(named, traits)) {
    tensors.fail(
        fmt::format("the tensors are of {} ({}), not of {}", inferred->name, traits.text(), named.name));
  }
  return named;
}

void refuse_mismatch(const BuildReport& report, const Traits& traits, const TensorSource& tensors) {
  std::vector<std::string> lists;
  if (!report.missing.empty()) lists.push_back(list_names("missing", report.missing));
  if (!report.unexpected.empty()) lists.push_back(list_names("unexpected", report.unexpected));
  if (lists.empty()) return;
  tensors.fail(fmt::format(
      "the tensors do not fit {}: {}; they look like {}: save them under its names, or take zeros "
      "for what is missing and leave out the rest (--allow-partial)",
      report.arch, fmt::join(lists, ", "), traits.text()));
}

void assemble(const Architecture& architecture, TensorSource& tensors, Network& network, bool folded) {
  Assembly assembly(tensors, network, folded);
  if (architecture.family == Family::resnet) {
    assemble_resnet(architecture, assembly);
  } else {
    assemble_sequential(architecture, assembly, tensors);
  }
}

}  // namespace

const std::vector<std::string>& known_architectures() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const Architecture& architecture : architectures()) result.push_back(architecture.name);
    return result;
  }();
  return names;
}

Network build_network(const Checkpoint& checkpoint, const BuildOptions& options, const std::string& file,
                      BuildReport* report, ValueShape input) {
  TensorSource tensors(checkpoint, file);
  const std::optional<FoldedHeader> header = read_folded_header(checkpoint, file);
  if (header && !options.arch.empty() && options.arch != header->arch) {
    tensors.fail(fmt::format("was converted as {}, not as {}", header->arch, options.arch));
  }
  const Traits traits = read_traits(tensors);
  const Architecture& architecture =
      choose_architecture(header ? header->arch : options.arch, traits, tensors);

  Network network;
  network.arch = architecture.name;
  network.input = input;
  assemble(architecture, tensors, network, header.has_value());
  const std::optional<Normalization>& stored = header ? header->normalization : checkpoint.normalization;

  BuildReport found;
  found.normalization_source = choose_normalization(options.normalization, stored, file, network);
  found.arch = architecture.name;
  found.checkpoint_parameters = header ? header->checkpoint_parameters : tensors.parameters();
  found.missing = tensors.missing();
  found.unexpected = tensors.unexpected();
  found.filled_in = found.missing.size() + static_cast<std::size_t>(header ? header->filled_in : 0);
  found.left_out = found.unexpected.size() + static_cast<std::size_t>(header ? header->left_out : 0);
  if (report != nullptr) *report = found;
  if (tensors.parameters() == 0) tensors.fail("holds no tensor of " + architecture.name);
  if (!options.allow_partial) refuse_mismatch(found, traits, tensors);
  return network;
}

}  // namespace backdrop
