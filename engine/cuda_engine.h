/// \file
/// The engine of one GPU.
#pragma once

#include <memory>

#include "engine/several_engines.h"

namespace backdrop {

/// As make_cuda_engine, on this GPU whatever EngineOptions::gpus says. Makes it the calling thread's.
std::unique_ptr<PeerEngine> make_one_cuda_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                                 const EngineOptions& options, int gpu);

}  // namespace backdrop
