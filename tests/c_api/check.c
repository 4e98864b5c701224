#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check(int holds, const char* text, const char* file, int line) {
  if (holds) return;
  fprintf(stderr, "%s:%d: does not hold: %s (last error: %s)\n", file, line, text, backdrop_last_error());
  exit(1);
}

void check_status(backdrop_status status, backdrop_status expected, const char* text, const char* file,
                  int line) {
  if (status != expected) fprintf(stderr, "status %d instead of %d\n", (int)status, (int)expected);
  check(status == expected, text, file, line);
  if (status == BACKDROP_OK) return;
  const char* message = backdrop_last_error();
  check(message != NULL && message[0] != '\0' && strchr(message, '\n') == NULL, text, file, line);
}

uint8_t* noise(unsigned seed) {
  uint8_t* pixels = malloc(kBytes);
  CHECK(pixels != NULL);
  uint32_t state = seed * 2654435761u + 1u;
  for (int i = 0; i < kBytes; ++i) {
    state = state * 1664525u + 1013904223u;
    pixels[i] = (uint8_t)(state >> 24);
  }
  return pixels;
}

backdrop_image image_of(const uint8_t* pixels) {
  backdrop_image image = {sizeof image, pixels, kBytes, kSide, kSide};
  return image;
}
