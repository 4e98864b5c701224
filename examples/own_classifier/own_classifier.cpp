// A classifier of one's own behind the search, on photos and masks that never were files: is a grey
// square on the photo, or a white disk? The classifier looks at the mean brightness only, so backgrounds fool
// it.
#include <backdrop/error.h>
#include <backdrop/search.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr int kSize = 64;
constexpr int kSquare = 0, kDisk = 1;
using Pixels = std::vector<std::uint8_t>;

bool is_inside(int kind, int y, int x) {
  const int dy = y - kSize / 2, dx = x - kSize / 2;
  if (kind == kDisk) return dy * dy + dx * dx < 18 * 18;
  return dy > -18 && dy < 18 && dx > -18 && dx < 18;
}

class BrightnessClassifier : public backdrop::Classifier {
 public:
  int classes() const override { return 2; }
  std::string name() const override { return "brightness"; }

  void classify(const backdrop::PhotoBatch& photos, std::span<float> logits) override {
    const std::size_t bytes = photos.pixels.size() / static_cast<std::size_t>(photos.count);
    for (std::size_t i = 0; i < static_cast<std::size_t>(photos.count); ++i) {
      float sum = 0;
      for (const std::uint8_t value : photos.pixels.subspan(i * bytes, bytes)) sum += value;
      const float brightness = sum / static_cast<float>(bytes) / 255;
      logits[2 * i + kSquare] = 0.25f - brightness;
      logits[2 * i + kDisk] = brightness - 0.25f;
    }
  }
};

int run() {
  const Pixels grey(kSize * kSize * 3, 120), white(kSize * kSize * 3, 255);
  std::vector<std::vector<std::uint8_t>> masks(2);
  for (const int kind : {kSquare, kDisk})
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) masks[static_cast<std::size_t>(kind)].push_back(is_inside(kind, y, x));
  const std::vector<backdrop::ForegroundView> foregrounds{
      {"square", kSquare, {grey, kSize, kSize}, {masks[kSquare], kSize, kSize}},
      {"disk", kDisk, {white, kSize, kSize}, {masks[kDisk], kSize, kSize}}};
  std::vector<Pixels> pixels;
  for (int b = 0; b < 16; ++b) pixels.emplace_back(kSize * kSize * 3, static_cast<std::uint8_t>(16 * b));
  std::vector<backdrop::BackgroundView> backgrounds;
  for (const Pixels& photo : pixels)
    backgrounds.push_back({"grey " + std::to_string(photo[0]), kDisk, {photo, kSize, kSize}});

  const auto data = backdrop::SearchData::copy(foregrounds, backgrounds, {"square", "disk"});
  BrightnessClassifier classifier;
  const auto answers = backdrop::search(classifier, data);
  for (int f = 0; f < data.foregrounds(); ++f)
    std::printf("%s: fooled by %d of %d backgrounds\n", data.foreground_name(f).c_str(),
                answers.fooled[static_cast<std::size_t>(f)], data.backgrounds());
  std::printf("challenge accuracy %.0f%%\n", 100 * answers.challenge_accuracy);
  return 0;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const backdrop::Error& error) {
    std::fprintf(stderr, "own_classifier: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
