// Searches end to end, all threads, on the drawn demo data and the demo's network: reading the data, finding
// the vulnerable foregrounds in each order and precision, writing the result folder. Margins are compared
// with those of oneDNN's dense path, and vulnerable foregrounds with those of all pairs, before a clock runs.
// Below fp32 calibration is on the clock.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "bench/suites/suite.h"
#include "core/parallel.h"
#include "kernels/dot_convolution.h"
#include "loaders/checkpoint.h"
#include "loaders/demo_data.h"
#include "models/build.h"
#include "search/result_folder.h"
#include "search/runner.h"
#include "search/statistics.h"
#include "tests/temporary_folder.h"

namespace backdrop::suite {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoint = BACKDROP_SOURCE_DIR "/models/demo/demo-resnet18.pt";
constexpr int kImagesPerClass = 4;

/// What all benchmarks search: made once.
struct Scene {
  testing::TemporaryFolder folder;
  ThreadPool pool;
  ChallengeInput input;
  std::shared_ptr<const Network> network;
  ClassMap map;
  SearchResult all_pairs;  // by oneDNN

  Scene() {
    write_demo_data(folder.path / "data", {.images_per_class = kImagesPerClass});
    input = load_challenge_input(folder.path / "data", pool);
    network = std::make_shared<const Network>(build_network(load_checkpoint(kCheckpoint), {}, kCheckpoint));
    for (int label = 0; label < network->classes(); ++label) map.in9.push_back(label);
    const auto engine = make_cpu_engine(network, map, {.onednn = true});
    all_pairs = search(*engine, "all", {});
  }

  SearchResult search(Engine& engine, const std::string& order, const SearchHooks& hooks) const {
    prepare_engine(engine, input);
    const PlanShape shape = plan_shape(engine, input);
    const auto plan = order == "all" ? plan_all_pairs(shape)
                      : order == "plain"
                          ? plan_first_fooling(shape)
                          : plan_adaptive(shape, input.foreground_labels(), input.background_labels());
    return run_search(engine, input, map, *plan, shape, hooks);
  }

  int vulnerable(const SearchResult& result) const {
    return compute_statistics(result.pairs, input, map).total.vulnerable;
  }
};

const Scene& scene() {
  static const Scene the_scene;
  return the_scene;
}

/// Below fp32 margins are the fast precision's, the predictions fp32's.
bool check_answer(benchmark::State& state, const SearchResult& result, const std::string& order,
                  Precision precision) {
  const SearchResult& expected = scene().all_pairs;
  if (scene().vulnerable(result) != scene().vulnerable(expected) ||
      (order == "all" && result.pairs.predictions != expected.pairs.predictions)) {
    refuse(state, "the answer differs from oneDNN's: nothing to time");
    return false;
  }
  return order != "all" || precision != Precision::fp32 ||
         check(state, result.pairs.margins, expected.pairs.margins, 1e-3f);
}

void find_vulnerable(benchmark::State& state, const std::string& order, Precision precision) {
  const auto engine = make_cpu_engine(scene().network, scene().map, {.precision = precision});
  SearchResult result = scene().search(*engine, order, {});
  if (!check_answer(state, result, order, precision)) return;
  std::size_t evaluated = 0;
  for (auto _ : state) {
    result = scene().search(*engine, order, {});
    evaluated += result.evaluated;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(evaluated));
  state.counters["pairs"] = static_cast<double>(result.evaluated);
}

/// The same with a journal, matrices and a commit: everything on the device.
void keep_results(benchmark::State& state) {
  const auto engine = make_cpu_engine(scene().network, scene().map, {});
  const fs::path out = scene().folder.path / "results";
  std::int64_t evaluated = 0;
  for (auto _ : state) {
    ResultFolder folder(out, ResultFolder::Existing::replace);
    SearchHooks hooks;
    prepare_engine(*engine, scene().input);
    hooks.journal = &folder.begin({{"suite", "search"}}, plan_shape(*engine, scene().input));
    const SearchResult result = scene().search(*engine, "all", hooks);
    evaluated += static_cast<std::int64_t>(result.evaluated);
    folder.write_answers(result.pairs);
    folder.write("run.json", "{}\n");
    folder.commit();
  }
  state.SetItemsProcessed(evaluated);
}

void read_data(benchmark::State& state) {
  ThreadPool pool;
  const auto read = [&pool] { return load_challenge_input(scene().folder.path / "data", pool); };
  if (manifest_sha256(read(), pool) != manifest_sha256(scene().input, pool)) {
    refuse(state, "other pixels than before: nothing to time");
    return;
  }
  std::int64_t photos = 0;
  for (auto _ : state) {
    const ChallengeInput input = read();
    photos += static_cast<std::int64_t>(input.foregrounds.size() + input.background_names.size());
  }
  state.SetItemsProcessed(photos);
}

void register_all() {
  const auto add = [](const std::string& name, auto function, auto... arguments) {
    benchmark::RegisterBenchmark(name.c_str(), function, arguments...)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  add("read_data", read_data);
  for (const char* order : {"all", "plain", "adaptive"})
    add(fmt::format("search/{}/fp32", order), find_vulnerable, std::string(order), Precision::fp32);
  for (const Precision precision : {Precision::bf16, Precision::int16, Precision::int8})
    if (kernels::has_dot_instructions(precision))
      add(fmt::format("search/all/{}", name(precision)), find_vulnerable, std::string("all"), precision);
  add("search/all/fp32/kept", keep_results);
}

}  // namespace
}  // namespace backdrop::suite

int main(int argc, char** argv) {
  backdrop::suite::register_all();
  return backdrop::suite::run(argc, argv);
}
