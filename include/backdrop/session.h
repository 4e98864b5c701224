/// \file
/// A model on a device, ready to classify and to search.
///
/// \code
/// backdrop::Session session(model, {.device = "cpu", .threads = 8});
/// backdrop::Classification answer = session.classify(views);
/// const int first = answer.predictions[0];  // the model's own class of the first photo
/// \endcode
///
/// Threads: calls may come from any thread; calls on one session wait for each other, since each uses all of
/// the session's threads. A call from inside one of its own callbacks is refused with usage. The destructor
/// must not run before every call has returned. A session that was moved from refuses every call with usage.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backdrop/export.h"
#include "backdrop/image_view.h"
#include "backdrop/model.h"

namespace backdrop {

struct OpenOptions {
  /// "auto", "cpu", "cuda" (the first GPU), "cuda:N", or several GPUs: "cuda:N,M" by index, "cuda:all".
  std::string device = "auto";
  /// "fp32", "bf16" or "int8"; "int16" (CPU); "tf32", "fp16", "fp8" (GPU); "auto": the fastest on the search.
  /// Below fp32 a search's answers are still fp32's: SearchAnswers::screening.
  std::string precision = "fp32";
  int threads = 0;               ///< CPU threads; 0: all that this process may use
  int batch = 0;                 ///< composites a batch, on the CPU 16 at most; 0: chosen for the device
  bool reuse = true;             ///< compute only what each new background changed
  std::size_t cache_memory = 0;  ///< bytes for cached background features; 0: half of what is available
};

struct Classification {
  int classes = 0;
  std::vector<float> logits;     ///< [N][classes]
  std::vector<int> predictions;  ///< [N] the largest logit's class, the lowest among equal ones
};

class BACKDROP_EXPORT Session {
 public:
  /// Throws no_device if a device is absent, cannot be used or lacks the precision's instructions, usage for
  /// options that name nothing known or one GPU twice.
  explicit Session(const Model& model, const OpenOptions& options = {});
  ~Session();
  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;

  /// Classifies photos of the model's size, in fp32 whatever the precision: what makes a lower one
  /// trustworthy is measured on a search's composites. Any number: they are copied some hundreds at a time.
  /// Throws usage for any other size, failed if a logit is not a number.
  Classification classify(std::span<const ImageView> photos);

  /// The same into memory of the caller's: `logits` has photos.size() * classes places. They are given as
  /// they are, numbers or not.
  void classify(std::span<const ImageView> photos, std::span<float> logits);

  const Model& model() const;
  /// One line for people: device, threads, instruction set, batch.
  std::string description() const;

  struct Parts;

 private:
  friend struct Internals;
  std::unique_ptr<Parts> parts_;
};

}  // namespace backdrop
