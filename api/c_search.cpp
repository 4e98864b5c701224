// The C interface's searches: callbacks in, arrays out.
#include <fmt/format.h>

#include "api/c_handles.h"
#include "api/c_support.h"

namespace backdrop::c {
namespace {

SearchMode mode_of(std::int32_t mode) {
  if (mode == BACKDROP_MODE_ALL) return SearchMode::all;
  if (mode == BACKDROP_MODE_FIRST) return SearchMode::first;
  if (mode == BACKDROP_MODE_FIRST_IN_ORDER) return SearchMode::first_in_order;
  throw Error(ErrorCode::usage, fmt::format("mode {} is none", mode));
}

ExistingRun existing_of(std::int32_t existing) {
  if (existing == BACKDROP_EXISTING_REFUSE) return ExistingRun::refuse;
  if (existing == BACKDROP_EXISTING_REPLACE) return ExistingRun::replace;
  if (existing == BACKDROP_EXISTING_RESUME) return ExistingRun::resume;
  throw Error(ErrorCode::usage, fmt::format("existing {} is none", existing));
}

SearchOptions search_options(const backdrop_search_options& options) {
  return {.mode = mode_of(options.mode),
          .out = text_or(options.out, ""),
          .existing = existing_of(options.existing),
          .most_pairs = static_cast<std::size_t>(options.most_pairs),
          .most_seconds = options.most_seconds,
          .logits = options.logits != 0};
}

backdrop_progress progress_of(const Progress& state) {
  return {.size = sizeof(backdrop_progress),
          .settled = state.settled,
          .total = state.total,
          .evaluated = state.evaluated,
          .seconds = state.seconds,
          .vulnerable = state.vulnerable};
}

SearchCallbacks search_callbacks(const backdrop_search_options& options) {
  SearchCallbacks callbacks;
  if (options.progress)
    callbacks.progress = [call = options.progress, user = options.user](const Progress& state) {
      const backdrop_progress progress = progress_of(state);
      call(user, &progress);
    };
  if (options.tile)
    callbacks.tile = [call = options.tile, user = options.user](const TileAnswers& answers) {
      const backdrop_tile tile = {.size = sizeof tile,
                                  .foreground = answers.foreground,
                                  .count = answers.backgrounds.size(),
                                  .backgrounds = answers.backgrounds.data(),
                                  .predictions = answers.predictions.data(),
                                  .margins = answers.margins.data(),
                                  .logits = answers.logits.empty() ? nullptr : answers.logits.data()};
      call(user, &tile);
    };
  if (options.cancel)
    callbacks.cancel = [call = options.cancel, user = options.user] { return call(user) != 0; };
  if (options.enough)
    callbacks.enough = [call = options.enough, user = options.user](const Progress& state) {
      const backdrop_progress progress = progress_of(state);
      return call(user, &progress) != 0;
    };
  return callbacks;
}

/// A C program's classifier as one of C++.
class CallersClassifier : public Classifier {
 public:
  explicit CallersClassifier(const backdrop_classifier& given) : given_(given) {
    if (given.classify == nullptr) throw Error(ErrorCode::usage, "classify is NULL");
  }

  int classes() const override { return given_.classes; }
  int batch() const override { return given_.batch != 0 ? given_.batch : Classifier::batch(); }
  std::string name() const override { return text_or(given_.name, "classifier"); }
  std::vector<int> labels() const override {
    if (given_.labels == nullptr) return Classifier::labels();
    return {given_.labels, given_.labels + given_.classes};
  }

  void classify(const PhotoBatch& photos, std::span<float> logits) override {
    const std::int32_t failure =
        given_.classify(given_.user, photos.pixels.data(), static_cast<std::size_t>(photos.count),
                        photos.height, photos.width, logits.data());
    if (failure != 0) throw Error(ErrorCode::failed, fmt::format("the classifier returned {}", failure));
  }

 private:
  backdrop_classifier given_;
};

template <typename Searcher>
backdrop_status search_with(Searcher&& searcher, const backdrop_data* data,
                            const backdrop_search_options* given, backdrop_answers** answers) noexcept {
  return guarded([&] {
    required(answers, "answers") = nullptr;
    const SearchData& found = required(data, "data").data;
    const auto options = options_or_default(given, "backdrop_search_options");
    *answers = new backdrop_answers{searcher(found, search_options(options), search_callbacks(options))};
  });
}

}  // namespace
}  // namespace backdrop::c

using backdrop::c::guarded;
using backdrop::c::required;

backdrop_status backdrop_search(backdrop_session* session, const backdrop_data* data,
                                const backdrop_search_options* options, backdrop_answers** answers) {
  return backdrop::c::search_with(
      [session](const auto&... arguments) {
        return backdrop::search(required(session, "session").session, arguments...);
      },
      data, options, answers);
}

backdrop_status backdrop_search_with(const backdrop_classifier* classifier, const backdrop_data* data,
                                     const backdrop_search_options* options, backdrop_answers** answers) {
  return backdrop::c::search_with(
      [classifier](const auto&... arguments) {
        required(classifier, "classifier");
        backdrop::c::check_struct(classifier, classifier->size, sizeof *classifier, "backdrop_classifier");
        backdrop::c::CallersClassifier callers(*classifier);
        return backdrop::search(callers, arguments...);
      },
      data, options, answers);
}

backdrop_status backdrop_answers_get_info(const backdrop_answers* answers, backdrop_answers_info* info) {
  return guarded([&] {
    const backdrop::SearchAnswers& found = required(answers, "answers").answers;
    const std::size_t size = required(info, "info").size;
    backdrop::c::check_size(size, sizeof *info, "backdrop_answers_info");
    const auto& screening = found.screening;
    *info = {.size = size,
             .foregrounds = found.foregrounds,
             .backgrounds = found.backgrounds,
             .vulnerable = found.vulnerable,
             .complete = found.complete ? 1 : 0,
             .challenge_accuracy = found.challenge_accuracy,
             .evaluated = found.evaluated,
             .seconds = found.seconds,
             .predictions = found.predictions.data(),
             .margins = found.margins.data(),
             .fooled = found.fooled.data(),
             .fooled_share = found.fooled_share.data(),
             .into_class_share = found.into_class_share.data(),
             .screened_in = screening ? screening->precision.c_str() : nullptr,
             .screened = screening ? screening->composites : 0,
             .rechecked = screening ? screening->rechecked : 0,
             .audited = screening ? screening->audited : 0,
             .wrong_share_bound = screening ? screening->wrong_share_bound : 0,
             .confidence = screening ? screening->confidence : 0,
             .recorded = found.recorded};
  });
}

void backdrop_answers_free(backdrop_answers* answers) {
  delete answers;
}
