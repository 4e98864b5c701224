// An evaluation harness: a checkpoint's accuracy on the foregrounds' own photos, and on every background.
//
//   harness CHECKPOINT DATA [RESULTS]     DATA is a tree like IN-9's release
#include <backdrop/error.h>
#include <backdrop/search.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

std::atomic<bool> stop = false;

/// Right answers on all photos of DATA/original/val; class folders sort to labels.
void classify_originals(backdrop::Session& session, const backdrop::SearchData& data,
                        const std::filesystem::path& root) {
  int label = 0, right = 0, photos = 0;
  for (const std::string& name : data.class_names()) {
    std::vector<backdrop::Photo> read;
    for (const auto& file : std::filesystem::directory_iterator(root / "original" / "val" / name))
      read.push_back(backdrop::read_photo(file.path()));
    std::vector<backdrop::ImageView> views;
    for (const backdrop::Photo& photo : read) views.push_back(photo.view());
    for (const int prediction : session.classify(views).predictions)
      right += session.model().in9_labels()[static_cast<std::size_t>(prediction)] == label;
    photos += static_cast<int>(read.size());
    ++label;
  }
  std::printf("originals: %d of %d right\n", right, photos);
}

void search_backgrounds(backdrop::Session& session, const backdrop::SearchData& data,
                        const std::string& results) {
  std::size_t fooled = 0;
  backdrop::SearchCallbacks callbacks;
  callbacks.progress = [](const backdrop::Progress& state) {
    std::fprintf(stderr, "\r%zu of %zu", state.settled, state.total);
  };
  callbacks.tile = [&](const backdrop::TileAnswers& tile) {
    for (const float margin : tile.margins) fooled += margin < 0;
  };
  callbacks.cancel = [] { return stop.load(); };
  backdrop::SearchOptions options;
  options.out = results;
  options.existing = backdrop::ExistingRun::resume;
  const auto answers = backdrop::search(session, data, options, callbacks);
  std::fprintf(stderr, "\n");
  std::printf("%d foregrounds on %d backgrounds: %zu pairs fooled, challenge accuracy %.2f%%\n",
              answers.foregrounds, answers.backgrounds, fooled, 100 * answers.challenge_accuracy);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: harness CHECKPOINT DATA [RESULTS]\n");
    return 2;
  }
  std::signal(SIGINT, [](int) { stop = true; });
  try {
    backdrop::Session session(backdrop::Model::load(argv[1]));
    const auto data = backdrop::SearchData::load(argv[2]);
    std::printf("%s on %s\n", session.model().info().architecture.c_str(), session.description().c_str());
    classify_originals(session, data, argv[2]);
    search_backgrounds(session, data, argc == 4 ? argv[3] : "");
  } catch (const backdrop::Error& error) {
    std::fprintf(stderr, "harness: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
