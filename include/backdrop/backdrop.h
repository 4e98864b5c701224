/// \file
/// Backdrop as a C library: opaque handles, structs that say their size, a status from every call.
///
/// \code
/// backdrop_model* model = NULL;
/// backdrop_session* session = NULL;
/// if (backdrop_model_load("resnet50-in9.pt", NULL, &model) != BACKDROP_OK ||
///     backdrop_session_open(model, NULL, &session) != BACKDROP_OK) {
///   fprintf(stderr, "%s\n", backdrop_last_error());
/// }
/// backdrop_image image = {sizeof image, pixels, 224 * 224 * 3, 224, 224};
/// backdrop_session_classify(session, &image, 1, logits, 9, NULL);
/// backdrop_session_free(session);
/// backdrop_model_free(model);
/// \endcode
///
/// Errors: a call that does not return BACKDROP_OK has changed nothing but the message; pointers it was to
/// write are NULL. NULL for a required pointer is BACKDROP_USAGE. No exception leaves the library.
///
/// Structs: `size` is sizeof of the struct as the caller was compiled. A larger struct of a later header is
/// taken where all that this library does not know is zero. NULL for a struct of options means the defaults,
/// which are zero everywhere but in `size`.
///
/// Threads: every function may be called from any thread. Models do not change. Calls on one session wait for
/// each other. A handle must not be freed while another call uses it; handles made from it stay good.
#ifndef BACKDROP_BACKDROP_H
#define BACKDROP_BACKDROP_H

#include "backdrop/c/data.h"
#include "backdrop/c/devices.h"
#include "backdrop/c/model.h"
#include "backdrop/c/photo.h"
#include "backdrop/c/search.h"
#include "backdrop/c/session.h"
#include "backdrop/c/status.h"

#endif
