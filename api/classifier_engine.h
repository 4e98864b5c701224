/// \file
/// A classifier of the caller's in the place of an engine: composites are made here, batch by batch, and
/// given to it as photos.
#pragma once

#include <memory>

#include "backdrop/classifier.h"
#include "engine/engine.h"
#include "models/network.h"

namespace backdrop {

/// The labels of the classifier's classes as a map. Throws usage unless there are as many as classes, each -1
/// or less than `label_count`.
ClassMap class_map_of(const Classifier& classifier, int label_count);

/// `classifier` must outlive the engine. Photos and masks must be of `size`. What the classifier throws comes
/// out of the engine's calls.
std::unique_ptr<Engine> make_classifier_engine(Classifier& classifier, const ClassMap& map,
                                               const ValueShape& size);

}  // namespace backdrop
