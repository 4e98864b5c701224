/// \file
/// Python pickles as data: the object tree of a torch.save file, with nothing in it ever called.
///
/// The reader knows the opcodes that pickle protocols 2 to 5 emit (Python's Lib/pickletools.py) and the
/// globals that checkpoints refer to (pickle_globals.h). Tensors and containers are built; every other
/// allowed object stays an inert value with a name. Whatever else a pickle asks for is refused by name.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "loaders/checkpoint_bytes.h"
#include "loaders/checkpoint_tensor.h"
#include "loaders/pickle_globals.h"

namespace backdrop {

enum class PickleKind : std::uint8_t {
  none,
  boolean,
  integer,
  big_integer,  ///< does not fit 64 bits: `text` is two's complement, little-endian
  real,
  text,
  bytes,
  tuple,
  list,
  dict,
  set,
  global,  ///< a class or function of the allow-list
  storage,
  tensor,
  object,  ///< an instance that is not looked into; `text` names its class
};

/// A torch storage, by reference: its bytes are elsewhere in the file, under `key`.
struct PickleStorage {
  ElementType type = ElementType::f32;
  std::string_view key;
  std::uint64_t numel = 0;        ///< of the storage under `key`
  std::uint64_t view_offset = 0;  ///< in a legacy file this storage may be a part of it, that begins here
  std::uint64_t view_numel = 0;   ///< and has so many values
};

struct PickleTensor {
  PickleStorage storage;
  std::uint64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

struct PickleValue {
  PickleKind kind = PickleKind::none;
  AllowedGlobal global;             ///< of a global
  std::int64_t integer = 0;         ///< of an integer or boolean
  std::string_view text;            ///< of text, bytes, big_integer, global and object
  std::vector<PickleValue*> items;  ///< of a tuple, list or set; of a dict key, value, key, value, ...
  std::unique_ptr<PickleStorage> storage;
  std::unique_ptr<PickleTensor> tensor;
};

/// One pickle and all its values. Values may refer to each other in cycles. Text refers to the bytes read.
class Pickle {
 public:
  /// A bound for hostile files. The deepest network with its optimizer's state makes some tens of thousands.
  static constexpr std::size_t kMostValues = std::size_t{1} << 21;

  std::deque<PickleValue> values;
  std::deque<std::string> names;  ///< "module.name" of the globals
  const PickleValue* root = nullptr;
  std::size_t size = 0;  ///< bytes up to and with the STOP opcode

  /// Adds a value.
  PickleValue* add(PickleKind kind);
  /// Counts `count` more values or copies of values; throws bad_input past a limit that no checkpoint comes
  /// near.
  void charge(std::uint64_t count);

 private:
  std::uint64_t charged_ = 0;
};

/// Reads one pickle from the start of `bytes`; more may follow it. Throws bad_input.
Pickle read_pickle(Bytes bytes);

/// The entry of a dict under a text key, the last one if there are several; null if there is none.
const PickleValue* find_item(const PickleValue& dict, std::string_view key);

/// What a value is, for messages: "a list", "an object of class argparse.Namespace".
std::string describe(const PickleValue& value);

}  // namespace backdrop
