// The values that a pickle is read into.
#include <fmt/format.h>

#include "loaders/pickle.h"

namespace backdrop {

PickleValue* Pickle::add(PickleKind kind) {
  charge(1);
  PickleValue& value = values.emplace_back();
  value.kind = kind;
  return &value;
}

void Pickle::charge(std::uint64_t count) {
  charged_ += count;
  if (charged_ > kMostValues) refuse(fmt::format("has a pickle of more than {} values", kMostValues));
}

const PickleValue* find_item(const PickleValue& dict, std::string_view key) {
  for (std::size_t i = dict.items.size(); i >= 2; i -= 2)
    if (dict.items[i - 2]->kind == PickleKind::text && dict.items[i - 2]->text == key)
      return dict.items[i - 1];
  return nullptr;
}

std::string describe(const PickleValue& value) {
  switch (value.kind) {
    case PickleKind::none:
      return "None";
    case PickleKind::boolean:
      return "a boolean";
    case PickleKind::integer:
    case PickleKind::big_integer:
      return "an integer";
    case PickleKind::real:
      return "a number";
    case PickleKind::text:
      return "text";
    case PickleKind::bytes:
      return "bytes";
    case PickleKind::tuple:
      return "a tuple";
    case PickleKind::list:
      return "a list";
    case PickleKind::dict:
      return "a dictionary";
    case PickleKind::set:
      return "a set";
    case PickleKind::global:
      return printable(value.text);
    case PickleKind::storage:
      return "a storage";
    case PickleKind::tensor:
      return "a tensor";
    case PickleKind::object:
      return "an object of class " + printable(value.text);
  }
  return "an unknown value";
}

}  // namespace backdrop
