/// \file
/// How many composites run side by side at each layer.
///
/// A batch reads a layer's weights once. Few composites keep their activations in cache, and that is what
/// early layers need; behind the hand-off, where activations are small and weights large, several batches are
/// taken together. The lists are the same for every foreground there: such a batch may hold composites of
/// several.
#pragma once

#include <climits>
#include <cstddef>

#include "models/network.h"

namespace backdrop {

struct BatchRows {
  /// The same at every layer.
  BatchRows(int rows) : shallow(rows), deep(rows) {}  // NOLINT(google-explicit-constructor)
  BatchRows(int shallow_rows, int deep_rows, int first_deep, bool deep_images = false)
      : shallow(shallow_rows), deep(deep_rows), cut(first_deep), images(deep_images) {}

  int of_value(int value) const { return value >= cut ? deep : shallow; }
  int of_layer(int index) const { return index >= cut ? deep : shallow; }

  int shallow;
  int deep;
  int cut = INT_MAX;    ///< the value, and the layer that reads it, from which on there are `deep` rows
  bool images = false;  ///< deep values lie as whole images
};

/// The first value behind `hand_off` of which no layer from it on reads an earlier one.
int earliest_cut(const Network& network, int hand_off);

/// Deep batches are as many shallow ones as a kernel takes. The cut is as early as it can be: behind
/// `hand_off`, where the values of a deep batch, of `element_bytes` an element, fit a thread's cache, and
/// where no layer reads a value from before.
BatchRows choose_batch_rows(const Network& network, int hand_off, int shallow, std::size_t element_bytes);

}  // namespace backdrop
