/// \file
/// A scripted search into a result folder, stopped and resumed at will.
#pragma once

#include <filesystem>

#include "search/result_folder.h"
#include "search/runner.h"
#include "tests/search/fake_engine.h"

namespace backdrop::testing {

inline constexpr int kScriptedClasses = 9;

/// Every third foreground is never fooled, the others by every fifth background from some place on.
inline void scripted_logits(int f, int b, std::span<float> logits) {
  for (std::size_t c = 0; c < logits.size(); ++c)
    logits[c] = 0.1f * static_cast<float>((f + b + static_cast<int>(c)) % 7);
  const int from = f % 3 == 0 ? 1 << 20 : f * f % 60;
  const bool fooled = b >= from && (b - from) % 5 == 0;
  logits[static_cast<std::size_t>((fooled ? f + 1 + b % 8 : f) % kScriptedClasses)] = 5;
}

struct JournaledSearch {
  explicit JournaledSearch(std::filesystem::path folder) : out(std::move(folder)) {
    engine.set_backgrounds(input.backgrounds);
    engine.batch_size = 2;
    engine.thread_count = 1;
  }

  /// Searches until `stop_after` composites have been computed in this session; commits if it is done.
  SearchResult run(ResultFolder::Existing existing, std::size_t stop_after = SIZE_MAX) {
    ResultFolder folder(out, existing);
    SearchHooks hooks;
    hooks.journal = &folder.begin(identity, plan_shape(engine, input));
    engine.visited.clear();
    hooks.stop = [&] { return engine.visited.size() >= stop_after; };
    const PlanShape shape = hooks.journal->shape();
    const auto plan = plan_adaptive(shape, input.foreground_labels(), input.background_labels());
    SearchResult result = run_search(engine, input, identity_map(kScriptedClasses), *plan, shape, hooks);
    folder.write_answers(result.pairs);
    folder.write("run.json", "{}");
    folder.commit();
    return result;
  }

  std::filesystem::path partial() const { return out.string() + ".partial"; }
  std::filesystem::path journal() const { return partial() / "journal"; }

  std::filesystem::path out;
  RunIdentity identity{{"checkpoint sha256", "aa"}, {"mode", "first"}};
  ChallengeInput input = fake_input(40, 90, kScriptedClasses);
  FakeEngine engine{kScriptedClasses, scripted_logits};
};

}  // namespace backdrop::testing
