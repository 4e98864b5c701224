// The rules below fp32, on numbers made up for them: what is decided again, what is audited, and the account.
#include "engine/recheck.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/screening.h"
#include "tests/engine/random_search.h"

namespace backdrop {
namespace {

using test::kClasses;
using test::RandomSearch;

TEST(Screening, LeadsAndTheirErrors) {
  const std::vector<float> fast{1, 4, 3};
  EXPECT_EQ(lead(fast), 1);
  EXPECT_EQ(lead(std::vector<float>{2, 2}), 0);
  EXPECT_TRUE(std::isnan(lead(std::vector<float>{1, NAN, 0})));
  // The same shift of all logits is no error.
  EXPECT_EQ(lead_error(fast, std::vector<float>{2, 5, 4}), 0);
  EXPECT_EQ(lead_error(fast, std::vector<float>{1, 4, 4.5f}), 1.5f);
  EXPECT_EQ(lead_error(fast, std::vector<float>{0, 9, 2}), 0);  // the fast lead falls short
  EXPECT_EQ(lead_error(std::vector<float>{1, INFINITY}, std::vector<float>{1, 2}), INFINITY);
  EXPECT_TRUE(needs_recheck(0.5f, 0.5f));
  EXPECT_FALSE(needs_recheck(0.6f, 0.5f));
  EXPECT_TRUE(needs_recheck(NAN, 0.5f));
  EXPECT_TRUE(needs_recheck(INFINITY, 0.5f));
}

TEST(Screening, BoundsAreOfTheForegroundsClass) {
  ErrorBounds bounds;
  EXPECT_EQ(bounds.of(0), INFINITY);
  for (const float error : {0.5f, 0.1f, 0.2f}) bounds.add(0, error);
  for (int i = 0; i < 60; ++i) bounds.add(1, 0.3f);
  bounds.add(2, 3.0f);
  bounds.add(3, 0.01f);  // less than all classes' quantile
  bounds.finish();
  EXPECT_EQ(bounds.of(0), kRecheckSafety * 0.5f);
  EXPECT_EQ(bounds.of(2), kRecheckSafety * 3.0f);
  EXPECT_EQ(bounds.of(1), kRecheckSafety * 0.3f);
  EXPECT_EQ(bounds.of(3), kRecheckSafety * 0.3f);
  EXPECT_EQ(bounds.of(4), kRecheckSafety * 3.0f);
  ASSERT_EQ(bounds.classes().size(), 4u);
  EXPECT_EQ(bounds.classes()[0].quantile, 0.2f);
  EXPECT_EQ(bounds.classes()[0].maximum, 0.5f);
}

TEST(Screening, AnotherDevicesBoundsOnlyWiden) {
  ErrorBounds bounds;
  ErrorBounds others;
  for (int i = 0; i < 60; ++i)
    for (const int label : {0, 1}) {
      bounds.add(label, label == 0 ? 0.3f : 0.1f);
      others.add(label, label == 0 ? 0.2f : 0.4f);
    }
  bounds.finish();
  others.finish();
  const float first = bounds.of(0);
  bounds.widen(others.classes());
  EXPECT_EQ(bounds.of(0), std::max(first, others.of(0)));
  EXPECT_EQ(bounds.of(1), others.of(1));
  EXPECT_EQ(bounds.of(2), others.of(1));  // not sampled
  EXPECT_EQ(bounds.classes()[0].maximum, 0.3f);
  EXPECT_EQ(bounds.classes()[1].maximum, 0.4f);
  EXPECT_EQ(bounds.classes()[1].quantile, 0.4f);
  EXPECT_EQ(bounds.classes()[1].sample, 60u);
}

TEST(Screening, ALargerRunHasALargerSampleAndANarrowerFactor) {
  const Image photo = test::random_image(8, 1);
  const Mask mask = test::make_mask("disc", 8, 1);
  std::vector<int> backgrounds(1000);
  std::iota(backgrounds.begin(), backgrounds.end(), 0);
  float earlier = kRecheckSafety;
  for (const std::size_t foregrounds : {4, 90, 360, 3600}) {
    std::vector<CompositeTask> run;
    for (std::size_t f = 0; f < foregrounds; ++f)
      run.push_back({&photo, &mask, static_cast<int>(f % 9), backgrounds});
    const CompositeSample sample = draw_sample(run);
    const std::size_t of_class = std::clamp(foregrounds * 1000 / 64 / 72, std::size_t{4}, std::size_t{64});
    EXPECT_EQ(sample.tasks.size(), std::min(9 * of_class, foregrounds));
    EXPECT_EQ(sample.size(), 8 * sample.tasks.size());
    ErrorBounds bounds;
    for (const CompositeTask& task : sample.tasks)
      for (std::size_t b = 0; b < task.backgrounds.size(); ++b) bounds.add(task.label, 0.25f);
    bounds.finish();
    EXPECT_LE(bounds.safety(), earlier);
    earlier = bounds.safety();
    EXPECT_EQ(bounds.of(0), 0.25f * bounds.safety());
  }
  EXPECT_EQ(earlier, kLeastSafety);
}

TEST(Screening, TheBoundOnWrongAnswers) {
  EXPECT_EQ(wrong_share_bound(0, 0), 1);
  EXPECT_NEAR(wrong_share_bound(0, 100), 1 - std::pow(0.05, 0.01), 1e-9);
  EXPECT_NEAR(wrong_share_bound(1, 100), 0.04656, 1e-4);  // Clopper and Pearson's, from tables
  EXPECT_EQ(wrong_share_bound(5, 5), 1);
}

TEST(Screening, TheAuditDrawsItsShare) {
  RandomSearch search(16, 2, 1);
  const auto tasks = search.tasks();
  for (const std::uint64_t one_in : {64u, 250u}) {
    int audited = 0;
    for (const CompositeTask& task : tasks)
      for (int b = 0; b < 3200; ++b)
        if (is_audited(fingerprint(task), b, one_in)) ++audited;
    EXPECT_NEAR(audited, 32000.0 / static_cast<double>(one_in),
                4 * std::sqrt(32000.0 / static_cast<double>(one_in)));
  }
}

TEST(Screening, LargeRunsAuditASmallerShare) {
  RandomSearch search(16, 2, 1);
  CompositeTask task = search.tasks()[0];
  const auto one_in = [&](std::size_t foregrounds, std::size_t backgrounds) {
    const std::vector<int> all(backgrounds);
    task.backgrounds = all;
    return draw_sample(std::vector<CompositeTask>(foregrounds, task)).audit_one_in;
  };
  EXPECT_EQ(one_in(1, 1), 64u);
  EXPECT_EQ(one_in(1024, 4096), 64u);
  EXPECT_EQ(one_in(4050, 4050), 250u);
}

// Who is asked about what. The composite on background b leads by b in the first precision and by b * 1.5 in
// the second, and all errors are 8 in the first, 1 in the second.
TEST(Screening, ASecondPrecisionIsAskedFirstAboutWhatIsClose) {
  constexpr int kCount = 400;
  RandomSearch search(16, kCount, 1);
  const std::vector<CompositeTask> tasks = search.tasks();
  Screening screening(Precision::int8, Precision::fp16);
  const CompositeSample sample = draw_sample(tasks);
  const auto logits = [&](float lead) {
    SampleLogits all(sample, kClasses);
    for (std::size_t t = 0; t < sample.tasks.size(); ++t)
      for (std::size_t i = 0; i < sample.tasks[t].backgrounds.size(); ++i) all.at(t, i)[0] = lead;
    return all;
  };
  screening.measure(sample, logits(18), logits(10));
  screening.measure_second(sample, logits(11), logits(10));
  const float bound = 8 * screening.report().safety, second_bound = bound / 8;
  EXPECT_EQ(screening.bound_of(0), bound);

  Screening::Call call(screening, tasks);
  std::int64_t close = 0;
  for (std::size_t t = 0; t < tasks.size(); ++t)
    for (std::size_t place = 0; place < kCount; ++place) {
      const Screening::Verdict verdict = call.judge(t, place, static_cast<float>(place));
      EXPECT_EQ(verdict == Screening::Verdict::close, static_cast<float>(place) <= bound);
      if (verdict == Screening::Verdict::stands) continue;
      if (verdict == Screening::Verdict::close) ++close;
      call.note({t, place, verdict == Screening::Verdict::audited ? 3 : -1});
    }
  std::int64_t in_fp32 = 0, close_in_fp16 = 0, audited = 0;
  screening.make_again(tasks, call.take(), kClasses,
                       {[&](std::span<const CompositeTask> again) {
                          for (const CompositeTask& task : again)
                            for (std::size_t i = 0; i < task.backgrounds.size(); ++i) {
                              ++in_fp32;
                              task.predictions[i] = 3;
                              task.margins[i] = 32;
                            }
                        },
                        [&](std::span<const CompositeTask> again, const Screening::Call& judge) {
                          for (std::size_t t = 0; t < again.size(); ++t)
                            for (std::size_t i = 0; i < again[t].backgrounds.size(); ++i) {
                              const float lead = 1.5f * static_cast<float>(again[t].backgrounds[i]);
                              EXPECT_LE(again[t].backgrounds[i], bound);
                              const Screening::Verdict verdict = judge.judge(t, i, lead);
                              if (verdict == Screening::Verdict::stands) {
                                again[t].predictions[i] = 3;
                                again[t].margins[i] = 16;
                                continue;
                              }
                              ++(verdict == Screening::Verdict::close ? close_in_fp16 : audited);
                              judge.note({t, i, verdict == Screening::Verdict::audited ? 3 : -1});
                            }
                        }});
  const ScreeningReport report = screening.report();
  EXPECT_EQ(report.composites, std::int64_t(tasks.size()) * kCount);
  EXPECT_EQ(report.second.value().precision, Precision::fp16);
  EXPECT_EQ(report.second->composites, close);
  EXPECT_EQ(report.second->errors[0].bound, second_bound);
  EXPECT_EQ(report.rechecked, close_in_fp16);
  EXPECT_EQ(report.rechecked + report.audited, in_fp32);
  EXPECT_GT(audited, 0);
  EXPECT_GT(report.audited, audited);
  EXPECT_EQ(report.wrong, 0);
  for (std::size_t f = 0; f < tasks.size(); ++f)
    for (std::size_t b = 0; b < kCount; ++b) {
      const auto lead = static_cast<float>(b);
      const bool stood = lead > bound && search.predictions[f][b] == -7;
      if (stood) continue;
      EXPECT_EQ(search.predictions[f][b], 3);
      const bool by_second = lead <= bound && 1.5f * lead > second_bound;
      EXPECT_TRUE(search.margins[f][b] == 32 || (by_second && search.margins[f][b] == 16)) << b;
    }
}

TEST(Screening, PartsOfARunHaveOneAccount) {
  ScreeningReport one;
  one.precision = Precision::int8;
  one.errors = {{0, 8, 1, 2, 4}, {2, 8, 1, 2, 4}};
  one.set_counts(100, {.second = 0, .rechecked = 20, .audited = 30});
  ScreeningReport other = one;
  other.sums = Precision::bf16;
  other.errors = {{1, 8, 3, 3, 6}, {2, 4, 0.5f, 3, 6}};
  other.set_counts(50, {.second = 0, .rechecked = 5, .audited = 10});
  const ScreeningReport sum = sum_of(std::array{one, other});
  EXPECT_EQ(sum.composites, 150);
  EXPECT_EQ(sum.counts(), (ScreeningCounts{.second = 0, .rechecked = 25, .audited = 40}));
  EXPECT_EQ(sum.wrong_share_bound, wrong_share_bound(0, 40));
  EXPECT_EQ(sum.sums, Precision::bf16);
  ASSERT_EQ(sum.errors.size(), 3u);
  EXPECT_EQ(sum.errors[1].bound, 6);
  EXPECT_EQ(sum.errors[2].label, 2);
  EXPECT_EQ(sum.errors[2].sample, 12u);
  EXPECT_EQ(sum.errors[2].quantile, 1);
  EXPECT_EQ(sum.errors[2].maximum, 3);
}

TEST(Screening, AWrongAnswerOfTheSecondPrecisionIsFound) {
  RandomSearch search(16, 400, 1);
  const std::vector<CompositeTask> tasks = search.tasks();
  Screening screening(Precision::fp8, Precision::fp16);
  const CompositeSample sample = draw_sample(tasks);
  const SampleLogits zeros(sample, kClasses);
  screening.measure(sample, zeros, zeros);
  screening.measure_second(sample, zeros, zeros);
  Screening::Call call(screening, tasks);
  for (std::size_t t = 0; t < tasks.size(); ++t)
    for (std::size_t place = 0; place < 400; ++place) call.note({t, place, -1});
  const auto exact = [](std::span<const CompositeTask> again) {
    for (const CompositeTask& task : again) std::fill_n(task.predictions, task.backgrounds.size(), 3);
  };
  const auto second = [](std::span<const CompositeTask> again, const Screening::Call& judge) {
    for (std::size_t t = 0; t < again.size(); ++t)
      for (std::size_t i = 0; i < again[t].backgrounds.size(); ++i)
        if (judge.judge(t, i, 1) == Screening::Verdict::audited) judge.note({t, i, 5});
  };
  try {
    screening.make_again(tasks, call.take(), kClasses, {exact, second});
    FAIL();
  } catch (const RefutedBounds& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(std::string(error.what()).find("an answer in fp16 that is not fp32's"), std::string::npos);
  }
}

}  // namespace
}  // namespace backdrop
