/// \file
/// Several engines of one network as one: several GPUs, each with a thread of its own.
///
/// All of them keep the same backgrounds. A call's composites are handed out foreground by foreground to
/// whichever engine asks next, so a slow one holds nobody up; only where few foregrounds are left is one
/// divided by its backgrounds. Below fp32 all engines decide with the same scales and error bounds, so that
/// the answers do not depend on which of them computed what.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/engine.h"

namespace backdrop {

/// An engine that can decide as others of its kind do. What follows is for precisions below fp32.
class PeerEngine : public Engine {
 public:
  /// The scales of stored values; none before they are chosen.
  virtual std::optional<Calibration> calibration() const = 0;
  /// Takes a peer's scales for the backgrounds set last, before anything is computed on them.
  virtual void set_calibration(const Calibration& calibration) = 0;
  /// After `calibrate`: raises each class's error and bound to those that a peer measured on the same sample.
  virtual void widen_bounds(const ScreeningReport& peer) = 0;
};

/// The engines (at least one) must have been made for one network with the same options. `makes_scales`: they
/// have no scales and the precision needs some; the first engine then chooses them for all, anew for other
/// backgrounds.
std::unique_ptr<Engine> join_engines(std::vector<std::unique_ptr<PeerEngine>> engines, bool makes_scales);

}  // namespace backdrop
