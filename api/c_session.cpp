// The C interface's sessions.
#include <fmt/format.h>

#include <vector>

#include "api/c_handles.h"
#include "api/c_support.h"
#include "api/parts.h"

namespace backdrop::c {
namespace {

OpenOptions open_options(const backdrop_open_options* given) {
  const backdrop_open_options options = options_or_default(given, "backdrop_open_options");
  return {.device = text_or(options.device, "auto"),
          .precision = text_or(options.precision, "fp32"),
          .threads = options.threads,
          .batch = options.batch,
          .reuse = options.without_reuse == 0,
          .cache_memory = static_cast<std::size_t>(options.cache_memory)};
}

}  // namespace
}  // namespace backdrop::c

using backdrop::c::guarded;
using backdrop::c::required;

backdrop_status backdrop_session_open(const backdrop_model* model, const backdrop_open_options* options,
                                      backdrop_session** session) {
  return guarded([&] {
    required(session, "session") = nullptr;
    backdrop::Session opened(required(model, "model").model, backdrop::c::open_options(options));
    std::string description = opened.description();
    *session = new backdrop_session{std::move(opened), std::move(description)};
  });
}

backdrop_status backdrop_session_classify(backdrop_session* session, const backdrop_image* images,
                                          size_t count, float* logits, size_t logit_count,
                                          int32_t* predictions) {
  return guarded([&] {
    backdrop::Session& found = required(session, "session").session;
    const auto classes = static_cast<std::size_t>(found.model().info().classes);
    if (logit_count % classes != 0 || logit_count / classes != count)
      throw backdrop::Error(
          backdrop::ErrorCode::usage,
          fmt::format("there is room for {} logits: {} images have {} each", logit_count, count, classes));
    if (count == 0) return;
    required(images, "images");
    required(logits, "logits");
    std::vector<backdrop::ImageView> views;
    for (std::size_t i = 0; i < count; ++i)
      views.push_back(backdrop::c::image_view(backdrop::c::element(images, i, "images")));
    found.classify(views, {logits, logit_count});
    if (predictions == nullptr) return;
    for (std::size_t i = 0; i < count; ++i)
      predictions[i] = backdrop::predicted_photo({logits, logit_count}, classes, i);
  });
}

const char* backdrop_session_description(const backdrop_session* session) {
  return session != nullptr ? session->description.c_str() : nullptr;
}

void backdrop_session_free(backdrop_session* session) {
  delete session;
}
