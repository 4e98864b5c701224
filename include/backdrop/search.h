/// \file
/// The search for backgrounds that fool a classifier.
///
/// \code
/// backdrop::SearchCallbacks callbacks;
/// callbacks.progress = [](const backdrop::Progress& p) { std::printf("%zu of %zu\n", p.settled, p.total); };
/// callbacks.cancel = [&] { return stop.load(); };
/// const auto answers = backdrop::search(session, data, {.out = "results"}, callbacks);
/// std::printf("challenge accuracy %.2f%%\n", 100 * answers.challenge_accuracy);
/// \endcode
///
/// Threads: callbacks are called from the thread that called `search`, between two pieces of work, and may
/// throw: that ends the search and reaches its caller. They must not call the session that is searching.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backdrop/classifier.h"
#include "backdrop/export.h"
#include "backdrop/search_data.h"
#include "backdrop/session.h"

namespace backdrop {

enum class SearchMode {
  all,            ///< every foreground on every background
  first,          ///< each foreground until some background fools it, likely ones first
  first_in_order  ///< the same in plain order, as the published script
};

/// What to do with a run that is already in `out`.
enum class ExistingRun { refuse, replace, resume };

struct SearchOptions {
  SearchMode mode = SearchMode::all;
  /// The folder for the results, as the command writes it; empty: none. While the search runs, and after it
  /// was stopped, the run is in `out` with ".partial" behind its name.
  std::filesystem::path out = {};
  /// `resume` goes on with a run that was stopped, or starts it; a finished one, once it is found to be of
  /// this model, data and options, gives its answers again. Precision `auto` is then, and from then on, the
  /// one that the run was begun in. A classifier of the caller's cannot resume: nothing says that it is the
  /// same one.
  ExistingRun existing = ExistingRun::refuse;
  std::size_t most_pairs = 0;  ///< return what is known after so many composites or some more; 0: no limit
  double most_seconds = 0;     ///< the same after such a time; 0: no limit
  bool logits = false;         ///< give tiles their logits; such a run cannot be resumed, which keeps none
};

struct Progress {
  std::size_t settled = 0;    ///< pairs that need no more work
  std::size_t total = 0;      ///< F * B
  std::size_t evaluated = 0;  ///< composites computed so far, those of a resumed run included
  int vulnerable = 0;         ///< foregrounds fooled so far
  double seconds = 0;
};

/// The answers of one foreground on some backgrounds, each pair once over the whole search; a search that
/// goes on begins with those that its folder has. The spans end with the callback.
struct TileAnswers {
  int foreground = 0;
  std::span<const int> backgrounds;
  std::span<const std::int16_t> predictions;  ///< the classifier's own class
  std::span<const float> margins;             ///< the best score that is right minus the best that is wrong
  std::span<const float> logits;  ///< [backgrounds.size()][classes]; empty unless the options ask for them
};

struct SearchCallbacks {
  std::function<void(const Progress&)> progress = {};
  std::function<void(const TileAnswers&)> tile = {};
  /// True: the search throws Error with `interrupted`, after storing what it has.
  std::function<bool()> cancel = {};
  /// True: the search returns what is known, as after a limit of the options.
  std::function<bool(const Progress&)> enough = {};
};

/// What a search below fp32 says about its trust in the fast precision, whose clear decisions stand while
/// close ones are made again in fp32. The audit makes a random share of the clear ones again, too; if one
/// were wrong, the search would have failed.
struct ScreeningSummary {
  std::string precision;         ///< like "int8"
  std::size_t composites = 0;    ///< all that were computed
  std::size_t rechecked = 0;     ///< too close: computed again in fp32
  std::size_t audited = 0;       ///< of the others: computed again to see
  double wrong_share_bound = 1;  ///< no more of those that stood are wrong, with that confidence
  double confidence = 0;
  double calibration_seconds = 0;  ///< what scales and error bounds took
};

struct SearchAnswers {
  int foregrounds = 0;
  int backgrounds = 0;
  std::vector<std::int16_t> predictions;  ///< [F][B] the classifier's own class; -1: not evaluated
  std::vector<float> margins;             ///< [F][B] right minus wrong; NaN: not evaluated
  std::vector<int> fooled;                ///< [F] backgrounds that fool it; it is vulnerable if there are any
  std::vector<double> fooled_share;       ///< [B] of other classes' foregrounds; NaN: none evaluated
  std::vector<double> into_class_share;   ///< [B] the same, fooled into the background's class
  int vulnerable = 0;
  double challenge_accuracy = 0;
  std::size_t evaluated = 0;  ///< composites computed
  std::size_t recorded = 0;   ///< of those, the ones that belong to the answer
  bool complete = true;       ///< false: a limit ended the search
  double seconds = 0;
  std::optional<ScreeningSummary> screening;  ///< nothing in fp32
};

/// Searches with a session's model. Throws usage for data that does not fit the model, for a model without
/// labels or of more than 32767 classes, or for limits that are none; interrupted when `cancel` says so;
/// failed if the results cannot be written, or if the audit of a lower precision finds a wrong answer.
BACKDROP_EXPORT SearchAnswers search(Session& session, const SearchData& data,
                                     const SearchOptions& options = {},
                                     const SearchCallbacks& callbacks = {});

/// The same with a classifier of the caller's.
BACKDROP_EXPORT SearchAnswers search(Classifier& classifier, const SearchData& data,
                                     const SearchOptions& options = {},
                                     const SearchCallbacks& callbacks = {});

}  // namespace backdrop
