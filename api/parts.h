/// \file
/// What stands behind the public classes.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backdrop/model.h"
#include "backdrop/search_data.h"
#include "backdrop/session.h"
#include "engine/engine.h"
#include "models/network.h"
#include "report/run_record.h"
#include "search/inputs.h"

namespace backdrop {

struct Model::Parts {
  ModelInfo info;
  std::shared_ptr<const Network> network;
  NamedClassMap class_map;  ///< no label for any class where `can_search` is false
  bool can_search = false;
  ModelRecord record;
  bool allow_partial = false;
  std::optional<Calibration> calibration;  ///< of a converted checkpoint
};

/// One call at a time. A thread that comes back while it is inside would wait for itself: refused with usage.
class CallGate {
 public:
  class Pass {
   public:
    explicit Pass(CallGate& gate);
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    CallGate& gate_;
  };

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> inside_{};
};

struct Session::Parts {
  explicit Parts(const Model& session_model) : model(session_model) {}

  Model model;
  OpenOptions options;
  std::string description;
  std::unique_ptr<Engine> engine;
  CallGate gate;
};

struct SearchData::Parts {
  ChallengeInput input;
  ValueShape size;
  std::string root;  ///< empty for data from memory and for parts of data
  std::vector<int> foreground_labels;
  std::vector<int> background_labels;
  int threads = 0;  ///< that its reader was given
  mutable std::once_flag hashed;
  mutable std::string sha256;

  /// These throw usage for an index that is none.
  const Foreground& foreground(int index) const;
  const Image& background(int index) const;
  /// manifest_sha256, computed at the first call with that call's threads.
  const std::string& hash(int with_threads) const;
};

/// Throws usage unless so many can be asked for; 0: all that this process may use.
void check_threads(int threads);

/// Throws usage for options that are out of range or of the other kind of device, no_device.
std::unique_ptr<Engine> open_engine(const Model::Parts& model, const OpenOptions& options);

/// The class of the photo's largest logit among [photos][classes]. Throws failed if one is not a number.
int predicted_photo(std::span<const float> logits, std::size_t classes, std::size_t photo);

/// Names and versions for records.
Versions library_versions();

/// The way from the public classes to their parts.
struct Internals {
  static const Model::Parts& parts(const Model& model) { return *model.parts_; }
  static const SearchData::Parts& parts(const SearchData& data) { return *data.parts_; }
  /// Throws usage for a session that was moved from.
  static Session::Parts& parts(const Session& session);
};

/// Throws usage, naming `what`, unless the view has as many bytes as height and width say, and those are the
/// network's.
void check_image(const ImageView& view, const ValueShape& expected, const std::string& what);
/// A view as the engine's image; copies the pixels. Throws as check_image does.
Image copy_image(const ImageView& view, const ValueShape& expected, const std::string& what);
Mask copy_mask(const MaskView& view, const ValueShape& expected, const std::string& what);

}  // namespace backdrop
