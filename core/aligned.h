/// \file
/// Memory for vector kernels: 64-byte aligned, on huge pages where the system grants them.
#pragma once

#include <cstddef>
#include <memory>

namespace backdrop {

/// An uninitialised block of bytes. Throws failed when the memory cannot be had.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes);

  std::byte* data() const noexcept { return data_.get(); }
  float* floats() const noexcept { return reinterpret_cast<float*>(data_.get()); }
  std::size_t size() const noexcept { return size_; }

 private:
  struct Free {
    void operator()(std::byte* block) const noexcept;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace backdrop
