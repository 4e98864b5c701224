/// \file
/// Finds the state dict in the object tree of a torch.save file.
///
/// It is the outermost dict, or under one of the keys that training scripts wrap it in: `state_dict`,
/// `model_state_dict`, `model`, `net` (also one in another, as far as four). What lies beside it (optimizer,
/// epoch, arguments) is passed over.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/pickle.h"

namespace backdrop {

struct FoundStateDict {
  /// By the names in the file, each name once. They refer to the pickle.
  std::vector<std::pair<std::string_view, const PickleTensor*>> tensors;
  /// The keys of other dicts of tensors beside it, as `state_dict_ema`.
  std::vector<std::string> others;
};

/// Throws bad_input that says what the file holds instead.
FoundStateDict find_state_dict(const Pickle& pickle);

}  // namespace backdrop
