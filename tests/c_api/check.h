/* The checks of the C program: the first that fails says where, and ends it. */
#ifndef BACKDROP_TESTS_CHECK_H
#define BACKDROP_TESTS_CHECK_H

#include <backdrop/backdrop.h>

void check(int holds, const char* text, const char* file, int line);
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

/* The call has that status and, if it failed, left a message of one line. */
void check_status(backdrop_status status, backdrop_status expected, const char* text, const char* file,
                  int line);
#define CHECK_OK(call) check_status((call), BACKDROP_OK, #call, __FILE__, __LINE__)
#define CHECK_USAGE(call) check_status((call), BACKDROP_USAGE, #call, __FILE__, __LINE__)
#define CHECK_STATUS(call, expected) check_status((call), (expected), #call, __FILE__, __LINE__)

enum { kSide = 224, kPixels = kSide * kSide, kBytes = kPixels * 3, kClasses = 9 };

/* A photo of noise, to be freed. */
uint8_t* noise(unsigned seed);
backdrop_image image_of(const uint8_t* pixels);

/* One of each, all good. */
typedef struct handles {
  const char* checkpoint;
  uint8_t* pixels;
  backdrop_image image;
  backdrop_model* model;
  backdrop_session* session;
  backdrop_data* data; /* the image on itself */
  backdrop_answers* answers;
} handles;
void open_handles(const char* checkpoint, handles* opened);
void free_handles(handles* opened);

/* One foreground on one background, both the image. */
backdrop_data* copy_data(const backdrop_image* image);
/* Each name once as a foreground of its own number's class and as a background of class 8, added one by one.
 */
backdrop_data* build_data(const backdrop_image* image, const char* const* names, size_t count);
backdrop_model* parse_file(const char* checkpoint);

/* Makes the folder, whose name ends in XXXXXX, and in it nine photos and two masks. */
void write_release_tree(char* root);
void remove_release_tree(const char* root);

/* Calls every function with NULL and with wrong sizes. */
void refuse_everything(const handles* good);

void test_model(const char* checkpoint);
void test_refusals(const char* checkpoint);
void test_search(const char* checkpoint);
void test_session(const char* checkpoint);
void test_threads(const char* checkpoint);

#endif
