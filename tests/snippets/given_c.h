// What a reader of the snippets in C has: a session, and a photo with room for its logits.
#include <stdio.h>

#include "backdrop/backdrop.h"

extern backdrop_session* session;
extern const uint8_t pixels[224 * 224 * 3];
extern float logits[9];
