/// \file
/// A CUDA runtime on the CPU, just wide enough for the GPU engine: memory is host memory, streams do
/// everything at once (but what is captured, when its graph is launched), kernels run through
/// tests/cuda/emulated_tile.h. With it the engine's own logic is tested where there is no GPU; what it cannot
/// show is anything about concurrency, speed or the hardware.
///
/// It may be used from many threads, each with a current GPU of its own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace backdrop::test {

/// Memory that may be taken of each GPU; what is in use now, of all.
void limit_device_memory(std::size_t bytes);
std::size_t device_memory_in_use();

/// How many GPUs cudaGetDeviceCount finds, at most 8, and their compute capability, times ten. Makes the
/// first one this thread's.
void show_devices(int count, int capability = 90);

/// Lets a GPU start so many more kernels and none after that; -1: it works.
void break_device(int index, int kernels);

/// Calls so far with the memory, a stream, an event or a graph of another GPU than the thread's current one.
/// They are errors, or where it is a destructor's call, done all the same.
int misplaced_calls();

/// Whether the device has the shared memory for the bottleneck kernel. Emulated time is the number of
/// convolutions started, in milliseconds, so that what is fused is the faster; those by wgmma (on compute
/// capability 9.0) count half, those by clusters a quarter.
void allow_bottlenecks(bool allowed);
/// Whether products by wgmma are wrong, bottlenecks, or what cuDNN computes.
void break_other_products(bool broken);
void break_bottlenecks(bool broken);
void break_cudnn(bool broken);
/// Peak loops by wgmma that were started since the last call.
int take_warpgroup_loops();
/// Whether the device has no room for clusters.
void refuse_clusters(bool refused);

/// What goes wrong with graphs.
enum class GraphTrouble { none, at_begin, at_capture, at_instantiation, at_launch };
void trouble_graphs(GraphTrouble trouble);
/// Graphs launched since the last call; those that exist.
int take_graph_launches();
int graphs_in_use();

/// Whether there is a cuDNN. It computes in fp32 alone and has three ways: one much slower than our
/// kernels, and two in half of their time, of which it may refuse the first when it should run. Whatever it
/// refuses leaves an error of CUDA.
void offer_cudnn(bool offered, bool refuses = false);
/// Convolutions that it ran since the last call.
int take_cudnn_runs();
/// Fusions for which it was asked what ways there are, since the last call.
int take_cudnn_questions();
/// How many times something was timed since the last call.
int take_timings();
/// cudaProfilerStart and cudaProfilerStop since the last call, each with the GPU of the thread that made it
/// and the composites decided on that GPU until then: "GPU 0: start 14", "GPU 0: stop 21".
std::vector<std::string> take_profiler_calls();

/// As if so many more convolutions were, on this thread's GPU.
void pass_time(int convolutions);
/// The time that has passed on a GPU.
int device_milliseconds(int index);

}  // namespace backdrop::test
