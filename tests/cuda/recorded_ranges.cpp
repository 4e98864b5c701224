// A profiler that is linked in, as NVTX lets one be: it takes the functions that it wants from NVTX's table.
#include "tests/cuda/recorded_ranges.h"

#include <nvtx3/nvToolsExt.h>

#include <utility>

namespace backdrop::test {
namespace {

std::vector<std::string> recorded;
std::vector<std::string> open;

int NVTX_API push(const char* name) {
  open.push_back(open.empty() ? name : open.back() + "/" + name);
  recorded.push_back(open.back());
  return static_cast<int>(open.size()) - 1;
}

int NVTX_API pop() {
  open.pop_back();
  return static_cast<int>(open.size());
}

template <class Function>
void set(NvtxFunctionTable table, NvtxCallbackIdCore id, Function* function) {
  *table[id] = reinterpret_cast<NvtxFunctionPointer>(function);
}

int NVTX_API attach(NvtxGetExportTableFunc_t export_table) {
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(export_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  if (callbacks == nullptr || !callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size))
    return 0;
  set(table, NVTX_CBID_CORE_RangePushA, push);
  set(table, NVTX_CBID_CORE_RangePop, pop);
  return 1;
}

// Before NVTX's first call, which looks here.
[[maybe_unused]] const bool attaches = (InitializeInjectionNvtx2_fnptr = attach) != nullptr;

}  // namespace

std::vector<std::string> take_ranges() {
  return std::exchange(recorded, {});
}

int open_ranges() {
  return static_cast<int>(open.size());
}

}  // namespace backdrop::test
