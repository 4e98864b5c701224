#include "loaders/checkpoint.h"

#include <new>
#include <vector>

#include "core/hash.h"
#include "loaders/checkpoint_legacy.h"
#include "loaders/checkpoint_recognise.h"
#include "loaders/checkpoint_zip.h"
#include "loaders/file.h"
#include "loaders/safetensors.h"
#include "loaders/state_names.h"

namespace backdrop {
namespace {

/// Many times the largest checkpoint of a supported architecture with its optimizer's state.
constexpr std::size_t kLargestFile = std::size_t{16} << 30;

RawStateDict read_tensors(Bytes file, Checkpoint& checkpoint) {
  if (is_safetensors(file)) {
    checkpoint.format = "safetensors";
    return read_safetensors(file, checkpoint.metadata);
  }
  if (is_zip(file)) {
    checkpoint.format = "pytorch-zip";
    return read_zip_checkpoint(file, checkpoint.other_dicts);
  }
  if (is_pickle(file)) {
    checkpoint.format = "pytorch-legacy";
    return read_legacy_checkpoint(file, checkpoint.other_dicts);
  }
  refuse_unknown_format(file);
}

}  // namespace

Checkpoint parse_checkpoint(std::span<const std::uint8_t> file) {
  Checkpoint checkpoint;
  take_tensors(read_tensors(file, checkpoint), file.size(), checkpoint);
  checkpoint.sha256 = sha256_of(file.data(), file.size());
  return checkpoint;
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  try {
    const std::vector<std::byte> file = read_file(path, kLargestFile);
    return parse_checkpoint({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  } catch (const Error& error) {
    if (!error.file().empty()) throw;
    throw Error(error.code(), error.what(), path.string());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::failed, "needs more memory than there is", path.string());
  }
}

}  // namespace backdrop
