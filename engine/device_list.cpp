#include "engine/device_list.h"

#include "core/instruction_set.h"
#include "core/parallel.h"
#include "kernels/dot_instructions.h"

namespace backdrop {

DeviceDescription describe_cpu() {
  DeviceDescription cpu{
      .device = "cpu", .instructions = supported_instructions(), .threads = available_threads()};
  cpu.precisions.emplace_back(name(Precision::fp32));
  for (const Precision precision : {Precision::bf16, Precision::int16, Precision::int8})
    if (kernels::has_dot_instructions(precision)) cpu.precisions.emplace_back(name(precision));
  return cpu;
}

}  // namespace backdrop
