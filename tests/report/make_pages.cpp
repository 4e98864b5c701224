// Writes pages of made-up runs for the checks: as large as the published challenge, stopped early, of hostile
// names, and empty.
//
//   make_pages FOLDER
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include "core/durable_file.h"
#include "loaders/class_map.h"
#include "report/run_page.h"
#include "report/run_summary.h"

namespace backdrop {
namespace {

constexpr int kClasses = 9;
constexpr int kWithPixels = 100;  // photos that have pixels, and are the ones that are pictured

/// The same numbers on every machine.
class Noise {
 public:
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33);
  }

 private:
  std::uint64_t state_ = 1;
};

/// Noise is the largest that a photo can be as a JPEG.
Image noisy_photo(Noise& noise) {
  Image image{kImageSize, kImageSize, {}};
  for (int i = 0; i < kImageSize * kImageSize * 3; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(noise.next()));
  return image;
}

Mask round_mask() {
  Mask mask{kImageSize, kImageSize, {}};
  for (int y = 0; y < kImageSize; ++y)
    for (int x = 0; x < kImageSize; ++x)
      mask.values.push_back((y - 112) * (y - 112) + (x - 112) * (x - 112) < 60 * 60 ? 1 : 0);
  return mask;
}

struct MadeUpRun {
  RunRecord record;
  ChallengeInput input;
  PairMatrix pairs;
  ClassMap map;
  std::vector<VariationResult> evaluation;

  std::string page() const {
    const ChallengeStatistics statistics =
        compute_statistics(pairs, input.foreground_labels(), input.background_labels(), map,
                           static_cast<int>(input.classes.size()));
    const std::string json = run_json(record, input, statistics);
    return report_page({record, json, input, statistics, pairs, map, evaluation});
  }
};

ChallengeInput made_up_input(int foregrounds, int backgrounds, const std::string& name) {
  Noise noise;
  ChallengeInput input;
  for (int c = 0; c < kClasses; ++c) input.classes.push_back(fmt::format("0{}_class {}{}", c, c, name));
  const Mask mask = round_mask();
  for (int f = 0; f < foregrounds; ++f) {
    const bool pictured = f < kWithPixels || f >= foregrounds - kWithPixels;  // fragile ones and robust ones
    input.foregrounds.push_back({fmt::format("foreground_{}{}.JPEG", f, name), f % kClasses,
                                 pictured ? noisy_photo(noise) : Image{}, pictured ? mask : Mask{}});
  }
  std::vector<Image> images;
  for (int b = 0; b < backgrounds; ++b) {
    images.push_back(b < kWithPixels ? noisy_photo(noise) : Image{});
    input.background_names.push_back({fmt::format("background_{}{}.JPEG", b, name), b % kClasses});
  }
  input.backgrounds = std::make_shared<const std::vector<Image>>(std::move(images));
  return input;
}

/// The first photos fool and are fooled most, so that those with pixels are the ones that are pictured.
MadeUpRun made_up_run(int foregrounds, int backgrounds, const std::string& name = "") {
  MadeUpRun run;
  run.input = made_up_input(foregrounds, backgrounds, name);
  run.pairs = PairMatrix(foregrounds, backgrounds);
  run.map = default_class_map(kClasses);
  Noise noise;
  for (int f = 0; f < foregrounds; ++f)
    for (int b = 0; b < backgrounds; ++b) {
      const std::size_t pair = run.pairs.index(f, b);
      const float ease = 14.0f * static_cast<float>(f) / static_cast<float>(foregrounds) +
                         4.0f * static_cast<float>(b) / static_cast<float>(backgrounds);
      const float margin = ease - 6.0f + 8.0f * static_cast<float>(noise.next() % 1024) / 1024.0f;
      const int own = f % kClasses;
      run.pairs.margins[pair] = margin;
      run.pairs.predictions[pair] = static_cast<std::int16_t>(
          margin >= 0 ? own : (own + 1 + static_cast<int>(noise.next()) % (kClasses - 1)) % kClasses);
    }
  run.record.model = {.file = "resnet50" + name + ".pt",
                      .sha256 = std::string(64, 'a'),
                      .format = "pytorch-zip",
                      .arch = "resnet50" + name,
                      .classes = kClasses,
                      .parameters = 25'557'032,
                      .macs = 4'089'184'256,
                      .normalization = {},
                      .normalization_source = "in9"};
  run.record.data_path = "bg_challenge" + name;
  run.record.data_sha256 = std::string(64, 'b');
  run.record.options.mode = "all";
  run.record.engine = {.device = "cpu", .description = "made up", .ranks = {}};
  run.record.versions = {{"backdrop", "0.1.0" + name}};
  run.record.evaluated = run.record.recorded = run.pairs.predictions.size();
  for (const char* variation : {"original", "mixed_same", "mixed_rand", "only_bg_t"})
    run.evaluation.push_back({variation, 4050, 3800});
  return run;
}

/// As --mode first with a budget leaves it.
void stop_early(MadeUpRun& run) {
  run.record.options.mode = "first";
  run.record.options.order = "adaptive";
  run.record.complete = false;
  run.evaluation.clear();
  for (int f = 0; f < run.pairs.foregrounds; ++f) {
    bool fooled = false;
    for (int b = 0; b < run.pairs.backgrounds; ++b) {
      const std::size_t pair = run.pairs.index(f, b);
      if (fooled || b > run.pairs.backgrounds / 2) {
        run.pairs.predictions[pair] = -1;
        run.pairs.margins[pair] = std::numeric_limits<float>::quiet_NaN();
      } else {
        fooled = run.pairs.predictions[pair] != f % kClasses;
      }
    }
  }
}

// Markup, addresses, quotes, a control character, a change of direction and bytes that are not UTF-8.
const std::string kHostile =
    "\"'><script>alert(1)</script><img "
    "src=https://example.org/x>&lt;\x01\xE2\x80\xAE\xFF\xC0\xAF|\n</style></title>";

RunSummary made_up_summary(const std::string& name, std::optional<double> accuracy) {
  RunSummary run;
  run.folder = "runs/" + name;
  run.arch = "resnet50" + name;
  run.checkpoint = name + ".pt";
  run.checkpoint_sha256 = std::string(64, 'a');
  run.data_sha256 = name;
  run.challenge_accuracy = accuracy;
  run.is_bound = name == "early";
  if (accuracy) run.vulnerable = 100;
  for (int c = 0; c < kClasses; ++c) run.classes.emplace_back(fmt::format("0{}_class{}", c, name), accuracy);
  run.evaluation = {{"original", 4050, 3900}, {"mixed_same", 4050, 3800}, {"mixed_rand", 4050, 3100}};
  return run;
}

void write_pages(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_durable_file(folder / "large.html", made_up_run(4050, 4050).page());
  MadeUpRun early = made_up_run(90, 90);
  stop_early(early);
  write_durable_file(folder / "early.html", early.page());
  const MadeUpRun hostile = made_up_run(18, 18, kHostile);
  write_durable_file(folder / "hostile.html", hostile.page());
  MadeUpRun empty = made_up_run(9, 9);
  empty.pairs = PairMatrix(9, 9);
  for (std::size_t pair = 0; pair < 81; ++pair) {
    empty.pairs.predictions[pair] = -1;
    empty.pairs.margins[pair] = std::numeric_limits<float>::quiet_NaN();
  }
  write_durable_file(folder / "empty.html", empty.page());
  write_durable_file(folder / "comparison.html",
                     comparison_page({made_up_summary("one", 0.7), made_up_summary("early", 0.5),
                                      made_up_summary(kHostile, {}), RunSummary{}}));
}

}  // namespace
}  // namespace backdrop

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: make_pages FOLDER\n");
    return 2;
  }
  try {
    backdrop::write_pages(argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "make_pages: {}\n", error.what());
    return 1;
  }
  return 0;
}
