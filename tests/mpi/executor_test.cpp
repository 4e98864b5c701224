// Searches on 1 to 5 ranks, here threads, give what one process gives.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <functional>
#include <thread>
#include <utility>

#include "../search/fake_engine.h"
#include "backdrop/error.h"
#include "engine/screening.h"
#include "search/mpi_executor.h"
#include "search/mpi_messages.h"
#include "search/runner.h"
#include "thread_ranks.h"

namespace backdrop::testing {
namespace {

constexpr int kForegrounds = 23;
constexpr int kBackgrounds = 37;
constexpr int kClasses = 9;

/// About one pair in twelve is fooled.
void script(int f, int b, std::span<float> logits) {
  for (std::size_t c = 0; c < logits.size(); ++c)
    logits[c] = static_cast<float>((f * 7 + b * 3 + int(c) * 5) % 11);
  if ((f * 5 + b) % 12 != 0) logits[static_cast<std::size_t>(f % kClasses)] = 20;
}

FakeEngine fake_engine(const ChallengeInput& input, Script of_pairs = script) {
  FakeEngine engine(kClasses, std::move(of_pairs));
  engine.tile_size = 16;
  engine.set_backgrounds(input.backgrounds);
  return engine;
}

using MakePlan = std::unique_ptr<WorkPlan> (*)(const PlanShape&);

SearchResult search(Engine& engine, const ChallengeInput& input, MakePlan make_plan,
                    const SearchHooks& hooks) {
  const PlanShape shape = plan_shape(engine, input);
  const auto plan = make_plan(shape);
  return run_search(engine, input, identity_map(kClasses), *plan, shape, hooks);
}

struct RanksSearch {
  SearchResult result;
  std::vector<RankWork> work;
};

/// The search of rank 0, with `size` - 1 threads serving it; each rank has a script of its own.
RanksSearch search_on_ranks(
    int size, MakePlan make_plan, SearchHooks hooks,
    const std::function<Script(int rank)>& script_of = [](int) { return script; }) {
  const ChallengeInput input = fake_input(kForegrounds, kBackgrounds, kClasses);
  ThreadWorld world(size);
  std::vector<std::thread> others;
  for (int rank = 1; rank < size; ++rank)
    others.emplace_back([&, rank] {
      ThreadRanks ranks(world, rank);
      FakeEngine engine = fake_engine(input, script_of(rank));
      engine.account = ScreeningReport();
      serve_blocks(ranks, engine, input, nullptr);
    });
  struct JoinAll {
    std::vector<std::thread>& threads;
    ~JoinAll() {
      for (std::thread& thread : threads) thread.join();
    }
  } join_all{others};
  ThreadRanks ranks(world, 0);
  FakeEngine engine = fake_engine(input, script_of(0));
  engine.account = ScreeningReport();
  RankExecutor executor(ranks, engine, input, 0);
  hooks.executor = &executor;
  SearchResult result = search(engine, input, make_plan, hooks);
  return {std::move(result), executor.work()};
}

class OnRanks : public ::testing::TestWithParam<std::tuple<int, MakePlan>> {};

TEST_P(OnRanks, GivesWhatOneProcessGives) {
  const auto [size, make_plan] = GetParam();
  const ChallengeInput input = fake_input(kForegrounds, kBackgrounds, kClasses);
  FakeEngine engine = fake_engine(input);
  engine.account = ScreeningReport();
  const SearchResult expected = search(engine, input, make_plan, {});
  const SearchResult result = search_on_ranks(size, make_plan, {}).result;
  EXPECT_EQ(result.evaluated, expected.evaluated);
  EXPECT_EQ(result.recorded, expected.recorded);
  EXPECT_GT(result.decided_again.rechecked, 0);
  EXPECT_EQ(result.decided_again, expected.decided_again);
  EXPECT_EQ(result.pairs.predictions, expected.pairs.predictions);
  for (std::size_t i = 0; i < expected.pairs.margins.size(); ++i)
    EXPECT_TRUE(result.pairs.margins[i] == expected.pairs.margins[i] ||
                (std::isnan(result.pairs.margins[i]) && std::isnan(expected.pairs.margins[i])));
}

std::string mode_and_ranks(const ::testing::TestParamInfo<std::tuple<int, MakePlan>>& instance) {
  const auto [size, make_plan] = instance.param;
  return std::string(make_plan == &plan_all_pairs ? "all" : "first") + "_on_" + std::to_string(size);
}

INSTANTIATE_TEST_SUITE_P(AllModes, OnRanks,
                         ::testing::Combine(::testing::Values(1, 2, 3, 5),
                                            ::testing::Values(&plan_all_pairs, &plan_first_fooling)),
                         mode_and_ranks);

TEST(Executor, EveryRankIsAccountedFor) {
  constexpr int kRanks = 3;
  // Nobody goes on before all ranks hold a block, so each of them has one.
  std::barrier all_hold_a_block(kRanks);
  const auto meeting_script = [&all_hold_a_block](int) -> Script {
    return [&all_hold_a_block, met = false](int f, int b, std::span<float> logits) mutable {
      if (!std::exchange(met, true)) all_hold_a_block.arrive_and_wait();
      script(f, b, logits);
    };
  };
  const std::vector<RankWork> work = search_on_ranks(kRanks, &plan_all_pairs, {}, meeting_script).work;
  ASSERT_EQ(work.size(), std::size_t{kRanks});
  std::int64_t composites = 0;
  for (const RankWork& rank : work) {
    EXPECT_GT(rank.blocks, 0);
    composites += rank.composites;
  }
  EXPECT_EQ(composites, kForegrounds * kBackgrounds);
}

TEST(Executor, StopsInTheMiddle) {
  std::atomic<int> asked = 0;
  SearchHooks hooks;
  hooks.stop = [&asked] { return ++asked > 3; };
  try {
    search_on_ranks(3, &plan_all_pairs, hooks);
    FAIL() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::interrupted);
  }
}

TEST(Executor, AnEnginesErrorLeavesTheSearch) {
  const ChallengeInput input = fake_input(4, 4, kClasses);
  ThreadWorld world(1);
  ThreadRanks ranks(world, 0);
  FakeEngine engine(kClasses,
                    [](int, int, std::span<float>) { throw Error(ErrorCode::failed, "the device is gone"); });
  engine.set_backgrounds(input.backgrounds);
  RankExecutor executor(ranks, engine, input, 0);
  SearchHooks hooks;
  hooks.executor = &executor;
  EXPECT_THROW(search(engine, input, &plan_all_pairs, hooks), Error);
}

TEST(Executor, RankZeroHearsOfAWrongAnswerThatAnotherFinds) {
  std::atomic<bool> found = false;
  const auto script_of = [&found](int rank) -> Script {
    return [&found, rank](int f, int b, std::span<float> logits) {
      if (rank > 0) {
        found = true;
        throw RefutedBounds("a wrong answer");
      }
      while (!found) std::this_thread::yield();
      script(f, b, logits);
    };
  };
  EXPECT_THROW(search_on_ranks(3, &plan_all_pairs, {}, script_of), RefutedBounds);
}

TEST(Executor, AnswersThatNobodyAskedForEndTheSearch) {
  const auto answers_of = [](const Block& block, std::size_t predictions_more, std::size_t margins_more) {
    BlockAnswers answers;
    answers.predictions.resize(block.pairs + predictions_more);
    answers.margins.resize(block.pairs + margins_more);
    return answers;
  };
  using Messages = std::vector<Message>;
  const std::vector<std::function<Messages(const Wave&)>> rogues = {
      [&](const Wave& wave) {
        return Messages{block_message(wave.blocks.size(), answers_of(wave.blocks[0], 0, 0))};
      },
      [&](const Wave& wave) { return Messages(2, block_message(1, answers_of(wave.blocks[1], 0, 0))); },
      [&](const Wave& wave) { return Messages{block_message(0, answers_of(wave.blocks[0], 1, 0))}; },
      [&](const Wave& wave) { return Messages{block_message(0, answers_of(wave.blocks[0], 0, 1))}; }};
  for (const auto& rogue : rogues) {
    const ChallengeInput input = fake_input(kForegrounds, kBackgrounds, kClasses);
    ThreadWorld world(2);
    std::atomic<bool> sent = false;
    std::thread other([&] {
      ThreadRanks ranks(world, 1);
      const Wave wave = read_wave(ranks.from_first({}));
      for (const Message& message : rogue(wave)) ranks.send(message);
      // What comes after that is not looked at.
      for (int i = 0; i < 2; ++i) ranks.send(block_message(0, answers_of(wave.blocks[0], 0, 0)));
      ranks.send(refutation_message({"too late"}));
      ranks.send(wave_end_message({1, {}}));
      sent = true;
      EXPECT_TRUE(read_wave(ranks.from_first({})).blocks.empty());
    });
    {
      ThreadRanks ranks(world, 0);
      FakeEngine engine = fake_engine(input, [&sent](int f, int b, std::span<float> logits) {
        while (!sent) std::this_thread::yield();
        script(f, b, logits);
      });
      RankExecutor executor(ranks, engine, input, 0);
      SearchHooks hooks;
      hooks.executor = &executor;
      try {
        search(engine, input, &plan_all_pairs, hooks);
        ADD_FAILURE() << "taken";
      } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "a rank sent answers that nobody asked for");
      }
    }
    other.join();
  }
}

TEST(Executor, AllRanksHaveTheTextOfTheFirst) {
  ThreadWorld world(2);
  std::thread first([&world] {
    ThreadRanks ranks(world, 0);
    EXPECT_EQ(text_of_first(ranks, "int8"), "int8");
  });
  ThreadRanks ranks(world, 1);
  EXPECT_EQ(text_of_first(ranks, "auto"), "int8");
  first.join();
}

TEST(Executor, RanksWithOtherInputsAreRefused) {
  ThreadWorld world(2);
  std::thread first([&world] {
    ThreadRanks ranks(world, 0);
    require_same_run(ranks, {{"mode", "all"}, {"checkpoint", "a=b"}});
  });
  ThreadRanks ranks(world, 1);
  try {
    require_same_run(ranks, {{"mode", "all"}, {"checkpoint", "c"}});
    ADD_FAILURE() << "taken";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "rank 1 would compute something else than rank 0: its checkpoint is c, not a=b");
  }
  first.join();
}

}  // namespace
}  // namespace backdrop::testing
