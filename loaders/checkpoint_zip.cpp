#include "loaders/checkpoint_zip.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "loaders/pickle_state_dict.h"
#include "loaders/zip_archive.h"

namespace backdrop {
namespace {

constexpr std::string_view kPickleName = "data.pkl";
constexpr std::size_t kLargestDataPickle = std::size_t{64} << 20;

std::string_view folder_of(std::string_view entry) {
  return entry.substr(0, entry.rfind('/') + 1);
}

/// A zip archive without data.pkl: says what else it looks like.
[[noreturn]] void refuse_other_archive(const ZipArchive& archive) {
  for (const auto& [name, entry] : archive.entries()) {
    if (name.ends_with(".npy")) refuse("is a NumPy .npz archive, not a checkpoint of PyTorch");
    if (name == "model.weights.h5" || name == "saved_model.pb")
      refuse("is a Keras model: only PyTorch and safetensors checkpoints can be read");
    if (name.ends_with(".pt") || name.ends_with(".pth") || name.ends_with(".safetensors"))
      refuse(fmt::format("is a zip archive around {}: unpack it first", printable(name)));
  }
  refuse("is a zip archive without data.pkl, so torch.save did not write it");
}

/// The folder, with its slash, that all entries of a checkpoint lie in.
std::string checkpoint_folder(const ZipArchive& archive) {
  std::string_view found;
  for (const auto& [name, entry] : archive.entries()) {
    const std::string_view folder = folder_of(name);
    if (name.substr(folder.size()) != kPickleName) continue;
    if (!found.empty()) refuse("holds more than one data.pkl: it is not one checkpoint of PyTorch");
    found = name;
  }
  if (found.empty()) refuse_other_archive(archive);
  const std::string folder(folder_of(found));
  const auto code = archive.entries().lower_bound(folder + "code/");
  const bool has_code = code != archive.entries().end() && code->first.starts_with(folder + "code/");
  if (has_code || archive.entries().contains(folder + "constants.pkl"))
    refuse(
        "is a TorchScript archive: save the state dict instead, with "
        "torch.save(torch.jit.load(\"FILE.pt\").state_dict(), \"NEW.pt\")");
  return folder;
}

bool is_big_endian(const ZipArchive& archive, const std::string& folder) {
  const std::string name = folder + "byteorder";
  if (!archive.entries().contains(name)) return false;
  const std::string_view order = as_text(archive.read(name));
  if (order != "little" && order != "big")
    refuse(fmt::format("has the unknown byte order \"{}\"", printable(order)));
  return order == "big";
}

}  // namespace

bool is_zip(Bytes file) {
  const std::string_view text = as_text(file);
  return text.starts_with("PK\3\4") || text.starts_with("PK\5\6");
}

RawStateDict read_zip_checkpoint(Bytes file, std::vector<std::string>& others) {
  const ZipArchive archive(file);
  const std::string folder = checkpoint_folder(archive);
  const bool big_endian = is_big_endian(archive, folder);
  const Bytes pickle_bytes = archive.read(folder + std::string(kPickleName));
  if (pickle_bytes.size() > kLargestDataPickle)
    refuse(fmt::format("has a data.pkl of {} bytes, far more than a state dict takes", pickle_bytes.size()));
  const Pickle pickle = read_pickle(pickle_bytes);

  RawStateDict tensors;
  std::map<std::string_view, Bytes> storages;  // each is read, and its checksum computed, once
  const FoundStateDict state_dict = find_state_dict(pickle);
  others = state_dict.others;
  for (const auto& [name, tensor] : state_dict.tensors) {
    const PickleStorage& storage = tensor->storage;
    auto found = storages.find(storage.key);
    if (found == storages.end())
      found = storages.emplace(storage.key, archive.read(folder + "data/" + std::string(storage.key))).first;
    const std::uint64_t stored = found->second.size();
    if (storage.numel != stored / element_size(storage.type) || stored % element_size(storage.type) != 0)
      refuse(fmt::format(
          "is damaged: tensor \"{}\" is of a storage with {} values of {}, but {} bytes are there",
          printable(name), storage.numel, element_name(storage.type), stored));
    tensors.emplace_back(name, RawTensor{storage.type, found->second, big_endian, tensor->offset,
                                         tensor->shape, tensor->strides});
  }
  return tensors;
}

}  // namespace backdrop
