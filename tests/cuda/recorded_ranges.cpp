// A profiler that is linked in, as NVTX lets one be: it takes the functions that it wants from NVTX's table.
#include "tests/cuda/recorded_ranges.h"

#include <nvtx3/nvToolsExt.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace backdrop::test {
namespace {

std::mutex mutex;
std::vector<std::string> recorded;  // with the mutex held
std::atomic<int> all_open = 0;

thread_local std::vector<std::string> open;

int NVTX_API push(const char* name) {
  open.push_back(open.empty() ? name : open.back() + "/" + name);
  ++all_open;
  const std::lock_guard lock(mutex);
  recorded.push_back(open.back());
  return static_cast<int>(open.size()) - 1;
}

int NVTX_API pop() {
  open.pop_back();
  --all_open;
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
  const std::lock_guard lock(mutex);
  return std::exchange(recorded, {});
}

int open_ranges() {
  return all_open;
}

}  // namespace backdrop::test
