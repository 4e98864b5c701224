/// \file
/// Kernels as nvcc's PTX describes them, ready to be run one instruction after the other on the CPU.
///
/// Source: "Parallel Thread Execution ISA", version 9.0. What our kernels use is there, nothing else: an
/// unknown instruction is an error that names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace backdrop::ptx {

class Warp;
struct Instruction;

/// What is wrong with a program, or with what it does: out of bounds, a race, a barrier that not all reach.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Executes an instruction for those lanes of a warp whose bits are set.
using Action = void (*)(Warp& warp, const Instruction& instruction, std::uint32_t lanes);

struct Address {
  int base;  // a register
  std::int64_t offset;
};

enum class Space { none, global, shared, local, param };

/// What leaves the straight line, or the warp.
enum class Flow { next, branch, leave, barrier, wait };

/// Operands are registers all of them: constants, the addresses of variables and %tid and its like lie in
/// registers that are filled before a warp starts.
struct Instruction {
  std::string name;  // "add.s32", with everything behind the dots
  Action action = nullptr;
  Flow flow = Flow::next;
  bool aligned = false;     // all lanes of the warp must execute it together
  bool is_product = false;  // of a warpgroup
  int guard = -1;           // the predicate's register
  bool guard_negated = false;
  std::vector<int> operands;  // those in braces one by one
  int results = 0;            // how many of them the first operand has
  std::vector<Address> addresses;
  std::string label;  // of a branch
  int target = -1;
  Space space = Space::none;  // of loads and stores; so are the following
  int elements = 1;
  int element_bytes = 0;
  bool is_signed = false;
  std::uint32_t used_bytes = ~0u;  // of a load: what is looked at later
  std::string line;                // of the source: "kernels/cuda_tile.h:12"
};

enum class Special {
  thread,
  block,
  threads,
  blocks,
  lane,
  warp,
  cluster_rank,    // of the block in its cluster
  cluster_blocks,  // of each cluster
  cluster,
  clusters
};

struct Kernel {
  struct Parameter {
    std::string name;
    std::size_t offset;
    std::size_t bytes;
  };
  struct Constant {
    int to;
    std::uint64_t value;
  };
  struct SpecialRegister {
    int to;
    Special value;
  };

  std::string name;
  std::vector<Parameter> parameters;
  std::size_t parameter_bytes = 0;
  std::size_t shared_bytes = 0;  // of the variables that it declares; the launch's come behind
  std::size_t local_bytes = 0;   // a thread
  int most_threads = 1024;       // a block
  std::uint32_t cluster = 0;     // blocks of one; 0: the launch may choose
  bool has_barriers = false;     // other than its blocks': mbarriers, or those of clusters
  bool has_products = false;     // of warpgroups
  int registers = 0;
  std::vector<Constant> constants;
  std::vector<SpecialRegister> specials;
  std::vector<Instruction> code;
};

/// Where shared memory begins in its address space: the first KiB belongs to the system from compute
/// capability 8.0 on.
inline constexpr std::size_t kSharedBase = 1024;

/// Where the memory that a launch asks for begins.
inline std::size_t launched_shared_base(const Kernel& kernel) {
  return kSharedBase + (kernel.shared_bytes + 15) / 16 * 16;
}

/// All kernels of one module. Throws Fault at what cannot be understood, with the line.
std::vector<Kernel> parse(std::string_view text);

/// Sets action, flow and whatever else follows from the name. Throws Fault if the name is unknown.
void bind(Instruction& instruction);

}  // namespace backdrop::ptx
