// The dense path's batches as CUDA graphs, over the emulated runtime, which keeps what is captured and runs
// it when the graph is launched.
#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/cuda_graph.h"
#include "engine/cuda_memory.h"
#include "engine/cuda_stream.h"
#include "engine/engine.h"
#include "engine/profile_report.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"

namespace backdrop {
namespace {

using test::GraphTrouble;
using test::kClasses;

constexpr GraphTrouble kTroubles[] = {GraphTrouble::at_begin, GraphTrouble::at_capture,
                                      GraphTrouble::at_instantiation, GraphTrouble::at_launch};

class Graphs : public ::testing::Test {
 protected:
  Graphs() {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
    test::take_graph_launches();
  }
  ~Graphs() override {
    test::trouble_graphs(GraphTrouble::none);
    test::offer_cudnn(false);
    EXPECT_EQ(test::graphs_in_use(), 0);
  }

  // The logits of a dense search, and how many graphs were launched.
  std::vector<std::vector<float>> search(Precision precision, GraphTrouble trouble) {
    test::trouble_graphs(trouble);
    EngineOptions options;
    options.reuse = false;
    options.precision = precision;
    options.batch = 3;
    options.threads = 1;
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    test::Scene scene(13, 5, kClasses, 4);
    test::take_graph_launches();
    scene.run(*engine);
    launches = test::take_graph_launches();
    return scene.logits;
  }

  std::shared_ptr<const Network> network = test::random_residual_network(13, 4);
  int launches = 0;
};

TEST_F(Graphs, ChangeNoBit) {
  for (const Precision precision : {Precision::fp32, Precision::fp16, Precision::int8}) {
    for (const bool cudnn : {false, true}) {
      if (cudnn && precision != Precision::fp32) continue;
      SCOPED_TRACE(::testing::Message() << name(precision) << ", cuDNN " << cudnn);
      test::offer_cudnn(cudnn);
      const auto expected = search(precision, GraphTrouble::at_begin);
      EXPECT_EQ(launches, 0);
      EXPECT_EQ(search(precision, GraphTrouble::none), expected);
      EXPECT_GT(launches, 0);
    }
  }
}

TEST_F(Graphs, AreDoneWithoutWhereTheyFail) {
  const auto expected = search(Precision::fp32, GraphTrouble::none);
  for (const GraphTrouble trouble : kTroubles) {
    EXPECT_EQ(search(Precision::fp32, trouble), expected);
    EXPECT_EQ(launches, 0);
  }
}

TEST_F(Graphs, LeaveProfilesTheirLayers) {
  EngineOptions options;
  options.reuse = false;
  options.batch = 3;
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  test::Scene scene(13, 5, kClasses, 4);
  const SearchTimes times =
      ProfiledSearch(*engine, *network, scene.tasks(), scene.backgrounds, MachinePeak{1e9, {1e9}}).run();
  EXPECT_EQ(test::take_graph_launches(), 0);
  EXPECT_GT(times.layers.front().seconds, 0);
}

// What CudaGraphs does with some work, counted.
struct Counted {
  CudaStream stream;
  DeviceBuffer memory{16};
  CudaGraphs graphs;
  int enqueued = 0;

  void run(int rows) {
    graphs.run(rows, stream, [&] {
      ++enqueued;
      check_cuda(cudaMemsetAsync(memory.data(), rows, 1, stream), "testing");
    });
  }
};

TEST_F(Graphs, AreCapturedTheSecondTime) {
  Counted work;
  for (int i = 0; i < 5; ++i) {
    work.run(7);
    EXPECT_EQ(std::to_integer<int>(*work.memory.data()), 7);
    work.run(8);
    EXPECT_EQ(std::to_integer<int>(*work.memory.data()), 8);
    EXPECT_EQ(work.enqueued, i == 0 ? 2 : 4);
  }
  EXPECT_EQ(test::take_graph_launches(), 8);
  EXPECT_EQ(test::graphs_in_use(), 2);
}

TEST_F(Graphs, AreForFewRowsAndNotMany) {
  Counted work;
  for (int i = 0; i < 3; ++i) work.run(CudaGraphs::kMostRows + 1);
  EXPECT_EQ(work.enqueued, 3);
  for (int i = 0; i < 3; ++i) work.run(CudaGraphs::kMostRows);
  EXPECT_EQ(work.enqueued, 5);
  for (int rows = 1; rows <= 100; ++rows)
    for (int i = 0; i < 3; ++i) work.run(rows);
  EXPECT_EQ(test::graphs_in_use(), static_cast<int>(CudaGraphs::kMostGraphs));
}

TEST_F(Graphs, AreTriedOnceWhereTheyFail) {
  for (const GraphTrouble trouble : kTroubles) {
    test::trouble_graphs(trouble);
    Counted work;
    for (int i = 0; i < 4; ++i) {
      work.run(2);
      EXPECT_EQ(std::to_integer<int>(*work.memory.data()), 2);
      cudaMemset(work.memory.data(), 0, 1);
    }
    // Captured in vain, unless the capture did not begin.
    EXPECT_EQ(work.enqueued, trouble == GraphTrouble::at_begin ? 4 : 5);
    EXPECT_EQ(test::take_graph_launches(), 0);
  }
}

TEST_F(Graphs, DoNotSwallowWhatIsThrown) {
  CudaStream stream;
  CudaGraphs graphs;
  const auto fail = [] { throw std::runtime_error("no"); };
  EXPECT_THROW(graphs.run(1, stream, fail), std::runtime_error);
  EXPECT_THROW(graphs.run(1, stream, fail), std::runtime_error);
  // What waits cannot be captured, and is done all the same.
  CudaGraphs others;
  for (int i = 0; i < 3; ++i) others.run(1, stream, [&] { stream.synchronize(); });
  EXPECT_EQ(test::take_graph_launches(), 0);
}

}  // namespace
}  // namespace backdrop
