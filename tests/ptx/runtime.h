/// \file
/// CUDA's runtime over a GPU that runs PTX on the CPU: programs that nvcc made start their kernels on it
/// without knowing. Streams are worked off as late as they may be, or in random order among each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace backdrop::ptx {

/// When work that was given to a stream is done.
enum class Timing {
  at_once,  ///< when it is given
  late,     ///< when somebody waits for it
  random    ///< in between, whatever stream comes first
};

struct Device {
  int capability = 90;                        ///< 80 or 90
  std::size_t memory = std::size_t{1} << 30;  ///< bytes
  Timing timing = Timing::late;
  std::uint32_t seed = 1;        ///< of random orders: of warps, and of streams
  std::string without = "";      ///< kernels leave out this instruction: its name, or how it begins
  int occurrence = 0;            ///< and of all that are called so, the one with this number, from 0 on
  bool counts_launches = false;  ///< time is the number of kernels that ran, and not of their instructions
};

class TrafficCounter;

/// From now on; nothing may be allocated or under way.
void use_device(const Device& device);

/// How many instructions of this name the kernel has that was started last.
int count_in_last_kernel(const std::string& name);

/// Where the accesses of kernels are counted from now on (traffic.h); null: nowhere.
void count_traffic(TrafficCounter* counter);

/// How many graphs were launched since the last call. What they hold goes to the stream as if it were given
/// one by one.
int take_graph_launches();

/// What kernels and copies did that they may not, since the last call.
std::vector<std::string> take_faults();

}  // namespace backdrop::ptx
