/// \file
/// PyTorch's answers as scripts/make_golden.py writes them, and the comparison of an engine with them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace backdrop {

struct GoldenPhoto {
  std::uint32_t seed = 0;
  std::vector<float> logits;
};

struct GoldenComposite {
  std::uint32_t foreground = 0;
  std::uint32_t background = 0;
  int centre_x = 0;
  int centre_y = 0;
  int radius = 0;
  std::vector<float> logits;
};

/// One network's answers.
struct GoldenAnswers {
  std::string arch;
  std::filesystem::path checkpoint;
  std::vector<GoldenPhoto> photos;
  std::vector<GoldenComposite> composites;
};

/// Reads `folder`/answers.json.
std::vector<GoldenAnswers> read_golden_answers(const std::filesystem::path& folder);

/// Loads the checkpoint, by way of a real file.
std::shared_ptr<const Network> load_network(const std::filesystem::path& checkpoint, const std::string& arch);

/// A CPU engine whose class c counts as the label c % 9.
std::unique_ptr<Engine> make_golden_engine(std::shared_ptr<const Network> network,
                                           const EngineOptions& options);

/// Expects every logit within `tolerance` of the largest one, and the same prediction where the margin
/// exceeds that.
void expect_logits(const float* actual, const std::vector<float>& expected, float tolerance);

/// Expects the engine to agree on every photo and every composite.
void expect_golden_photos(Engine& engine, const GoldenAnswers& answers, float tolerance);
void expect_golden_composites(Engine& engine, const GoldenAnswers& answers, float tolerance);

}  // namespace backdrop
