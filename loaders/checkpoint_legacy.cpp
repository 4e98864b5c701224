#include "loaders/checkpoint_legacy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "loaders/pickle_state_dict.h"

namespace backdrop {
namespace {

using namespace std::string_view_literals;

/// 0x1950a86a20f9469cfc6c, little-endian.
constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr std::int64_t kProtocol = 1001;
constexpr std::size_t kLargestPickle = std::size_t{64} << 20;

Pickle next_pickle(ByteCursor& cursor, Bytes file) {
  const Bytes rest = file.subspan(cursor.position(), std::min(cursor.left(), kLargestPickle));
  Pickle pickle = read_pickle(rest);
  cursor.take(pickle.size);
  return pickle;
}

void read_preamble(ByteCursor& cursor, Bytes file) {
  const Pickle magic = next_pickle(cursor, file);
  if (magic.root->kind != PickleKind::big_integer || magic.root->text != kMagic)
    refuse(fmt::format("is a plain pickle of {}, not a file of torch.save", describe(*magic.root)));
  const Pickle protocol = next_pickle(cursor, file);
  if (protocol.root->kind != PickleKind::integer || protocol.root->integer != kProtocol)
    refuse("is of a version of PyTorch's legacy format that is not known (1001 is)");
  const Pickle system = next_pickle(cursor, file);
  if (system.root->kind != PickleKind::dict)
    refuse("is damaged: its system information is " + describe(*system.root));
}

/// Storage key to element type, for all storages that the pickle refers to.
std::map<std::string_view, const PickleStorage*> storages_of(const Pickle& pickle) {
  std::map<std::string_view, const PickleStorage*> storages;
  for (const PickleValue& value : pickle.values) {
    if (value.kind != PickleKind::storage) continue;
    const PickleStorage* first = storages.emplace(value.storage->key, value.storage.get()).first->second;
    if (first->type != value.storage->type || first->numel != value.storage->numel)
      refuse(
          fmt::format("is damaged: its pickle describes storage \"{}\" in two ways", printable(first->key)));
  }
  return storages;
}

std::map<std::string_view, Bytes> read_storages(ByteCursor& cursor, const Pickle& keys,
                                                const Pickle& object) {
  if (keys.root->kind != PickleKind::list)
    refuse("is damaged: the keys of its storages are " + describe(*keys.root));
  const auto described = storages_of(object);
  std::map<std::string_view, Bytes> storages;
  for (const PickleValue* key : keys.root->items) {
    const auto found = key->kind == PickleKind::text ? described.find(key->text) : described.end();
    if (found == described.end())
      refuse(fmt::format("is damaged: it stores \"{}\", which its pickle does not refer to",
                         printable(key->text)));
    const PickleStorage& storage = *found->second;
    const auto numel = cursor.number<std::uint64_t>();
    if (numel != storage.numel)
      refuse(fmt::format("is damaged: storage \"{}\" has {} values, but its pickle says {}",
                         printable(storage.key), numel, storage.numel));
    const std::size_t size = element_size(storage.type);
    if (numel > cursor.left() / size)
      refuse(fmt::format("is truncated: storage \"{}\" of {} values does not fit the {} bytes left",
                         printable(storage.key), numel, cursor.left()));
    storages.insert_or_assign(storage.key, cursor.take(numel * size));
  }
  if (cursor.left() != 0) refuse(fmt::format("is damaged: {} bytes follow its last storage", cursor.left()));
  return storages;
}

}  // namespace

bool is_pickle(Bytes file) {
  return file.size() >= 2 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5;
}

RawStateDict read_legacy_checkpoint(Bytes file, std::vector<std::string>& others) {
  ByteCursor cursor(file, "the file");
  read_preamble(cursor, file);
  const Pickle object = next_pickle(cursor, file);
  const FoundStateDict state_dict = find_state_dict(object);
  others = state_dict.others;
  const Pickle keys = next_pickle(cursor, file);
  const auto storages = read_storages(cursor, keys, object);

  RawStateDict tensors;
  for (const auto& [name, tensor] : state_dict.tensors) {
    const PickleStorage& storage = tensor->storage;
    const auto found = storages.find(storage.key);
    if (found == storages.end())
      refuse(fmt::format("is damaged: it lacks storage \"{}\" of tensor \"{}\"", printable(storage.key),
                         printable(name)));
    const std::size_t size = element_size(storage.type);
    const Bytes view = found->second.subspan(storage.view_offset * size, storage.view_numel * size);
    tensors.emplace_back(
        name, RawTensor{storage.type, view, false, tensor->offset, tensor->shape, tensor->strides});
  }
  return tensors;
}

}  // namespace backdrop
