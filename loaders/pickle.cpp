// The pickle machine: a stack, marks on it and a memo (Python's Lib/pickletools.py describes every opcode).
// Stack, marks, memo and values are bounded; nothing here recurses.
#include "loaders/pickle.h"

#include <fmt/format.h>

#include <unordered_map>

#include "loaders/pickle_calls.h"
#include "loaders/pickle_opcodes.h"

namespace backdrop {
namespace {

// Bounds for hostile files.
constexpr std::size_t kMostMarks = 10000;
constexpr std::size_t kLongestGlobal = 1000;

class Unpickler {
 public:
  explicit Unpickler(Bytes bytes) : bytes_(bytes), cursor_(bytes, "its pickle") {}

  Pickle run();

 private:
  bool constant(Opcode opcode);
  bool container(Opcode opcode);
  bool object(Opcode opcode);
  bool stack_or_memo(Opcode opcode);

  void push(PickleValue* value);
  PickleValue* push_new(PickleKind kind);
  void push_integer(std::int64_t number, PickleKind kind = PickleKind::integer);
  void push_text(PickleKind kind, std::uint64_t length);
  void push_long(std::uint64_t length);
  void push_global(std::string_view module, std::string_view name);
  void push_collected(PickleKind kind, std::vector<PickleValue*> items);

  PickleValue* pop();
  PickleValue* top();
  std::vector<PickleValue*> pop_many(std::size_t count);
  std::vector<PickleValue*> pop_to_mark();
  void mark();
  void pop_one_or_mark();

  void add_items(PickleKind kind, const std::vector<PickleValue*>& items);
  void memoize(std::uint64_t index);
  void recall(std::uint32_t index);

  Bytes bytes_;
  ByteCursor cursor_;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint32_t, PickleValue*> memo_;
};

Pickle Unpickler::run() {
  if (static_cast<Opcode>(cursor_.number<std::uint8_t>()) != Opcode::proto)
    refuse("is damaged: it has no pickle");
  if (const auto protocol = cursor_.number<std::uint8_t>(); protocol < 2 || protocol > 5)
    refuse(fmt::format("has a pickle of protocol {}; 2 to 5 can be read", protocol));
  for (;;) {
    const auto opcode = static_cast<Opcode>(cursor_.number<std::uint8_t>());
    if (opcode == Opcode::stop) break;
    if (!constant(opcode) && !container(opcode) && !object(opcode) && !stack_or_memo(opcode))
      refuse(fmt::format("has the pickle opcode {}, which is not on the list of what a checkpoint may hold",
                         opcode_name(opcode)));
  }
  pickle_.root = pop();
  if (!stack_.empty() || !marks_.empty()) refuse("is damaged: its pickle leaves values over");
  pickle_.size = cursor_.position();
  return std::move(pickle_);
}

bool Unpickler::constant(Opcode opcode) {
  switch (opcode) {
    case Opcode::none:
      push_new(PickleKind::none);
      return true;
    case Opcode::newtrue:
      push_integer(1, PickleKind::boolean);
      return true;
    case Opcode::newfalse:
      push_integer(0, PickleKind::boolean);
      return true;
    case Opcode::binint:
      push_integer(cursor_.number<std::int32_t>());
      return true;
    case Opcode::binint1:
      push_integer(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::binint2:
      push_integer(cursor_.number<std::uint16_t>());
      return true;
    case Opcode::long1:
      push_long(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::long4:
      push_long(cursor_.number<std::uint32_t>());
      return true;
    case Opcode::binfloat:
      cursor_.take(8);
      push_new(PickleKind::real);
      return true;
    case Opcode::short_binstring:
    case Opcode::short_binunicode:
      push_text(PickleKind::text, cursor_.number<std::uint8_t>());
      return true;
    case Opcode::binstring:
    case Opcode::binunicode:
      push_text(PickleKind::text, cursor_.number<std::uint32_t>());
      return true;
    case Opcode::binunicode8:
      push_text(PickleKind::text, cursor_.number<std::uint64_t>());
      return true;
    case Opcode::short_binbytes:
      push_text(PickleKind::bytes, cursor_.number<std::uint8_t>());
      return true;
    case Opcode::binbytes:
      push_text(PickleKind::bytes, cursor_.number<std::uint32_t>());
      return true;
    case Opcode::binbytes8:
    case Opcode::bytearray8:
      push_text(PickleKind::bytes, cursor_.number<std::uint64_t>());
      return true;
    default:
      return false;
  }
}

bool Unpickler::container(Opcode opcode) {
  switch (opcode) {
    case Opcode::empty_tuple:
      push_new(PickleKind::tuple);
      return true;
    case Opcode::empty_list:
      push_new(PickleKind::list);
      return true;
    case Opcode::empty_dict:
      push_new(PickleKind::dict);
      return true;
    case Opcode::empty_set:
      push_new(PickleKind::set);
      return true;
    case Opcode::tuple:
      push_collected(PickleKind::tuple, pop_to_mark());
      return true;
    case Opcode::tuple1:
      push_collected(PickleKind::tuple, pop_many(1));
      return true;
    case Opcode::tuple2:
      push_collected(PickleKind::tuple, pop_many(2));
      return true;
    case Opcode::tuple3:
      push_collected(PickleKind::tuple, pop_many(3));
      return true;
    case Opcode::frozenset:
      push_collected(PickleKind::set, pop_to_mark());
      return true;
    case Opcode::append:
      add_items(PickleKind::list, pop_many(1));
      return true;
    case Opcode::appends:
      add_items(PickleKind::list, pop_to_mark());
      return true;
    case Opcode::setitem:
      add_items(PickleKind::dict, pop_many(2));
      return true;
    case Opcode::setitems:
      add_items(PickleKind::dict, pop_to_mark());
      return true;
    case Opcode::additems:
      add_items(PickleKind::set, pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Unpickler::object(Opcode opcode) {
  switch (opcode) {
    case Opcode::global: {
      const std::string_view module = cursor_.line(kLongestGlobal);
      push_global(module, cursor_.line(kLongestGlobal));
      return true;
    }
    case Opcode::stack_global: {
      const auto parts = pop_many(2);
      if (parts[0]->kind != PickleKind::text || parts[1]->kind != PickleKind::text)
        refuse("is damaged: its pickle refers to a class whose name is not text");
      push_global(parts[0]->text, parts[1]->text);
      return true;
    }
    case Opcode::reduce: {
      const auto call = pop_many(2);
      push(pickled_call(pickle_, *call[0], *call[1], bytes_));
      return true;
    }
    case Opcode::newobj:
    case Opcode::newobj_ex:
      push(pickled_instance(pickle_, *pop_many(opcode == Opcode::newobj ? 2 : 3)[0]));
      return true;
    case Opcode::build: {
      pop();
      const PickleKind kind = top()->kind;  // attributes are of no interest: the object stays as it is
      if (kind != PickleKind::object && kind != PickleKind::dict && kind != PickleKind::tensor)
        refuse(fmt::format("is damaged: its pickle sets attributes of {}", describe(*top())));
      return true;
    }
    case Opcode::binpersid:
      push(pickled_storage(pickle_, *pop()));
      return true;
    default:
      return false;
  }
}

bool Unpickler::stack_or_memo(Opcode opcode) {
  switch (opcode) {
    case Opcode::frame:
      cursor_.take(8);
      return true;  // a hint for buffering only
    case Opcode::mark:
      mark();
      return true;
    case Opcode::pop:
      pop_one_or_mark();
      return true;
    case Opcode::pop_mark:
      pop_to_mark();
      return true;
    case Opcode::binput:
      memoize(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::long_binput:
      memoize(cursor_.number<std::uint32_t>());
      return true;
    case Opcode::memoize:
      memoize(memo_.size());
      return true;
    case Opcode::binget:
      recall(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::long_binget:
      recall(cursor_.number<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

void Unpickler::push(PickleValue* value) {
  if (stack_.size() >= Pickle::kMostValues)
    refuse("has a pickle whose stack grows past any that torch.save writes");
  stack_.push_back(value);
}

PickleValue* Unpickler::push_new(PickleKind kind) {
  PickleValue* value = pickle_.add(kind);
  push(value);
  return value;
}

void Unpickler::push_integer(std::int64_t number, PickleKind kind) {
  push_new(kind)->integer = number;
}

void Unpickler::push_text(PickleKind kind, std::uint64_t length) {
  const std::string_view text = as_text(cursor_.take(length));
  push_new(kind)->text = text;
}

void Unpickler::push_long(std::uint64_t length) {
  if (length > sizeof(std::int64_t)) return push_text(PickleKind::big_integer, length);
  const Bytes digits = cursor_.take(length);
  std::uint64_t number = length != 0 && (digits[length - 1] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  std::memcpy(&number, digits.data(), length);
  push_integer(static_cast<std::int64_t>(number));
}

void Unpickler::push_global(std::string_view module, std::string_view name) {
  std::string full = fmt::format("{}.{}", module, name);
  const std::optional<AllowedGlobal> found = find_global(full);
  if (!found) refuse_global(full, bytes_);
  PickleValue* value = push_new(PickleKind::global);
  value->text = pickle_.names.emplace_back(std::move(full));
  value->global = *found;
}

void Unpickler::push_collected(PickleKind kind, std::vector<PickleValue*> items) {
  push_new(kind)->items = std::move(items);
}

PickleValue* Unpickler::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
    refuse("is damaged: its pickle takes more values than there are");
  return stack_.back();
}

PickleValue* Unpickler::pop() {
  PickleValue* value = top();
  stack_.pop_back();
  return value;
}

std::vector<PickleValue*> Unpickler::pop_many(std::size_t count) {
  std::vector<PickleValue*> values(count);
  while (count-- > 0) values[count] = pop();
  return values;
}

std::vector<PickleValue*> Unpickler::pop_to_mark() {
  if (marks_.empty()) refuse("is damaged: its pickle closes a container that it did not open");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue*> values(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return values;
}

void Unpickler::mark() {
  if (marks_.size() >= kMostMarks)
    refuse(fmt::format("has a pickle that nests more than {} deep", kMostMarks));
  marks_.push_back(stack_.size());
}

void Unpickler::pop_one_or_mark() {
  if (!marks_.empty() && marks_.back() == stack_.size())
    marks_.pop_back();
  else
    pop();
}

void Unpickler::add_items(PickleKind kind, const std::vector<PickleValue*>& items) {
  PickleValue* target = top();
  if (target->kind == PickleKind::object) return;
  if (target->kind != kind || (kind == PickleKind::dict && items.size() % 2 != 0))
    refuse(fmt::format("is damaged: its pickle adds items to {}", describe(*target)));
  target->items.insert(target->items.end(), items.begin(), items.end());
}

void Unpickler::memoize(std::uint64_t index) {
  if (memo_.size() >= Pickle::kMostValues)
    refuse("has a pickle that remembers more values than any that torch.save writes");
  memo_[static_cast<std::uint32_t>(index)] = top();
}

void Unpickler::recall(std::uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end())
    refuse(fmt::format("is damaged: its pickle recalls value {}, which it never set", index));
  push(found->second);
}

}  // namespace

Pickle read_pickle(Bytes bytes) {
  return Unpickler(bytes).run();
}

}  // namespace backdrop
