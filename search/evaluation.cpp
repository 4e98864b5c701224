// Classifies the photos of a variation, a few hundred at a time so that memory does not grow with the folder.
#include "search/evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <sstream>
#include <utility>

#include "backdrop/error.h"
#include "core/hash.h"
#include "engine/decision_writer.h"
#include "loaders/dataset.h"
#include "search/pair_matrix.h"

namespace backdrop {
namespace {

/// The variations in the order and with the names of the published tables.
constexpr std::array<std::pair<const char*, const char*>, 8> kPublished = {{{"original", "Original"},
                                                                            {"only_bg_b", "Only-BG-B"},
                                                                            {"only_bg_t", "Only-BG-T"},
                                                                            {"no_fg", "No-FG"},
                                                                            {"only_fg", "Only-FG"},
                                                                            {"mixed_same", "Mixed-Same"},
                                                                            {"mixed_rand", "Mixed-Rand"},
                                                                            {"mixed_next", "Mixed-Next"}}};

std::vector<std::string> published_order() {
  std::vector<std::string> folders;
  for (const auto& [folder, name] : kPublished) folders.push_back(folder);
  return folders;
}

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Throws failed if a logit is not a number.
int count_correct(std::span<const float> logits, std::span<const Sample> samples, const ClassMap& map) {
  const std::size_t classes = logits.size() / samples.size();
  int correct = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto predicted = predicted_class(logits.subspan(i * classes, classes));
    if (!predicted) throw not_a_number("", samples[i].path.string());
    correct += is_correct(map, *predicted, samples[i].label);
  }
  return correct;
}

/// A line for each photo: its class by name, its pixels and its own name.
void add_photos(Sha256& hash, std::span<const Sample> samples, const std::vector<Image>& images,
                ThreadPool& pool) {
  std::vector<std::string> lines(samples.size());
  pool.run(samples.size(), [&](std::size_t i, int) {
    const std::filesystem::path& path = samples[i].path;
    const std::vector<std::uint8_t>& pixels = images[i].pixels;
    lines[i] = fmt::format("{} {} {}\n", path.parent_path().filename().string(),
                           sha256_of(pixels.data(), pixels.size()), path.filename().string());
  });
  for (const std::string& line : lines) hash.update(line.data(), line.size());
}

}  // namespace

std::string display_name(const std::string& variation) {
  for (const auto& [folder, name] : kPublished)
    if (folder == variation) return name;
  return variation;
}

const VariationResult* find_result(const std::vector<VariationResult>& results,
                                   const std::string& variation) {
  const auto found =
      std::find_if(results.begin(), results.end(),
                   [&variation](const VariationResult& result) { return result.variation == variation; });
  return found == results.end() ? nullptr : &*found;
}

std::vector<std::string> select_variations(const std::filesystem::path& root, const std::string& selection) {
  std::vector<std::string> asked = split_commas(selection);
  for (std::string& name : asked)  // "Mixed-Rand", as tables have it, is mixed_rand
    for (const auto& [folder, published] : kPublished)
      if (name == published) name = folder;
  const std::vector<std::string> known = published_order();
  if (asked.empty())
    throw Error(ErrorCode::usage,
                fmt::format("no variation is named: choose of {}, or all", fmt::join(known, ", ")));
  const bool all = asked.size() == 1 && asked[0] == "all";
  for (const std::string& name : asked)
    if (!all && !contains(known, name))
      throw Error(ErrorCode::usage, fmt::format("'{}' is no variation of IN-9: choose of {}, or all", name,
                                                fmt::join(known, ", ")));
  std::error_code error;
  if (!std::filesystem::is_directory(root, error))
    throw Error(ErrorCode::bad_input, "no such data folder", root.string());
  std::vector<std::string> selected;
  for (const std::string& name : known) {
    if (all ? !has_variation(root, name) : !contains(asked, name)) continue;
    if (!has_variation(root, name))
      throw Error(ErrorCode::bad_input,
                  fmt::format("has no folder {}/val{}", name, data_root_hint(root, name)), root.string());
    selected.push_back(name);
  }
  if (selected.empty())
    throw Error(ErrorCode::bad_input,
                fmt::format("holds no variation of IN-9 ({}){}", fmt::join(known, ", "),
                            data_root_hint(root, known.front())),
                root.string());
  check_class_names(root);
  return selected;
}

VariationResult evaluate_variation(Engine& engine, const ClassMap& map, const std::filesystem::path& root,
                                   const std::string& variation, ThreadPool& pool,
                                   const EvaluationHooks& hooks) {
  std::vector<std::string> notes;
  const std::vector<Sample> samples = list_samples(root, variation, &notes);
  if (hooks.note)
    for (const std::string& line : notes) hooks.note(line);
  if (samples.empty())
    throw Error(ErrorCode::bad_input, "holds no photos", (root / variation / "val").string());
  const std::size_t fill = static_cast<std::size_t>(std::max(1, engine.batch())) *
                           static_cast<std::size_t>(std::max(1, engine.threads()));
  const std::size_t portion = std::clamp<std::size_t>(fill, 32, 1024);
  VariationResult result{variation, static_cast<int>(samples.size()), 0};
  std::vector<float> logits;
  Sha256 hash;
  for (std::size_t begin = 0; begin < samples.size(); begin += portion) {
    if (hooks.stop && hooks.stop()) throw Error(ErrorCode::interrupted, "interrupted");
    const auto some = std::span(samples).subspan(begin, std::min(portion, samples.size() - begin));
    std::vector<std::filesystem::path> paths;
    for (const Sample& sample : some) paths.push_back(sample.path);
    const std::vector<Image> images = read_images(paths, pool);
    add_photos(hash, some, images, pool);
    logits.resize(images.size() * static_cast<std::size_t>(engine.classes()));
    engine.classify_images(images, logits.data());
    result.correct += count_correct(logits, some, map);
    if (hooks.progress) hooks.progress(variation, begin + some.size(), samples.size());
  }
  result.sha256 = hash.hex();
  return result;
}

std::vector<VariationResult> merge_results(const std::vector<VariationResult>& earlier,
                                           const std::vector<VariationResult>& added) {
  std::vector<VariationResult> merged;
  for (const std::string& variation : published_order()) {
    const VariationResult* result = find_result(added, variation);
    if (result == nullptr) result = find_result(earlier, variation);
    if (result != nullptr) merged.push_back(*result);
  }
  return merged;
}

std::optional<double> accuracy_on(const std::vector<VariationResult>& results, const std::string& variation) {
  const VariationResult* result = find_result(results, variation);
  if (result == nullptr || result->images == 0) return std::nullopt;
  return result->accuracy();
}

std::optional<double> background_gap(const std::vector<VariationResult>& results) {
  const auto same = accuracy_on(results, "mixed_same");
  const auto random = accuracy_on(results, "mixed_rand");
  if (!same || !random) return std::nullopt;
  return *same - *random;
}

}  // namespace backdrop
