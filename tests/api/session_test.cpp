// A model on a device, as the public API shows it.
#include "backdrop/session.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include "backdrop/error.h"
#include "engine/engine.h"
#include "models/build.h"
#include "tests/api/models.h"

namespace backdrop::test {
namespace {

const Model& demo_model() {
  static const Model model = Model::load(kDemoCheckpoint);
  return model;
}

ErrorCode code_of(const OpenOptions& options) {
  try {
    Session session(demo_model(), options);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::failed;
}

TEST(PublicSession, GivesTheEnginesLogits) {
  const std::vector<Photo> photos{noise(1), noise(2), noise(3)};
  std::vector<ImageView> views;
  std::vector<Image> images;
  for (const Photo& photo : photos) {
    views.push_back(photo.view());
    images.push_back({photo.height, photo.width, photo.pixels});
  }
  const Checkpoint checkpoint = load_checkpoint(kDemoCheckpoint);
  const auto engine =
      make_cpu_engine(std::make_shared<const Network>(build_network(checkpoint, {}, kDemoCheckpoint)),
                      default_class_map(9), {});
  std::vector<float> expected(photos.size() * 9);
  engine->classify_images(images, expected.data());

  Session session(demo_model(), {.device = "cpu"});
  const Classification answer = session.classify(views);
  EXPECT_EQ(answer.classes, 9);
  EXPECT_EQ(answer.logits, expected);
  ASSERT_EQ(answer.predictions.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto row = expected.begin() + static_cast<std::ptrdiff_t>(9 * i);
    EXPECT_EQ(answer.predictions[i], std::max_element(row, row + 9) - row);
  }
}

TEST(PublicSession, GivesNoClassForLogitsThatAreNotNumbers) {
  const LoadOptions overflowing{.mean = {{0, 0, 0}}, .deviation = {{1e-38F, 1e-38F, 1e-38F}}};
  Session session(Model::load(kDemoCheckpoint, overflowing), {.device = "cpu"});
  const std::vector<Photo> photos{noise(1), noise(2)};
  const std::vector<ImageView> views{photos[0].view(), photos[1].view()};
  std::vector<float> logits(2 * 9);
  session.classify(views, logits);
  EXPECT_TRUE(std::isnan(logits[9]));
  try {
    session.classify(views);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_STREQ(error.what(),
                 "the network's output is not a number on photo 0: its weights overflow fp32; "
                 "check the checkpoint");
  }
}

/// Leaves this process room for so many bytes more.
void limit_address_space(std::size_t room) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + room;
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
}

TEST(PublicSessionDeathTest, NeedsNoMemoryForACopyOfAllPhotos) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's allocator needs memory of its own";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto classify_many = [] {
    const Photo photo = noise(1);
    const std::vector<ImageView> photos(800, photo.view());
    Session session(demo_model(), {.device = "cpu", .threads = 1});
    session.classify(std::span(photos).first(256));
    limit_address_space(photos.size() * photo.pixels.size() / 2);
    std::_Exit(session.classify(photos).predictions.size() == photos.size() ? 0 : 1);
  };
  EXPECT_EXIT(classify_many(), ::testing::ExitedWithCode(0), "");
}

TEST(PublicSession, RefusesPhotosOfOtherSizes) {
  Session session(demo_model());
  const Photo small = noise(1, 100);
  const Photo right = noise(1);
  EXPECT_THROW(session.classify(std::array{small.view()}), Error);
  EXPECT_THROW(session.classify(std::array{ImageView{small.pixels, 224, 224}}), Error);
  EXPECT_THROW(session.classify(std::array{ImageView{{}, -1, -1}}), Error);
  std::vector<float> logits(8);
  EXPECT_THROW(session.classify(std::array{right.view()}, logits), Error);
  EXPECT_TRUE(session.classify({}).predictions.empty());
}

TEST(PublicSession, RefusesCallsAfterItWasMoved) {
  const Photo photo = noise(1);
  const ImageView view = photo.view();
  Session session(demo_model(), {.threads = 1});
  Session other = std::move(session);
  EXPECT_THROW(session.classify({&view, 1}), Error);
  EXPECT_THROW(session.model(), Error);
  EXPECT_THROW(session.description(), Error);
  session = std::move(other);
  EXPECT_EQ(session.classify({&view, 1}).classes, 9);
}

TEST(PublicSession, RefusesDevicesThatAreNone) {
  EXPECT_EQ(code_of({.device = "gpu"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.device = "cuda:"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.device = "cuda:1x"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.device = "cuda:0,"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.device = "cuda:2,2"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.device = "cuda:999"}), ErrorCode::no_device);
  EXPECT_EQ(code_of({.device = "cuda:998,999"}), ErrorCode::no_device);
  EXPECT_EQ(code_of({.device = "cpu", .precision = "fp16"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.precision = "fp12"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.threads = -1}), ErrorCode::usage);
  EXPECT_EQ(code_of({.batch = 1 << 20}), ErrorCode::usage);
}

TEST(PublicSession, IsSharedByThreads) {
  Session session(demo_model());
  const Photo photo = noise(7);
  const std::vector<float> expected = session.classify(std::array{photo.view()}).logits;
  std::vector<std::vector<float>> answers(4);
  std::vector<std::thread> threads;
  for (auto& answer : answers)
    threads.emplace_back([&] { answer = session.classify(std::array{photo.view()}).logits; });
  for (std::thread& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, expected);
}

}  // namespace
}  // namespace backdrop::test
