#include "kernels/cudnn_cuda.h"

#include <dlfcn.h>

#include "kernels/cudnn_backend.h"

namespace backdrop::kernels {
namespace {

// Found by LD_LIBRARY_PATH where it does not lie in a folder of the system.
constexpr const char* kLibrary = "libcudnn.so.9";
static_assert(CUDNN_MAJOR == 9);

template <class Function>
bool resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool load(CudnnFunctions& f, std::string& reason) {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* error = dlerror();
    reason = error != nullptr ? error : "cuDNN cannot be loaded";
    return false;
  }
  if (resolve(library, "cudnnGetVersion", f.get_version) &&
      resolve(library, "cudnnGetErrorString", f.get_error_string) &&
      resolve(library, "cudnnCreate", f.create) && resolve(library, "cudnnDestroy", f.destroy) &&
      resolve(library, "cudnnSetStream", f.set_stream) &&
      resolve(library, "cudnnBackendCreateDescriptor", f.create_descriptor) &&
      resolve(library, "cudnnBackendDestroyDescriptor", f.destroy_descriptor) &&
      resolve(library, "cudnnBackendSetAttribute", f.set_attribute) &&
      resolve(library, "cudnnBackendGetAttribute", f.get_attribute) &&
      resolve(library, "cudnnBackendFinalize", f.finalize) &&
      resolve(library, "cudnnBackendExecute", f.execute))
    return true;
  reason = "cuDNN lacks a function";
  return false;
}

}  // namespace

Cudnn::Cudnn(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cudnn::~Cudnn() = default;

std::shared_ptr<Cudnn> Cudnn::open(cudaStream_t stream, std::string& reason) {
  auto state = std::make_unique<State>();
  const CudnnFunctions& f = state->functions;
  if (!load(state->functions, reason)) return nullptr;
  cudnnStatus_t status = f.create(&state->handle);
  if (status == CUDNN_STATUS_SUCCESS) status = f.set_stream(state->handle, stream);
  if (status != CUDNN_STATUS_SUCCESS) {
    reason = std::string("cuDNN: ") + f.get_error_string(status);
    return nullptr;
  }
  return std::shared_ptr<Cudnn>(new Cudnn(std::move(state)));
}

std::shared_ptr<Cudnn> Cudnn::open_for(const std::string& properties, std::string& reason) {
  auto state = std::make_unique<State>();
  if (!load(state->functions, reason)) return nullptr;
#if CUDNN_VERSION >= 90800
  state->device = std::make_unique<CudnnDescriptor>(state->functions, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  state->device->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                     std::span<const char>(properties));
  state->device->finalize();
  if (state->device->good()) return std::shared_ptr<Cudnn>(new Cudnn(std::move(state)));
#endif
  reason = "cuDNN " + std::to_string(state->functions.get_version()) + " does not know such a device";
  return nullptr;
}

std::string Cudnn::version() const {
  const std::size_t number = state_->functions.get_version();
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}

}  // namespace backdrop::kernels
