#include "loaders/pickle_globals.h"

#include <fmt/format.h>

#include <map>

namespace backdrop {
namespace {

constexpr AllowedGlobal storage_of(ElementType type) {
  return {GlobalRole::storage_type, type};
}
constexpr AllowedGlobal role(GlobalRole value) {
  return {value, ElementType::f32};
}
constexpr AllowedGlobal kInert = role(GlobalRole::object);

using Table = std::map<std::string_view, AllowedGlobal>;

const Table& torch_globals() {
  static const Table table = {
      {"torch.HalfStorage", storage_of(ElementType::f16)},
      {"torch.BFloat16Storage", storage_of(ElementType::bf16)},
      {"torch.FloatStorage", storage_of(ElementType::f32)},
      {"torch.DoubleStorage", storage_of(ElementType::f64)},
      {"torch.CharStorage", storage_of(ElementType::i8)},
      {"torch.ShortStorage", storage_of(ElementType::i16)},
      {"torch.IntStorage", storage_of(ElementType::i32)},
      {"torch.LongStorage", storage_of(ElementType::i64)},
      {"torch.ByteStorage", storage_of(ElementType::u8)},
      {"torch.BoolStorage", storage_of(ElementType::boolean)},
      {"torch.UntypedStorage", storage_of(ElementType::u8)},
      {"torch.storage.UntypedStorage", storage_of(ElementType::u8)},
      {"torch.cuda.HalfStorage", storage_of(ElementType::f16)},
      {"torch.cuda.FloatStorage", storage_of(ElementType::f32)},
      {"torch.cuda.DoubleStorage", storage_of(ElementType::f64)},
      {"torch.cuda.LongStorage", storage_of(ElementType::i64)},
      {"torch._utils._rebuild_tensor", role(GlobalRole::rebuild_tensor)},
      {"torch._utils._rebuild_tensor_v2", role(GlobalRole::rebuild_tensor)},
      {"torch._utils._rebuild_parameter", role(GlobalRole::rebuild_parameter)},
      {"torch._utils._rebuild_parameter_with_state", role(GlobalRole::rebuild_parameter)},
      {"torch._tensor._rebuild_from_type_v2", role(GlobalRole::rebuild_from_type)},
      {"torch.Size", role(GlobalRole::size)},
      {"torch.Tensor", kInert},
      {"torch.nn.parameter.Parameter", kInert},
      {"torch.device", kInert},
      {"torch.float16", kInert},
      {"torch.bfloat16", kInert},
      {"torch.float32", kInert},
      {"torch.float64", kInert},
      {"torch.int64", kInert},
  };
  return table;
}

const Table& python_globals() {
  static const Table table = {
      {"collections.OrderedDict", role(GlobalRole::dictionary)},
      {"collections.defaultdict", role(GlobalRole::dictionary)},
      {"collections.Counter", role(GlobalRole::dictionary)},
      {"collections.deque", kInert},
      {"argparse.Namespace", kInert},
      {"types.SimpleNamespace", kInert},
      {"pathlib.PosixPath", kInert},
      {"pathlib.PurePosixPath", kInert},
      {"pathlib.WindowsPath", kInert},
      {"datetime.datetime", kInert},
      {"datetime.date", kInert},
      {"datetime.timedelta", kInert},
      {"_codecs.encode", kInert},
      {"copyreg._reconstructor", kInert},
      {"copy_reg._reconstructor", kInert},
      {"dill._dill._load_type", role(GlobalRole::builtin_by_name)},
      {"dill.dill._load_type", role(GlobalRole::builtin_by_name)},
      {"dill._dill._create_array", kInert},
      {"dill.dill._create_array", kInert},
      {"numpy.dtype", kInert},
      {"numpy.ndarray", kInert},
      {"numpy.core.multiarray.scalar", kInert},
      {"numpy._core.multiarray.scalar", kInert},
      {"numpy.core.multiarray._reconstruct", kInert},
      {"numpy._core.multiarray._reconstruct", kInert},
      {"numpy.core.numeric._frombuffer", kInert},
      {"numpy._core.numeric._frombuffer", kInert},
  };
  return table;
}

/// Types of the module that Python 3 calls builtins and Python 2 __builtin__.
const Table& builtin_globals() {
  static const Table table = {
      {"dict", role(GlobalRole::dictionary)},
      {"set", kInert},
      {"frozenset", kInert},
      {"list", kInert},
      {"tuple", kInert},
      {"complex", kInert},
      {"bytearray", kInert},
      {"bytes", kInert},
      {"str", kInert},
      {"unicode", kInert},
      {"int", kInert},
      {"long", kInert},
      {"float", kInert},
      {"bool", kInert},
      {"slice", kInert},
      {"range", kInert},
      {"object", kInert},
      {"NoneType", kInert},
  };
  return table;
}

/// Whether the pickle is of a module: its class says so, or an instance dictionary has the key "_parameters"
/// (after its length of 11 in one byte or in four), which state dicts never have.
bool is_of_model(std::string_view name, Bytes pickle) {
  using namespace std::string_view_literals;
  const std::string_view text = as_text(pickle);
  return name.starts_with("torch.nn.") || name.starts_with("torchvision.models.") ||
         name.starts_with("timm.models.") || text.find("\x0b_parameters"sv) != std::string_view::npos ||
         text.find("\x0b\0\0\0_parameters"sv) != std::string_view::npos;
}

}  // namespace

std::optional<AllowedGlobal> find_global(std::string_view name) {
  for (const std::string_view module : {"builtins.", "__builtin__."}) {
    if (!name.starts_with(module)) continue;
    const auto found = builtin_globals().find(name.substr(module.size()));
    return found == builtin_globals().end() ? std::nullopt : std::optional(found->second);
  }
  for (const Table* table : {&torch_globals(), &python_globals()})
    if (const auto found = table->find(name); found != table->end()) return found->second;
  return std::nullopt;
}

void refuse_global(std::string_view name, Bytes pickle) {
  if (is_of_model(name, pickle))
    refuse(fmt::format(
        "holds a whole pickled model (class {}), which only its own code can open; re-save the state "
        "dict alone with torch.save(model.state_dict(), \"FILE.pt\")",
        printable(name)));
  refuse(fmt::format(
      "refers to {}, which is not on the list of what a checkpoint may hold (nothing was run); re-save "
      "the state dict alone with torch.save(model.state_dict(), \"FILE.pt\")",
      printable(name)));
}

}  // namespace backdrop
