// Argument lists: torch/_utils.py (_rebuild_*) and torch/serialization.py (persistent_id, persistent_load).
#include "loaders/pickle_calls.h"

#include <fmt/format.h>

#include <optional>

namespace backdrop {
namespace {

constexpr std::size_t kMostPickledDimensions = 64;

using Arguments = std::vector<PickleValue*>;

[[noreturn]] void refuse_call(std::string_view name) {
  refuse(fmt::format("is damaged: its pickle calls {} with the wrong arguments", printable(name)));
}

std::optional<std::uint64_t> natural(const PickleValue& value) {
  if (value.kind != PickleKind::integer || value.integer < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value.integer);
}

std::optional<std::vector<std::int64_t>> integers(const PickleValue& value) {
  if ((value.kind != PickleKind::tuple && value.kind != PickleKind::list) ||
      value.items.size() > kMostPickledDimensions)
    return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (PickleValue* item : value.items) {
    if (item->kind != PickleKind::integer) return std::nullopt;
    numbers.push_back(item->integer);
  }
  return numbers;
}

/// _rebuild_tensor(storage, offset, size, stride) and _rebuild_tensor_v2, which has more arguments of no
/// interest here.
PickleValue* rebuild_tensor(Pickle& pickle, std::string_view name, const Arguments& arguments) {
  if (arguments.size() < 4 || arguments[0]->kind != PickleKind::storage) refuse_call(name);
  const auto offset = natural(*arguments[1]);
  auto shape = integers(*arguments[2]);
  auto strides = integers(*arguments[3]);
  if (!offset || !shape || !strides) refuse_call(name);
  pickle.charge(shape->size() + strides->size());
  PickleValue* value = pickle.add(PickleKind::tensor);
  value->tensor = std::make_unique<PickleTensor>();
  *value->tensor = {*arguments[0]->storage, *offset, std::move(*shape), std::move(*strides)};
  return value;
}

PickleValue* rebuild_parameter(std::string_view name, const Arguments& arguments) {
  if (arguments.empty() || arguments[0]->kind != PickleKind::tensor) refuse_call(name);
  return arguments[0];
}

/// A dict from nothing, from key-value pairs (Python 2's OrderedDict), from a dict or, for a defaultdict, a
/// factory.
PickleValue* make_dict(Pickle& pickle, std::string_view name, const Arguments& arguments) {
  PickleValue* value = pickle.add(PickleKind::dict);
  for (PickleValue* argument : arguments) {
    pickle.charge(argument->items.size());
    if (argument->kind == PickleKind::dict) {
      value->items.insert(value->items.end(), argument->items.begin(), argument->items.end());
    } else if (argument->kind == PickleKind::list) {
      for (PickleValue* pair : argument->items) {
        const bool is_pair = pair->kind == PickleKind::tuple || pair->kind == PickleKind::list;
        if (!is_pair || pair->items.size() != 2) refuse_call(name);
        value->items.insert(value->items.end(), pair->items.begin(), pair->items.end());
      }
    }
  }
  return value;
}

PickleValue* builtin_by_name(Pickle& pickle, std::string_view name, const Arguments& arguments, Bytes bytes) {
  if (arguments.size() != 1 || arguments[0]->kind != PickleKind::text) refuse_call(name);
  const std::string& full = pickle.names.emplace_back("builtins." + std::string(arguments[0]->text));
  const std::optional<AllowedGlobal> found = find_global(full);
  if (!found) refuse_global(full, bytes);
  PickleValue* value = pickle.add(PickleKind::global);
  value->text = full;
  value->global = *found;
  return value;
}

PickleValue* inert(Pickle& pickle, std::string_view name) {
  PickleValue* value = pickle.add(PickleKind::object);
  value->text = name;
  return value;
}

/// _rebuild_from_type_v2(function, type, arguments, state): a tensor with attributes set on it.
PickleValue* rebuild_from_type(Pickle& pickle, std::string_view name, const Arguments& arguments) {
  if (arguments.size() != 4 || arguments[0]->kind != PickleKind::global ||
      arguments[2]->kind != PickleKind::tuple)
    refuse_call(name);
  const Arguments& inner = arguments[2]->items;
  switch (arguments[0]->global.role) {
    case GlobalRole::rebuild_tensor:
      return rebuild_tensor(pickle, arguments[0]->text, inner);
    case GlobalRole::rebuild_parameter:
      return rebuild_parameter(arguments[0]->text, inner);
    default:
      refuse_call(name);
  }
}

}  // namespace

PickleValue* pickled_call(Pickle& pickle, const PickleValue& callable, const PickleValue& arguments,
                          Bytes bytes) {
  if (callable.kind != PickleKind::global || arguments.kind != PickleKind::tuple)
    refuse(fmt::format("is damaged: its pickle calls {}", describe(callable)));
  const std::string_view name = callable.text;
  switch (callable.global.role) {
    case GlobalRole::rebuild_tensor:
      return rebuild_tensor(pickle, name, arguments.items);
    case GlobalRole::rebuild_parameter:
      return rebuild_parameter(name, arguments.items);
    case GlobalRole::rebuild_from_type:
      return rebuild_from_type(pickle, name, arguments.items);
    case GlobalRole::dictionary:
      return make_dict(pickle, name, arguments.items);
    case GlobalRole::builtin_by_name:
      return builtin_by_name(pickle, name, arguments.items, bytes);
    case GlobalRole::size:
      if (arguments.items.size() != 1 || arguments.items[0]->kind != PickleKind::tuple) refuse_call(name);
      return arguments.items[0];
    case GlobalRole::object:
      return inert(pickle, name);
    case GlobalRole::storage_type:
      break;
  }
  refuse_call(name);
}

PickleValue* pickled_instance(Pickle& pickle, const PickleValue& type) {
  if (type.kind == PickleKind::global && type.global.role == GlobalRole::dictionary)
    return pickle.add(PickleKind::dict);
  if (type.kind == PickleKind::global && type.global.role == GlobalRole::object)
    return inert(pickle, type.text);
  refuse(fmt::format("is damaged: its pickle makes an instance of {}", describe(type)));
}

PickleValue* pickled_storage(Pickle& pickle, const PickleValue& id) {
  const auto fail = [] { refuse("is damaged: its pickle refers to data in a way that torch.save does not"); };
  // ('storage', type, key, location, numel) and, in legacy files, None or (view key, offset, numel of the
  // view).
  const Arguments& fields = id.items;
  if (id.kind != PickleKind::tuple || fields.size() < 5 || fields.size() > 6) fail();
  if (fields[0]->kind != PickleKind::text || fields[0]->text != "storage") fail();
  if (fields[1]->kind != PickleKind::global || fields[1]->global.role != GlobalRole::storage_type) fail();
  const auto numel = natural(*fields[4]);
  if (fields[2]->kind != PickleKind::text || !numel) fail();
  PickleStorage storage{fields[1]->global.element_type, fields[2]->text, *numel, 0, *numel};
  if (fields.size() == 6 && fields[5]->kind != PickleKind::none) {
    const Arguments& view = fields[5]->items;
    if (fields[5]->kind != PickleKind::tuple || view.size() != 3) fail();
    const auto offset = natural(*view[1]);
    const auto view_numel = natural(*view[2]);
    if (!offset || !view_numel || *offset > *numel || *view_numel > *numel - *offset) fail();
    storage.view_offset = *offset;
    storage.view_numel = *view_numel;
  }
  PickleValue* value = pickle.add(PickleKind::storage);
  value->storage = std::make_unique<PickleStorage>(storage);
  return value;
}

}  // namespace backdrop
