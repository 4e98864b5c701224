#include "api/classifier_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "backdrop/error.h"
#include "engine/decision_writer.h"
#include "kernels/composite.h"

namespace backdrop {
namespace {

constexpr int kLargestClassifierBatch = 65536;
constexpr int kDefaultBatch = 32;

// One composite: a task and the place of a background in it.
struct Pair {
  const CompositeTask* task;
  std::size_t index;
};

class ClassifierEngine final : public Engine {
 public:
  ClassifierEngine(Classifier& classifier, const ClassMap& map, const ValueShape& size)
      : classifier_(classifier),
        size_(size),
        writer_(map, static_cast<int>(map.in9.size())),
        batch_(classifier.batch()) {
    if (batch_ < 1 || batch_ > kLargestClassifierBatch)
      throw Error(ErrorCode::usage, fmt::format("the classifier has a batch of {}: 1 to {} are possible",
                                                batch_, kLargestClassifierBatch));
    pixels_.resize(static_cast<std::size_t>(batch_) * photo_bytes());
    logits_.resize(static_cast<std::size_t>(batch_) * map.in9.size());
  }

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    backgrounds_ = std::move(backgrounds);
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    std::vector<Pair> pairs;
    for (const CompositeTask& task : tasks)
      for (std::size_t i = 0; i < task.backgrounds.size(); ++i) pairs.push_back({&task, i});
    for (std::size_t first = 0; first < pairs.size(); first += static_cast<std::size_t>(batch_)) {
      const std::size_t count = std::min(static_cast<std::size_t>(batch_), pairs.size() - first);
      for (std::size_t i = 0; i < count; ++i) composite(pairs[first + i], pixels_.data() + i * photo_bytes());
      ask(count);
      for (std::size_t i = 0; i < count; ++i)
        writer_.write(*pairs[first + i].task, pairs[first + i].index,
                      logits_.data() + i * static_cast<std::size_t>(classes()));
    }
  }

  void classify_images(std::span<const Image> images, float* logits) override {
    for (std::size_t first = 0; first < images.size(); first += static_cast<std::size_t>(batch_)) {
      const std::size_t count = std::min(static_cast<std::size_t>(batch_), images.size() - first);
      for (std::size_t i = 0; i < count; ++i)
        std::copy(images[first + i].pixels.begin(), images[first + i].pixels.end(),
                  pixels_.begin() + static_cast<std::ptrdiff_t>(i * photo_bytes()));
      ask(count);
      const std::size_t values = count * static_cast<std::size_t>(classes());
      logits = std::copy_n(logits_.begin(), values, logits);
    }
  }

  int classes() const override { return writer_.classes(); }
  int batch() const override { return batch_; }
  int tile() const override { return 0; }
  int threads() const override { return 1; }
  std::string device() const override { return "caller"; }
  std::string description() const override { return fmt::format("{}, batch {}", classifier_.name(), batch_); }
  std::size_t workspace_bytes() const override { return pixels_.size() + logits_.size() * sizeof(float); }

 private:
  std::size_t photo_bytes() const { return static_cast<std::size_t>(size_.size()); }

  void composite(const Pair& pair, std::uint8_t* output) const {
    const CompositeTask& task = *pair.task;
    const Image& background = (*backgrounds_)[static_cast<std::size_t>(task.backgrounds[pair.index])];
    kernels::composite_photo_cpu(task.foreground->pixels.data(), background.pixels.data(),
                                 task.mask->values.data(), task.mask->values.size(), output);
  }

  // A classifier that forgets to write is found out: not a number is refused.
  void ask(std::size_t count) {
    std::fill(logits_.begin(), logits_.end(), std::numeric_limits<float>::quiet_NaN());
    const auto logits = std::span(logits_).first(count * static_cast<std::size_t>(classes()));
    classifier_.classify(
        {std::span(pixels_).first(count * photo_bytes()), static_cast<int>(count), size_.height, size_.width},
        logits);
    const auto none =
        std::find_if(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); });
    if (none == logits.end()) return;
    const auto place = none - logits.begin();
    throw Error(
        ErrorCode::failed,
        fmt::format("the classifier gave class {} of photo {} of {} a logit that is not a number, or none",
                    place % classes(), place / classes(), count));
  }

  Classifier& classifier_;
  ValueShape size_;
  DecisionWriter writer_;
  int batch_;
  std::shared_ptr<const std::vector<Image>> backgrounds_;
  std::vector<std::uint8_t> pixels_;  // [batch][height][width][3]
  std::vector<float> logits_;         // [batch][classes]
};

}  // namespace

ClassMap class_map_of(const Classifier& classifier, int label_count) {
  const int classes = classifier.classes();
  if (classes < 1 || classes > kMostModelClasses)
    throw Error(ErrorCode::usage, fmt::format("the classifier has {} classes: 1 to {} are possible", classes,
                                              kMostModelClasses));
  ClassMap map{classifier.labels()};
  if (map.in9.size() != static_cast<std::size_t>(classes))
    throw Error(ErrorCode::usage,
                fmt::format("the classifier has {} classes, but {} labels", classes, map.in9.size()));
  for (const int label : map.in9)
    if (label < -1 || label >= label_count)
      throw Error(ErrorCode::usage,
                  fmt::format("the classifier's label {} is none of the {} of the data", label, label_count));
  return map;
}

std::unique_ptr<Engine> make_classifier_engine(Classifier& classifier, const ClassMap& map,
                                               const ValueShape& size) {
  return std::make_unique<ClassifierEngine>(classifier, map, size);
}

Classifier::~Classifier() = default;

std::vector<int> Classifier::labels() const {
  std::vector<int> identity;
  for (int c = 0; c < classes(); ++c) identity.push_back(c);
  return identity;
}

int Classifier::batch() const {
  return kDefaultBatch;
}

std::string Classifier::name() const {
  return "classifier";
}

}  // namespace backdrop
