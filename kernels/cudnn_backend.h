/// \file
/// cuDNN's backend as it is loaded at run time: its functions, its descriptors, and a device to plan for.
#pragma once

#include <cudnn.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "kernels/cudnn_cuda.h"

namespace backdrop::kernels {

/// The functions used, each under its own type.
struct CudnnFunctions {
  decltype(&cudnnGetVersion) get_version = nullptr;
  decltype(&cudnnGetErrorString) get_error_string = nullptr;
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnDestroy) destroy = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor = nullptr;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor = nullptr;
  decltype(&cudnnBackendSetAttribute) set_attribute = nullptr;
  decltype(&cudnnBackendGetAttribute) get_attribute = nullptr;
  decltype(&cudnnBackendFinalize) finalize = nullptr;
  decltype(&cudnnBackendExecute) execute = nullptr;
};

/// One descriptor. A call that fails makes all that is built upon it fail, so only the last one is asked.
class CudnnDescriptor {
 public:
  CudnnDescriptor(const CudnnFunctions& functions, cudnnBackendDescriptorType_t type)
      : functions_(&functions),
        good_(functions.create_descriptor(type, &descriptor_) == CUDNN_STATUS_SUCCESS) {}
  CudnnDescriptor(CudnnDescriptor&& other) noexcept
      : functions_(other.functions_),
        descriptor_(std::exchange(other.descriptor_, nullptr)),
        good_(std::exchange(other.good_, false)) {}
  CudnnDescriptor& operator=(CudnnDescriptor&&) = delete;
  ~CudnnDescriptor() {
    if (descriptor_ != nullptr) functions_->destroy_descriptor(descriptor_);
  }

  /// Null after a failure: cuDNN refuses it wherever it is set.
  cudnnBackendDescriptor_t get() const { return good_ ? descriptor_ : nullptr; }
  bool good() const { return good_; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::span<const T> values) {
    good_ = good_ && functions_->set_attribute(descriptor_, name, type, std::ssize(values), values.data()) ==
                         CUDNN_STATUS_SUCCESS;
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T& value) {
    set(name, type, std::span<const T>(&value, 1));
  }
  void set(cudnnBackendAttributeName_t name, const CudnnDescriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.get());
  }
  void finalize() { good_ = good_ && functions_->finalize(descriptor_) == CUDNN_STATUS_SUCCESS; }

  /// How many values there are to be read; 0 after a failure.
  std::size_t count(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) const {
    std::int64_t count = 0;
    if (!good_ ||
        functions_->get_attribute(descriptor_, name, type, 0, &count, nullptr) != CUDNN_STATUS_SUCCESS)
      return 0;
    return count;
  }
  /// How many values were read into an array or vector that is large enough; 0 after a failure.
  template <class Values>
  std::size_t read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, Values& values) const {
    std::int64_t count = 0;
    if (!good_ || functions_->get_attribute(descriptor_, name, type, std::ssize(values), &count,
                                            std::data(values)) != CUDNN_STATUS_SUCCESS)
      return 0;
    return std::min<std::size_t>(count, std::size(values));
  }

 private:
  const CudnnFunctions* functions_;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
  bool good_;
};

struct Cudnn::State {
  CudnnFunctions functions;
  cudnnHandle_t handle = nullptr;           // of a device that is here,
  std::unique_ptr<CudnnDescriptor> device;  // or the properties of one that need not be

  ~State() {
    if (handle != nullptr) functions.destroy(handle);
    // The library stays: unloading it while CUDA is shutting down is not safe.
  }
};

}  // namespace backdrop::kernels
