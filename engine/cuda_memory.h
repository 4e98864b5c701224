/// \file
/// CUDA's memory as objects.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "engine/cuda_check.h"

namespace backdrop {

/// A block of memory of one kind, freed on the device that it was taken on.
template <cudaError_t (*kAllocate)(void**, std::size_t), cudaError_t (*kFree)(void*)>
class CudaBlock {
 public:
  CudaBlock() = default;
  explicit CudaBlock(std::size_t bytes, const char* what = "data") { reserve(bytes, what); }
  CudaBlock(CudaBlock&& other) noexcept { swap(other); }
  CudaBlock& operator=(CudaBlock&& other) noexcept {
    swap(other);
    return *this;
  }
  ~CudaBlock() { release(); }

  /// At least so many bytes; the contents are lost when it grows. Nothing may still use the old ones.
  void reserve(std::size_t bytes, const char* what = "data") {
    if (bytes <= size_) return;
    release();
    check_cuda(cudaGetDevice(&device_), what);
    check_cuda(kAllocate(&data_, bytes), what);
    size_ = bytes;
  }

  /// The same, and room for twice as much where it grows: freeing waits for all that the device has under
  /// way, so what comes again and again in other sizes shall not often be replaced.
  void reserve_amply(std::size_t bytes, const char* what) {
    if (bytes > size_) reserve(2 * bytes, what);
  }

  std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
  template <class T>
  T* as() const noexcept {
    return static_cast<T*>(data_);
  }
  std::size_t size() const noexcept { return size_; }

 private:
  void swap(CudaBlock& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(device_, other.device_);
  }
  void release() noexcept {
    if (data_ == nullptr) return;
    cudaSetDevice(device_);
    kFree(data_);
    data_ = nullptr;
    size_ = 0;
  }

  void* data_ = nullptr;
  std::size_t size_ = 0;
  int device_ = 0;
};

inline cudaError_t allocate_on_device(void** data, std::size_t bytes) {
  return cudaMalloc(data, bytes);
}
inline cudaError_t allocate_pinned(void** data, std::size_t bytes) {
  return cudaHostAlloc(data, bytes, cudaHostAllocDefault);
}

using DeviceBuffer = CudaBlock<allocate_on_device, cudaFree>;
/// Host memory that the device copies from and to in the background.
using PinnedBuffer = CudaBlock<allocate_pinned, cudaFreeHost>;

/// Copies ordinary host memory to the device and waits: streams that do not block may read it afterwards (the
/// copy alone can return while the last bytes are still under way).
inline void copy_to_device(void* to, const void* from, std::size_t bytes, const char* what) {
  if (bytes == 0) return;  // an empty list may have no address, and CUDA's manual does not say that it may
  check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), what);
  check_cuda(cudaStreamSynchronize(nullptr), what);
}

/// Bytes on their way to the device: `send` copies them aside first, so that the source may change.
class Upload {
 public:
  /// Waits for what `stream` has to do, so that the copy before is done, also one of a call that failed. What
  /// other streams read of that one must be done.
  void send(std::span<const std::byte> bytes, cudaStream_t stream, const char* what) {
    check_cuda(cudaStreamSynchronize(stream), what);
    pinned_.reserve_amply(bytes.size(), what);
    device_.reserve_amply(bytes.size(), what);
    if (bytes.empty()) return;
    std::memcpy(pinned_.data(), bytes.data(), bytes.size());
    check_cuda(cudaMemcpyAsync(device_.data(), pinned_.data(), bytes.size(), cudaMemcpyHostToDevice, stream),
               what);
  }
  const std::byte* data() const { return device_.data(); }
  template <class T>
  const T* at(std::size_t offset) const {
    return reinterpret_cast<const T*>(device_.data() + offset);
  }
  std::size_t bytes() const { return device_.size(); }

 private:
  PinnedBuffer pinned_;
  DeviceBuffer device_;
};

}  // namespace backdrop
