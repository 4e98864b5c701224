/// \file
/// What the allowed calls and references of a pickle stand for, computed without calling anything.
#pragma once

#include "loaders/pickle.h"

namespace backdrop {

/// The result of `callable(*arguments)`: a tensor, a dict, or an inert object.
PickleValue* pickled_call(Pickle& pickle, const PickleValue& callable, const PickleValue& arguments,
                          Bytes bytes);

/// The result of `type.__new__(type, ...)`: an empty dict or an inert object.
PickleValue* pickled_instance(Pickle& pickle, const PickleValue& type);

/// The storage that a persistent id of torch.save refers to.
PickleValue* pickled_storage(Pickle& pickle, const PickleValue& id);

}  // namespace backdrop
