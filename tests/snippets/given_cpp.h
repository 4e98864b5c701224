// What a reader of the snippets in C++ has: a session, data, photos, and a program around them.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "backdrop/model.h"
#include "backdrop/search.h"
#include "backdrop/session.h"

extern const std::string path;
extern const backdrop::Model model;
extern backdrop::Session session;
extern const backdrop::SearchData data;

extern const backdrop::Photo photo, beach;
extern const backdrop::MaskView mask;
extern const std::vector<backdrop::ImageView> views;
extern const int f, b;  // a foreground and a background

extern const std::atomic<bool> stop;
void show(std::size_t settled, std::size_t total);
void store(int foreground, std::span<const int> backgrounds, std::span<const std::int16_t> predictions);

struct Camera {
  std::vector<std::uint8_t> grab();
};
extern Camera camera;

struct Reader {
  bool next();
  std::string name() const;
  int label() const;
  backdrop::ImageView photo() const;
};
extern Reader reader;

struct Runtime {
  void run(const std::uint8_t* pixels, int count, float* logits);
};
