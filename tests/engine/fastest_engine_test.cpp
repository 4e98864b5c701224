// The choice of a precision, over engines that only take their time.
#include "engine/fastest_engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <numeric>
#include <optional>
#include <thread>

#include "backdrop/error.h"
#include "engine/screening.h"

namespace backdrop {
namespace {

constexpr int kBackgroundCount = 50;
constexpr int kForegrounds = 20;

// What all engines were asked.
struct SleepLog {
  std::map<Precision, std::chrono::milliseconds> pause;
  std::optional<Precision> refuted = std::nullopt;
  std::vector<Precision> made = {};
  int alive = 0;
  int with_photos = 0;
  std::vector<std::size_t> composites = {};  // of each call to the last engine
  bool heard_answers = false;
};

class SleepingEngine final : public Engine {
 public:
  SleepingEngine(SleepLog& log, Precision precision) : log_(log), precision_(precision) {
    EXPECT_EQ(log_.with_photos, 0) << "two engines with caches at a time";
    log_.made.push_back(precision);
    log_.composites.clear();
    ++log_.alive;
  }
  ~SleepingEngine() override {
    --log_.alive;
    set_backgrounds(std::make_shared<const std::vector<Image>>());
  }

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    const bool some = !backgrounds->empty();
    log_.with_photos += static_cast<int>(some) - static_cast<int>(has_photos_);
    has_photos_ = some;
  }
  void classify_composites(std::span<const CompositeTask> tasks) override {
    std::size_t count = 0;
    for (const CompositeTask& task : tasks) {
      count += task.backgrounds.size();
      log_.heard_answers = log_.heard_answers || task.predictions != nullptr;
    }
    log_.composites.push_back(count);
    if (precision_ == log_.refuted) throw RefutedBounds("the audit found a wrong answer");
    std::this_thread::sleep_for(log_.pause[precision_]);
  }
  void classify_images(std::span<const Image>, float*) override {}
  int classes() const override { return 9; }
  int batch() const override { return 8; }
  int tile() const override { return 20; }
  int threads() const override { return 1; }
  int fill() const override { return 25; }
  std::string description() const override { return name(precision_); }
  std::size_t workspace_bytes() const override { return 0; }

 private:
  SleepLog& log_;
  Precision precision_;
  bool has_photos_ = false;
};

class FastestEngines : public testing::Test {
 protected:
  std::unique_ptr<Engine> make() {
    auto engine = make_fastest_engine({Precision::fp16, Precision::int8, Precision::fp32},
                                      [this](Precision precision) -> std::unique_ptr<Engine> {
                                        return std::make_unique<SleepingEngine>(log, precision);
                                      });
    engine->set_backgrounds(std::make_shared<const std::vector<Image>>(kBackgroundCount));
    return engine;
  }
  std::vector<CompositeTask> run() {
    std::iota(backgrounds.begin(), backgrounds.end(), 0);
    std::vector<CompositeTask> tasks(kForegrounds);
    for (CompositeTask& task : tasks) {
      task.mask = &mask;
      task.backgrounds = backgrounds;
      task.predictions = predictions.data();
    }
    return tasks;
  }

  SleepLog log{.pause = {{Precision::fp16, std::chrono::milliseconds(200)},
                         {Precision::int8, std::chrono::milliseconds(1)},
                         {Precision::fp32, std::chrono::milliseconds(200)}}};
  std::vector<int> backgrounds = std::vector<int>(kBackgroundCount);
  std::vector<std::int16_t> predictions = std::vector<std::int16_t>(kBackgroundCount);
  Mask mask;
};

TEST_F(FastestEngines, TheFastestDoesTheRest) {
  const auto engine = make();
  engine->calibrate(run(), {});
  EXPECT_EQ(engine->description(), "int8");
  EXPECT_EQ(log.made, (std::vector{Precision::fp16, Precision::fp16, Precision::int8, Precision::fp32,
                                   Precision::int8}));
  EXPECT_EQ(log.alive, 1);
  EXPECT_EQ(log.with_photos, 1);
  EXPECT_TRUE(log.composites.empty()) << "the chosen one begins anew";
  EXPECT_FALSE(log.heard_answers);
  engine->classify_composites(run());
  EXPECT_EQ(log.composites, std::vector<std::size_t>{kForegrounds * kBackgroundCount});
  EXPECT_TRUE(log.heard_answers);
  engine->calibrate(run(), {});
  EXPECT_EQ(log.made.size(), 5u) << "chosen once";
}

TEST_F(FastestEngines, TheFirstTasksWillDo) {
  const auto engine = make();
  engine->classify_composites(std::vector<CompositeTask>());
  EXPECT_EQ(log.made.size(), 1u);
  engine->classify_composites(run());
  EXPECT_EQ(engine->description(), "int8");
}

TEST_F(FastestEngines, WhatTheAuditRefutesIsNotTaken) {
  log.refuted = Precision::int8;
  log.pause[Precision::fp32] = std::chrono::milliseconds(400);
  const auto engine = make();
  engine->calibrate(run(), {});
  EXPECT_EQ(engine->description(), "fp16");
  engine->classify_composites(run());
}

// Four fills of five foregrounds on as many backgrounds as a tile has, twice.
TEST_F(FastestEngines, TimesAPartOfTheRun) {
  const auto engine = make();
  std::vector<std::size_t> timed;
  int asked = 0;
  const auto stop = [&] {
    timed = log.composites;
    return ++asked == 2;
  };
  try {
    engine->calibrate(run(), stop);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::interrupted);
  }
  EXPECT_EQ(timed, (std::vector<std::size_t>{100, 100}));
  engine->calibrate(run(), {});
  EXPECT_EQ(engine->description(), "int8");
}

}  // namespace
}  // namespace backdrop
