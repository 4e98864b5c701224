/// \file
/// An engine in whatever precision is the fastest on the run to come.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/engine.h"

namespace backdrop {

using MakeEngine = std::function<std::unique_ptr<Engine>(Precision)>;

/// `calibrate`, or the first tasks without it, run a part of the run by an engine of each precision, what is
/// decided again in fp32 included; the fastest one's begins anew and does the rest. A precision in which the
/// audit finds a wrong answer is not taken. There is one engine at a time: each has the device's memory for
/// itself. `precisions` are at least one.
std::unique_ptr<Engine> make_fastest_engine(std::vector<Precision> precisions, MakeEngine make);

}  // namespace backdrop
