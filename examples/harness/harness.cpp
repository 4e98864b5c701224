// An evaluation harness: the accuracy of a checkpoint on photos of known classes.
//
//   harness CHECKPOINT LABEL PHOTO [LABEL PHOTO ...]
#include <backdrop/error.h>
#include <backdrop/session.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

struct Question {
  int label;
  const char* file;
  backdrop::Photo photo;
};

int run(int argc, char** argv) {
  const auto model = backdrop::Model::load(argv[1]);
  backdrop::Session session(model);
  std::printf("%s, %d classes, on %s\n", model.info().architecture.c_str(), model.info().classes,
              session.description().c_str());
  std::vector<Question> questions;
  std::vector<backdrop::ImageView> views;
  for (int i = 2; i + 1 < argc; i += 2)
    questions.push_back({std::atoi(argv[i]), argv[i + 1], backdrop::read_photo(argv[i + 1])});
  for (const Question& question : questions) views.push_back(question.photo.view());
  const backdrop::Classification answer = session.classify(views);
  int right = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const int label = model.in9_labels()[static_cast<std::size_t>(answer.predictions[i])];
    std::printf("%s: %d\n", questions[i].file, label);
    right += label == questions[i].label;
  }
  std::printf("%d of %zu right\n", right, questions.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: harness CHECKPOINT LABEL PHOTO [LABEL PHOTO ...]\n");
    return 2;
  }
  try {
    return run(argc, argv);
  } catch (const backdrop::Error& error) {
    std::fprintf(stderr, "harness: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
