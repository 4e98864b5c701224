/// \file
/// The search for backgrounds that fool a classifier, from C. Included by backdrop/backdrop.h, which says
/// what holds for all of it.
///
/// \code
/// backdrop_data* data = NULL;
/// backdrop_answers* answers = NULL;
/// backdrop_answers_info found = {sizeof found};
/// backdrop_search_options options = {sizeof options};
/// options.out = "results";
/// if (backdrop_data_load("bg_challenge", 0, &data) == BACKDROP_OK &&
///     backdrop_search(session, data, &options, &answers) == BACKDROP_OK &&
///     backdrop_answers_get_info(answers, &found) == BACKDROP_OK)
///   printf("challenge accuracy %.2f%%\n", 100 * found.challenge_accuracy);
/// backdrop_answers_free(answers);
/// backdrop_data_free(data);
/// \endcode
#ifndef BACKDROP_C_SEARCH_H
#define BACKDROP_C_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "backdrop/c/data.h"
#include "backdrop/export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  BACKDROP_MODE_ALL = 0,            ///< every foreground on every background
  BACKDROP_MODE_FIRST = 1,          ///< each until some background fools it, likely ones first
  BACKDROP_MODE_FIRST_IN_ORDER = 2  ///< the same in plain order, as the published script
};

/// What to do with a run that is already in `out`.
enum { BACKDROP_EXISTING_REFUSE = 0, BACKDROP_EXISTING_REPLACE = 1, BACKDROP_EXISTING_RESUME = 2 };

typedef struct backdrop_progress {
  size_t size;
  uint64_t settled;    ///< pairs that need no more work
  uint64_t total;      ///< foregrounds * backgrounds
  uint64_t evaluated;  ///< composites computed so far
  double seconds;
  int32_t vulnerable;  ///< foregrounds fooled so far
} backdrop_progress;

/// The answers of one foreground on `count` backgrounds, each pair once over the whole search; one that goes
/// on begins with those that its folder has. The arrays end with the callback.
typedef struct backdrop_tile {
  size_t size;
  int32_t foreground;
  size_t count;
  const int32_t* backgrounds;
  const int16_t* predictions;
  const float* margins;
  const float* logits;  ///< [count][classes]; NULL unless the options ask for them
} backdrop_tile;

/// Callbacks are called from the thread that searches, get `user`, may be NULL, must return (no longjmp, no
/// exception), and must not call the session that is searching: that is refused.
typedef struct backdrop_search_options {
  size_t size;
  int32_t mode;         ///< BACKDROP_MODE_...
  int32_t existing;     ///< BACKDROP_EXISTING_...; RESUME: a finished run gives its answers again
  const char* out;      ///< folder for the results; NULL: none
  uint64_t most_pairs;  ///< return what is known after so many composites or some more; 0: no limit
  double most_seconds;  ///< the same after such a time; 0: no limit
  void* user;
  void (*progress)(void* user, const backdrop_progress* progress);
  void (*tile)(void* user, const backdrop_tile* tile);
  int32_t (*cancel)(void* user);  ///< not 0: the search ends with BACKDROP_INTERRUPTED
  /// Not 0: the search returns what is known, as after a limit.
  int32_t (*enough)(void* user, const backdrop_progress* progress);
  int32_t logits;  ///< not 0: give tiles their logits; such a run cannot be resumed, which keeps none
} backdrop_search_options;

/// A classifier of the caller's. `classify` is called from the thread that searches, one call at a time, with
/// at most `batch` composites, 8-bit RGB [count][height][width][3], and fills logits [count][classes]; it
/// returns 0, or anything else to end the search with BACKDROP_FAILED.
typedef struct backdrop_classifier {
  size_t size;
  const char* name;  ///< stands in the results; NULL: "classifier"
  /// [classes] the data's label that each class counts as, or -1; NULL: its own number.
  const int32_t* labels;
  int32_t classes;
  int32_t batch;  ///< 0: 32
  void* user;
  int32_t (*classify)(void* user, const uint8_t* photos, size_t count, int32_t height, int32_t width,
                      float* logits);
} backdrop_classifier;

/// What a search found.
typedef struct backdrop_answers backdrop_answers;

typedef struct backdrop_answers_info {
  size_t size;
  int32_t foregrounds;
  int32_t backgrounds;
  int32_t vulnerable;              ///< foregrounds that some background fools
  int32_t complete;                ///< 0: a limit ended the search
  double challenge_accuracy;       ///< the share that is not vulnerable
  uint64_t evaluated;              ///< composites computed
  double seconds;                  ///< of the search
  const int16_t* predictions;      ///< [foregrounds][backgrounds]; -1: not evaluated
  const float* margins;            ///< the same; not a number: not evaluated
  const int32_t* fooled;           ///< [foregrounds] backgrounds that fool it
  const double* fooled_share;      ///< [backgrounds] of other classes' foregrounds
  const double* into_class_share;  ///< [backgrounds] the same, fooled into the background's class
  const char* screened_in;         ///< the precision below fp32, like "int8"; NULL: all was in fp32
  uint64_t screened;               ///< composites computed in it
  uint64_t rechecked;              ///< of those, too close: computed again in fp32
  uint64_t audited;                ///< of the others, computed again to see; none was wrong
  double wrong_share_bound;        ///< no more of those that stood are wrong, with that confidence
  double confidence;
  uint64_t recorded;  ///< of the composites computed, the ones that belong to the answer
} backdrop_answers_info;

/// BACKDROP_USAGE: data that does not fit the model, a model without labels, or limits that are none;
/// BACKDROP_INTERRUPTED: `cancel` said so; BACKDROP_FAILED: the results cannot be written, or the audit of a
/// lower precision finds a wrong answer.
BACKDROP_EXPORT backdrop_status backdrop_search(backdrop_session* session, const backdrop_data* data,
                                                const backdrop_search_options* options,
                                                backdrop_answers** answers);
/// The same with a classifier of the caller's.
BACKDROP_EXPORT backdrop_status backdrop_search_with(const backdrop_classifier* classifier,
                                                     const backdrop_data* data,
                                                     const backdrop_search_options* options,
                                                     backdrop_answers** answers);
/// Arrays live as long as the answers.
BACKDROP_EXPORT backdrop_status backdrop_answers_get_info(const backdrop_answers* answers,
                                                          backdrop_answers_info* info);
BACKDROP_EXPORT void backdrop_answers_free(backdrop_answers* answers);

#ifdef __cplusplus
}
#endif

#endif
