// Whole networks on composites, all threads: with exact reuse, without, and oneDNN's dense path. The logits
// of one composite are compared with the plain reference loops' first. An iteration searches eight
// foregrounds on sixteen backgrounds: filling the cache is inside, as in a search.
#include <fmt/format.h>

#include <memory>
#include <numeric>

#include "bench/suites/suite.h"
#include "core/parallel.h"
#include "engine/engine.h"
#include "models/build.h"
#include "tests/models/synthetic.h"

namespace backdrop::suite {
namespace {

constexpr int kSize = 224;
constexpr int kForegrounds = 8;
constexpr int kBackgrounds = 16;

/// Photos of noise, and discs that cover a fifth of them as masks.
struct Scene {
  std::vector<Image> photos;
  std::shared_ptr<std::vector<Image>> backgrounds = std::make_shared<std::vector<Image>>();
  Mask mask{kSize, kSize, std::vector<std::uint8_t>(std::size_t{kSize} * kSize)};
  std::vector<int> indices = std::vector<int>(kBackgrounds);
  std::vector<float> logits;
  std::vector<CompositeTask> tasks;

  explicit Scene(int classes) : logits(std::size_t{kForegrounds} * kBackgrounds * classes) {
    std::mt19937 generator(1);
    const auto noise = [&] {
      Image image{kSize, kSize, std::vector<std::uint8_t>(std::size_t{kSize} * kSize * 3)};
      for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(generator());
      return image;
    };
    for (int f = 0; f < kForegrounds; ++f) photos.push_back(noise());
    for (int b = 0; b < kBackgrounds; ++b) backgrounds->push_back(noise());
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        const int dy = 2 * y - kSize;
        const int dx = 2 * x - kSize;
        mask.values[std::size_t(y) * kSize + x] = dy * dy + dx * dx < kSize * kSize / 4 ? 1 : 0;
      }
    std::iota(indices.begin(), indices.end(), 0);
    for (int f = 0; f < kForegrounds; ++f)
      tasks.push_back({.foreground = &photos[f],
                       .mask = &mask,
                       .backgrounds = indices,
                       .logits = logits.data() + std::size_t(f) * kBackgrounds * classes});
  }
};

std::shared_ptr<const Network> load(const std::string& arch) {
  return std::make_shared<const Network>(build_network(full_size_checkpoint(arch), {.arch = arch}, arch));
}

/// The first composite's logits by the plain loops.
std::vector<float> expected_logits(const std::shared_ptr<const Network>& network, const ClassMap& map) {
  Scene scene(network->classes());
  const auto engine = make_cpu_engine(network, map, {.reference = true});
  engine->set_backgrounds(scene.backgrounds);
  CompositeTask one = scene.tasks.front();
  one.backgrounds = one.backgrounds.first(1);
  engine->classify_composites({&one, 1});
  return {scene.logits.begin(), scene.logits.begin() + network->classes()};
}

void search(benchmark::State& state, const std::string& arch, const EngineOptions& options) {
  const auto network = load(arch);
  ClassMap map;
  map.in9.assign(static_cast<std::size_t>(network->classes()), 0);
  Scene scene(network->classes());
  const auto engine = make_cpu_engine(network, map, options);
  const auto run = [&] {
    engine->set_backgrounds(scene.backgrounds);
    engine->classify_composites(scene.tasks);
  };
  run();
  if (!check(state, std::span(scene.logits).first(static_cast<std::size_t>(network->classes())),
             expected_logits(network, map), 1e-3f))
    return;
  const std::int64_t before = engine->multiply_adds();
  for (auto _ : state) run();
  const double done = static_cast<double>(engine->multiply_adds() - before);
  state.SetItemsProcessed(state.iterations() * kForegrounds * kBackgrounds);
  count_multiply_adds(state, done / static_cast<double>(state.iterations()), peak_of(engine->threads()));
}

void register_all() {
  struct Path {
    const char* name;
    EngineOptions options;
  };
  const Path paths[] = {{"reuse", {}}, {"every_position", {.reuse = false}}, {"onednn", {.onednn = true}}};
  for (const char* arch : {"resnet18", "resnet50", "resnext50_32x4d", "vgg16_bn", "alexnet"})
    for (const auto& [path, options] : paths)
      benchmark::RegisterBenchmark(fmt::format("search/{}/{}", arch, path).c_str(), search, arch, options)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
}

}  // namespace
}  // namespace backdrop::suite

int main(int argc, char** argv) {
  backdrop::suite::peak_of(backdrop::available_threads());
  backdrop::suite::register_all();
  return backdrop::suite::run(argc, argv);
}
