// Several engines as one, over engines that only note what they are asked.
#include "engine/several_engines.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

#include "backdrop/error.h"

namespace backdrop {
namespace {

constexpr int kFewClasses = 3;
constexpr int kBatch = 4;

// What one engine was asked, and how it behaves. Read between calls only.
struct Log {
  std::size_t composites = 0;
  std::size_t photos = 0;
  std::vector<std::size_t> parts;  // composites of each call
  std::vector<std::size_t> cuts;   // backgrounds of each task
  int prepared = 0;
  std::size_t masks = 0;  // of the last time
  int calibrated = 0;
  std::size_t calibrated_on = 0;  // tasks
  std::vector<Calibration> taken;
  std::chrono::milliseconds pause{0};
  std::atomic<bool> fails{false};
  int tile = 0;
  float error = 1;
  std::optional<Precision> sums;
};

// Answers with numbers that name the foreground's label and the background.
class NotingEngine final : public PeerEngine {
 public:
  NotingEngine(Log& log, Precision precision) : log_(log), precision_(precision) {
    report_.precision = precision;
  }

  void set_backgrounds(std::shared_ptr<const std::vector<Image>>) override {}
  void prepare(std::span<const Mask* const> masks) override {
    ++log_.prepared;
    log_.masks = masks.size();
  }
  void calibrate(std::span<const CompositeTask> run, const StopAsked&) override {
    ++log_.calibrated;
    log_.calibrated_on = run.size();
    if (!calibration_) calibration_ = Calibration{{{log_.error, 0.0f}}};
    report_.errors = {{2, 5, log_.error, log_.error, 2 * log_.error}};
    report_.sums = log_.sums;
  }
  void classify_composites(std::span<const CompositeTask> tasks) override {
    std::size_t count = 0;
    for (const CompositeTask& task : tasks) count += task.backgrounds.size();
    log_.parts.push_back(count);
    log_.composites += count;
    report_.composites += static_cast<std::int64_t>(count);
    std::this_thread::sleep_for(log_.pause);
    if (log_.fails) throw Error(ErrorCode::failed, "it broke");
    for (const CompositeTask& task : tasks) {
      log_.cuts.push_back(task.backgrounds.size());
      for (std::size_t i = 0; i < task.backgrounds.size(); ++i) {
        const int background = task.backgrounds[i];
        task.predictions[i] = static_cast<std::int16_t>(100 * task.label + background);
        if (task.margins != nullptr) task.margins[i] += static_cast<float>(background);
        if (task.logits != nullptr)
          for (int c = 0; c < kFewClasses; ++c)
            task.logits[i * kFewClasses + c] = static_cast<float>(10 * background + c);
      }
    }
  }
  void classify_images(std::span<const Image> images, float* logits) override {
    log_.photos += images.size();
    for (std::size_t i = 0; i < images.size() * kFewClasses; ++i)
      logits[i] = static_cast<float>(images[i / kFewClasses].height * 10 + static_cast<int>(i % kFewClasses));
  }
  int classes() const override { return kFewClasses; }
  int batch() const override { return kBatch; }
  int tile() const override { return log_.tile; }
  int threads() const override { return 1; }
  std::string description() const override { return "notes"; }
  std::size_t workspace_bytes() const override { return 100; }
  std::optional<ScreeningReport> screening() const override {
    if (precision_ == Precision::fp32) return std::nullopt;
    return report_;
  }
  std::optional<Calibration> calibration() const override { return calibration_; }
  void set_calibration(const Calibration& calibration) override {
    log_.taken.push_back(calibration);
    calibration_ = calibration;
  }
  void widen_bounds(const ScreeningReport& peer) override {
    report_.errors[0].bound = std::max(report_.errors[0].bound, peer.errors[0].bound);
  }

 private:
  Log& log_;
  Precision precision_;
  ScreeningReport report_;
  std::optional<Calibration> calibration_;
};

// `counts[t]` backgrounds for task t, with room for the answers.
struct Work {
  Image photo;
  Mask mask;
  std::vector<std::vector<int>> backgrounds;
  std::vector<std::vector<std::int16_t>> predictions;
  std::vector<std::vector<float>> margins, logits;

  explicit Work(const std::vector<int>& counts) {
    for (const int count : counts) {
      backgrounds.emplace_back(static_cast<std::size_t>(count));
      std::iota(backgrounds.back().begin(), backgrounds.back().end(), 7);
      predictions.emplace_back(static_cast<std::size_t>(count), std::int16_t{-1});
      margins.emplace_back(static_cast<std::size_t>(count));
      logits.emplace_back(static_cast<std::size_t>(count * kFewClasses));
    }
  }

  std::vector<CompositeTask> tasks() {
    std::vector<CompositeTask> result;
    for (std::size_t t = 0; t < backgrounds.size(); ++t)
      result.push_back({&photo, &mask, static_cast<int>(t), backgrounds[t], predictions[t].data(),
                        t % 2 == 0 ? margins[t].data() : nullptr, t % 3 == 0 ? logits[t].data() : nullptr});
    return result;
  }

  // Each composite once: margins were added to.
  void expect_answers() const {
    for (std::size_t t = 0; t < backgrounds.size(); ++t)
      for (std::size_t i = 0; i < backgrounds[t].size(); ++i) {
        const int background = 7 + static_cast<int>(i);
        ASSERT_EQ(predictions[t][i], 100 * static_cast<int>(t) + background);
        if (t % 2 == 0) {
          ASSERT_EQ(margins[t][i], static_cast<float>(background));
        }
        if (t % 3 == 0) {
          ASSERT_EQ(logits[t][i * kFewClasses + 2], static_cast<float>(10 * background + 2));
        }
      }
  }
};

std::unique_ptr<Engine> join(std::vector<Log>& logs, Precision precision = Precision::fp32,
                             bool makes_scales = false) {
  std::vector<std::unique_ptr<PeerEngine>> engines;
  for (Log& log : logs) engines.push_back(std::make_unique<NotingEngine>(log, precision));
  return join_engines(std::move(engines), makes_scales);
}

TEST(SeveralEngines, EveryCompositeOnceWhateverTheTasks) {
  for (const std::size_t count : {1u, 2u, 5u}) {
    std::vector<Log> logs(count);
    const auto engine = join(logs);
    for (const std::vector<int>& counts : {std::vector{1}, std::vector{0, 3, 0}, std::vector{97},
                                           std::vector{8, 1, 64, 0, 5, 13, 4}, std::vector<int>(50, 3)}) {
      Work work(counts);
      engine->classify_composites(work.tasks());
      work.expect_answers();
    }
    engine->classify_composites({});
    // Of a task that was divided no part is less than a batch.
    for (const Log& log : logs)
      for (const std::size_t cut : log.cuts) EXPECT_TRUE(cut >= kBatch || cut == 1 || cut == 3) << cut;
    EXPECT_EQ(engine->threads(), static_cast<int>(count));
    EXPECT_EQ(engine->fill(), kBatch * static_cast<int>(count));
    EXPECT_EQ(engine->workspace_bytes(), 100 * count);
  }
}

TEST(SeveralEngines, ASlowOneDoesLess) {
  std::vector<Log> logs(2);
  logs[0].pause = std::chrono::milliseconds(1);
  logs[1].pause = std::chrono::milliseconds(60);
  Work work(std::vector<int>(40, 8));
  join(logs)->classify_composites(work.tasks());
  work.expect_answers();
  EXPECT_GT(logs[0].composites, logs[1].composites);
  // The largest portion first, and never less than a batch.
  for (const Log& log : logs)
    for (const std::size_t part : log.parts) EXPECT_TRUE(part >= kBatch && part <= 80) << part;
}

TEST(SeveralEngines, PhotosKeepTheirOrder) {
  std::vector<Log> logs(3);
  std::vector<Image> photos(41);
  for (std::size_t i = 0; i < photos.size(); ++i) photos[i].height = static_cast<int>(i);
  std::vector<float> logits(photos.size() * kFewClasses);
  const auto engine = join(logs);
  engine->classify_images(photos, logits.data());
  for (std::size_t i = 0; i < photos.size(); ++i)
    EXPECT_EQ(logits[i * kFewClasses + 1], static_cast<float>(10 * i + 1));
  EXPECT_EQ(logs[0].photos + logs[1].photos + logs[2].photos, photos.size());
  engine->classify_images({}, nullptr);
}

TEST(SeveralEngines, AreAllPreparedForTheWholeOfTheTasks) {
  std::vector<Log> logs(2);
  const auto engine = join(logs);
  Work work({9, 9, 9});
  engine->classify_composites(work.tasks());
  engine->classify_composites(work.tasks());
  for (const Log& log : logs) {
    EXPECT_EQ(log.prepared, 1);
    EXPECT_EQ(log.masks, 3u);
    EXPECT_EQ(log.calibrated, 0);
  }
  engine->set_backgrounds(nullptr);
  engine->classify_composites(work.tasks());
  EXPECT_EQ(logs[0].prepared, 2);
}

TEST(SeveralEngines, TheSmallestTile) {
  std::vector<Log> logs(3);
  EXPECT_EQ(join(logs)->tile(), 0);
  logs[0].tile = 90;
  logs[2].tile = 30;
  EXPECT_EQ(join(logs)->tile(), 30);
}

TEST(SeveralEngines, DecideByOnesScalesAndTheWidestBounds) {
  std::vector<Log> logs(3);
  logs[1].error = 4;
  logs[2].sums = Precision::fp16;
  const auto engine = join(logs, Precision::int8, true);
  Work work({9, 9, 9, 9});
  engine->classify_composites(work.tasks());
  work.expect_answers();
  for (const Log& log : logs) {
    EXPECT_EQ(log.calibrated, 1);
    EXPECT_EQ(log.calibrated_on, 4u);
  }
  EXPECT_TRUE(logs[0].taken.empty());
  for (const std::size_t i : {1u, 2u}) {
    ASSERT_EQ(logs[i].taken.size(), 1u);
    EXPECT_EQ(logs[i].taken[0].values[0].scale, 1.0f);
  }
  const ScreeningReport report = engine->screening().value();
  EXPECT_EQ(report.errors[0].bound, 8.0f);
  EXPECT_EQ(report.sums, Precision::fp16);
  EXPECT_EQ(report.composites, 36);
  EXPECT_GT(report.calibration_seconds, 0);

  // The next run has bounds of its own and the same scales.
  engine->calibrate(work.tasks(), {});
  for (const Log& log : logs) EXPECT_EQ(log.calibrated, 2);
  EXPECT_EQ(logs[1].taken.size(), 1u);
}

TEST(SeveralEngines, ScalesThatAreThereAreKept) {
  std::vector<Log> logs(2);
  const auto engine = join(logs, Precision::fp16);
  Work work({9});
  engine->calibrate(work.tasks(), {});
  for (const Log& log : logs) {
    EXPECT_EQ(log.calibrated, 1);
    EXPECT_TRUE(log.taken.empty());
  }
}

TEST(SeveralEngines, TheFirstErrorEndsTheCallAndTheOthersStop) {
  std::vector<Log> logs(2);
  logs[0].fails = true;
  logs[0].pause = std::chrono::milliseconds(20);
  logs[1].pause = std::chrono::milliseconds(100);
  const auto engine = join(logs);
  Work work(std::vector<int>(400, 8));
  try {
    engine->classify_composites(work.tasks());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_STREQ(error.what(), "it broke");
  }
  // At most the parts that both had in hand.
  EXPECT_LE(logs[0].parts.size(), 1u);
  EXPECT_LE(logs[1].parts.size(), 2u);
  logs[0].fails = false;
  Work again({50, 50});
  engine->classify_composites(again.tasks());
  again.expect_answers();
}

}  // namespace
}  // namespace backdrop
