/// \file
/// The allow-list: every class and function that a pickle may refer to, and what stands for it here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loaders/checkpoint_tensor.h"

namespace backdrop {

enum class GlobalRole : std::uint8_t {
  storage_type,       ///< torch.FloatStorage ...: only named in references to storages
  rebuild_tensor,     ///< torch._utils._rebuild_tensor and _rebuild_tensor_v2
  rebuild_parameter,  ///< returns its first argument, a tensor
  rebuild_from_type,  ///< calls its first argument with its third
  size,               ///< torch.Size: returns its first argument, a tuple
  dictionary,         ///< dict and its subclasses
  builtin_by_name,    ///< dill's way to refer to a builtin type
  object,             ///< anything harmless: its instances are inert
};

struct AllowedGlobal {
  GlobalRole role = GlobalRole::object;
  ElementType element_type = ElementType::f32;  ///< of a storage type
};

/// Looks up "module.name"; nothing if it is not on the list.
std::optional<AllowedGlobal> find_global(std::string_view name);

/// Refuses a global that is not on the list. `pickle` is searched for signs that a whole model was pickled.
[[noreturn]] void refuse_global(std::string_view name, Bytes pickle);

}  // namespace backdrop
