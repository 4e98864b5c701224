// A model on a device: the engine behind a gate that lets one call in at a time.
#include "backdrop/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "api/parts.h"
#include "backdrop/error.h"
#include "engine/decision_writer.h"
#include "engine/device_choice.h"

namespace backdrop {
namespace {

constexpr int kLargestBatch = 65536;
constexpr int kFewestPhotosAtOnce = 256;  // copied for one call of the engine

constexpr std::string_view kFastest = "auto";

Precision precision_of(std::string_view text) {
  if (text == kFastest) return Precision::fp32;  // until a search chooses
  if (const auto precision = precision_named(text)) return *precision;
  throw Error(ErrorCode::usage,
              fmt::format("{} is not a precision: auto, fp32, tf32, fp16, bf16, int16, int8 or fp8", text));
}

}  // namespace

void check_threads(int threads) {
  constexpr int kMostThreads = 4096;
  if (threads < 0 || threads > kMostThreads)
    throw Error(ErrorCode::usage, fmt::format("{} threads: 0 to {} are possible", threads, kMostThreads));
}

std::unique_ptr<Engine> open_engine(const Model::Parts& model, const OpenOptions& options) {
  check_threads(options.threads);
  if (options.batch < 0 || options.batch > kLargestBatch)
    throw Error(ErrorCode::usage,
                fmt::format("a batch of {}: 0 to {} are possible", options.batch, kLargestBatch));
  const DeviceChoice choice = parse_device(options.device);
  EngineOptions engine{.threads = options.threads,
                       .batch = options.batch,
                       .reuse = options.reuse,
                       .cache_memory = options.cache_memory,
                       .precision = precision_of(options.precision),
                       .choose_precision = options.precision == kFastest,
                       .calibration = model.calibration,
                       .gpus = choice.gpus};
  if (!choice.gpu) return make_cpu_engine(model.network, model.class_map.map, engine);
  if (engine.precision == Precision::int16)
    throw Error(ErrorCode::usage,
                "precision int16 is for the CPU: a GPU takes fp32, tf32, fp16, bf16, int8 and fp8");
  return make_cuda_engine(model.network, model.class_map.map, engine);
}

CallGate::Pass::Pass(CallGate& gate) : gate_(gate) {
  if (gate.inside_.load() == std::this_thread::get_id())
    throw Error(ErrorCode::usage, "a session was called from inside its own callback");
  gate.mutex_.lock();
  gate.inside_.store(std::this_thread::get_id());
}

CallGate::Pass::~Pass() {
  gate_.inside_.store(std::thread::id());
  gate_.mutex_.unlock();
}

Session::Parts& Internals::parts(const Session& session) {
  if (!session.parts_) throw Error(ErrorCode::usage, "a session was called that was moved from");
  return *session.parts_;
}

int predicted_photo(std::span<const float> logits, std::size_t classes, std::size_t photo) {
  const auto predicted = predicted_class(logits.subspan(photo * classes, classes));
  if (!predicted) throw not_a_number(fmt::format(" on photo {}", photo));
  return *predicted;
}

Session::Session(const Model& model, const OpenOptions& options) : parts_(std::make_unique<Parts>(model)) {
  parts_->options = options;
  parts_->engine = open_engine(Internals::parts(model), options);
  parts_->description = parts_->engine->description();
}

Session::~Session() = default;
Session::Session(Session&& other) noexcept = default;
Session& Session::operator=(Session&& other) noexcept = default;

Classification Session::classify(std::span<const ImageView> photos) {
  Classification answer;
  answer.classes = model().info().classes;
  const auto classes = static_cast<std::size_t>(answer.classes);
  answer.logits.resize(photos.size() * classes);
  classify(photos, answer.logits);
  for (std::size_t i = 0; i < photos.size(); ++i)
    answer.predictions.push_back(predicted_photo(answer.logits, classes, i));
  return answer;
}

void Session::classify(std::span<const ImageView> photos, std::span<float> logits) {
  const auto classes = static_cast<std::size_t>(model().info().classes);
  const std::size_t needed = photos.size() * classes;
  if (logits.size() != needed)
    throw Error(ErrorCode::usage, fmt::format("there is room for {} logits: {} photos need {}", logits.size(),
                                              photos.size(), needed));
  const ValueShape& size = Internals::parts(model()).network->input;
  for (std::size_t i = 0; i < photos.size(); ++i) check_image(photos[i], size, fmt::format("photo {}", i));
  Parts& parts = Internals::parts(*this);
  const CallGate::Pass pass(parts.gate);
  const auto at_once = static_cast<std::size_t>(std::max(kFewestPhotosAtOnce, 4 * parts.engine->fill()));
  std::vector<Image> images;
  for (std::size_t first = 0; first < photos.size(); first += at_once) {
    images.clear();
    for (const ImageView& photo : photos.subspan(first, std::min(at_once, photos.size() - first)))
      images.push_back({photo.height, photo.width, {photo.pixels.begin(), photo.pixels.end()}});
    parts.engine->classify_images(images, logits.data() + first * classes);
  }
}

const Model& Session::model() const {
  return Internals::parts(*this).model;
}

std::string Session::description() const {
  return Internals::parts(*this).description;
}

}  // namespace backdrop
