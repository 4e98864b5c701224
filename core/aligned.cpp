#include "core/aligned.h"

#include <sys/mman.h>

#include <cstdlib>
#include <string>

#include "backdrop/error.h"
#include "core/rounding.h"

namespace backdrop {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const std::size_t rounded = round_up(bytes, alignment);
  if (rounded >= bytes) data_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded)));
  if (!data_)
    throw Error(ErrorCode::failed, "cannot get " + std::to_string(bytes >> 20) +
                                       " MiB of memory: take a smaller batch, fewer threads or less for the "
                                       "cache (--batch, --threads, --cache-memory)");
  if (alignment == kHugePage) madvise(data_.get(), rounded, MADV_HUGEPAGE);
}

void AlignedBuffer::Free::operator()(std::byte* block) const noexcept {
  std::free(block);
}

}  // namespace backdrop
