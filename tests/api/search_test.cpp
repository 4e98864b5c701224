// The public search: against the session's own logits, against the same search by a classifier of the
// caller's, stopped, resumed and refused.
#include "backdrop/search.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include "backdrop/error.h"
#include "loaders/demo_data.h"
#include "report/run_reader.h"
#include "tests/api/scene.h"
#include "tests/temporary_folder.h"

namespace backdrop::test {
namespace {

namespace fs = std::filesystem;
using backdrop::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::ThrowsMessage;

Session& session() {
  static Session shared(Model::load(kDemoCheckpoint), {.device = "cpu"});
  return shared;
}

/// Whose blocks of composites are the same on every machine: 128.
Session& small_session() {
  static Session shared(Model::load(kDemoCheckpoint), {.device = "cpu", .threads = 2, .batch = 4});
  return shared;
}

/// A session behind the public interface for classifiers: what the search must find is what it finds itself.
class SessionClassifier : public Classifier {
 public:
  int classes() const override { return 9; }
  int batch() const override { return 5; }
  std::string name() const override { return "session behind an interface"; }
  void classify(const PhotoBatch& photos, std::span<float> logits) override {
    const std::size_t bytes = photos.pixels.size() / static_cast<std::size_t>(photos.count);
    std::vector<ImageView> views;
    for (std::size_t i = 0; i < static_cast<std::size_t>(photos.count); ++i)
      views.push_back({photos.pixels.subspan(i * bytes, bytes), photos.height, photos.width});
    session().classify(views, logits);
  }
};

/// Says the class of the first byte of the photo's middle row.
class ByteClassifier : public Classifier {
 public:
  int classes() const override { return class_count; }
  std::vector<int> labels() const override { return label_list.empty() ? Classifier::labels() : label_list; }
  int batch() const override { return batch_size; }
  void classify(const PhotoBatch& photos, std::span<float> logits) override {
    if (fails) throw std::runtime_error("out of order");
    largest_count = std::max(largest_count, photos.count);
    if (writes_nothing) return;
    const std::size_t bytes = photos.pixels.size() / static_cast<std::size_t>(photos.count);
    for (std::size_t i = 0; i < static_cast<std::size_t>(photos.count); ++i)
      for (int c = 0; c < class_count; ++c)
        logits[i * static_cast<std::size_t>(class_count) + static_cast<std::size_t>(c)] =
            photos.pixels[i * bytes] % class_count == c ? 1.0f : 0.0f;
  }

  int class_count = 9;
  std::vector<int> label_list;
  int batch_size = 4;
  bool fails = false;
  bool writes_nothing = false;
  int largest_count = 0;
};

template <typename Work>
ErrorCode code_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::failed;
}

TEST(PublicSearch, AgreesWithAClassifierOfTheCallers) {
  const OwnScene scene(4, 7);
  const SearchData data = scene.data();
  const SearchAnswers own = search(session(), data);
  SessionClassifier classifier;
  const SearchAnswers callers = search(classifier, data);
  EXPECT_EQ(own.predictions.size(), 28u);
  EXPECT_EQ(own.predictions, callers.predictions);
  ASSERT_EQ(own.margins.size(), callers.margins.size());
  for (std::size_t i = 0; i < own.margins.size(); ++i) EXPECT_NEAR(own.margins[i], callers.margins[i], 1e-3f);
  EXPECT_EQ(own.fooled, callers.fooled);
  EXPECT_EQ(own.vulnerable, callers.vulnerable);
  EXPECT_DOUBLE_EQ(own.challenge_accuracy, 1 - own.vulnerable / 4.0);
  EXPECT_TRUE(own.complete);
  EXPECT_EQ(own.evaluated, 28u);
}

TEST(PublicSearch, TellsProgressAndEachTile) {
  const OwnScene scene(3, 10, 16);
  ByteClassifier classifier;
  SearchCallbacks callbacks;
  std::map<std::pair<int, int>, int> seen;
  std::size_t settled = 0;
  callbacks.tile = [&](const TileAnswers& tile) {
    for (std::size_t i = 0; i < tile.backgrounds.size(); ++i)
      EXPECT_TRUE(seen.emplace(std::pair(tile.foreground, tile.backgrounds[i]), tile.predictions[i]).second);
  };
  callbacks.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.total, 30u);
    EXPECT_GE(progress.settled, settled);
    settled = progress.settled;
  };
  const SearchAnswers answers = search(classifier, scene.data(), {}, callbacks);
  EXPECT_EQ(settled, 30u);
  EXPECT_EQ(seen.size(), 30u);
  for (const auto& [pair, prediction] : seen) {
    EXPECT_EQ(answers.predictions[static_cast<std::size_t>(10 * pair.first + pair.second)], prediction);
    EXPECT_EQ(prediction, scene.backgrounds[static_cast<std::size_t>(pair.second)].photo.pixels[0] % 9);
  }
  EXPECT_LE(classifier.largest_count, 4);
}

TEST(PublicSearch, StopsAtTheFirstFoolingBackground) {
  const OwnScene scene(6, 20, 16);
  ByteClassifier classifier;
  const SearchAnswers all = search(classifier, scene.data());
  for (const SearchMode mode : {SearchMode::first, SearchMode::first_in_order}) {
    const SearchAnswers first = search(classifier, scene.data(), {.mode = mode});
    EXPECT_EQ(first.vulnerable, all.vulnerable);
    EXPECT_LT(first.recorded, all.recorded);
  }
}

TEST(PublicSearch, CountsClassesByTheirLabels) {
  const OwnScene scene(9, 5, 16);
  ByteClassifier classifier;
  classifier.label_list = std::vector<int>(9, -1);
  const SearchAnswers none = search(classifier, scene.data());
  EXPECT_EQ(none.vulnerable, 9);
  EXPECT_EQ(none.challenge_accuracy, 0);
  classifier.label_list = std::vector<int>(9, 3);
  EXPECT_EQ(search(classifier, scene.data()).vulnerable, 8);
}

TEST(PublicSearch, DataStayGoodWhenTheyAreMoved) {
  SearchData data = OwnScene(1, 2).data();
  const SearchData other = std::move(data);
  EXPECT_EQ(data.backgrounds(), 2);
  EXPECT_EQ(data.sha256(), other.sha256());
}

TEST(PublicSearch, TakesDataOneByOne) {
  const OwnScene scene(3, 4, 16);
  SearchDataBuilder builder;
  EXPECT_THROW(builder.finish(), Error);
  for (int round = 0; round < 2; ++round) {  // the second after `finish` has emptied it
    for (const BackgroundView& background : scene.backgrounds) {
      std::vector<std::uint8_t> pixels(background.photo.pixels.begin(), background.photo.pixels.end());
      builder.add(BackgroundView{background.name, background.label, {pixels, 16, 16}});
    }
    EXPECT_THROW(builder.finish(), Error);
    for (const ForegroundView& foreground : scene.foregrounds) builder.add(foreground);
    const OwnScene other(1, 1, 17);
    EXPECT_THROW(builder.add(other.foregrounds[0]), Error);
    EXPECT_THROW(builder.add(other.backgrounds[0]), Error);
    EXPECT_EQ(builder.finish().sha256(), scene.data().sha256());
  }
}

TEST(PublicSearch, StopsWhenAsked) {
  const OwnScene scene(3, 10, 16);
  ByteClassifier classifier;
  EXPECT_EQ(code_of([&] { search(classifier, scene.data(), {}, {.cancel = [] { return true; }}); }),
            ErrorCode::interrupted);
  const OwnScene large(20, 100, 4);
  const SearchAnswers some = search(classifier, large.data(), {.most_pairs = 100});
  EXPECT_FALSE(some.complete);
  EXPECT_GE(some.evaluated, 100u);
  EXPECT_LT(some.evaluated, 2000u);
}

TEST(PublicSearch, SaysWhetherItCanBeResumed) {
  const TemporaryFolder folder;
  const SearchData data = OwnScene(3, 100).data();
  const auto stopped_in = [&](const fs::path& out) {
    return [&, out] {
      int asked = 0;
      search(small_session(), data, {.out = out}, {.cancel = [&] { return asked++ > 0; }});
    };
  };
  const auto says = [](const auto& text) { return ThrowsMessage<Error>(text); };
  EXPECT_THAT(stopped_in({}), says(MatchesRegex("interrupted after [0-9]+ of 300 pairs")));
  EXPECT_THAT(stopped_in(folder.path / "run"), says(HasSubstr("pairs: it can be resumed")));
  EXPECT_THAT(stopped_in(folder.path / "run"),
              says(HasSubstr("is an unfinished run: resume it (--resume), or replace it")));
  ByteClassifier classifier;
  const auto own_stopped = [&] {
    int asked = 0;
    search(classifier, OwnScene(20, 100, 4).data(), {.out = folder.path / "own"},
           {.cancel = [&] { return asked++ > 0; }});
  };
  EXPECT_THAT(own_stopped, says(MatchesRegex("interrupted after [0-9]+ of 2000 pairs")));
}

TEST(PublicSearch, ReturnsWhatIsKnownWhenItIsEnough) {
  const OwnScene scene(20, 100, 4);
  ByteClassifier classifier;
  const SearchAnswers some =
      search(classifier, scene.data(), {}, {.enough = [](const Progress& p) { return p.evaluated > 0; }});
  EXPECT_FALSE(some.complete);
  EXPECT_GT(some.evaluated, 0u);
  EXPECT_LT(some.evaluated, 2000u);
}

TEST(PublicSearch, RefusesLimitsThatAreNone) {
  const SearchData data = OwnScene(1, 2, 16).data();
  ByteClassifier classifier;
  for (const double seconds : {-1.0, std::nan("")})
    EXPECT_EQ(code_of([&] { search(classifier, data, {.most_seconds = seconds}); }), ErrorCode::usage);
}

TEST(PublicSearch, GivesTilesTheirLogitsWhenAsked) {
  const SearchData data = OwnScene(3, 10, 16).data();
  ByteClassifier classifier;
  std::size_t pairs = 0, given = 0;
  const auto look = [&](const TileAnswers& tile) {
    pairs += tile.backgrounds.size();
    given += tile.logits.size();
    for (std::size_t i = 0; i < tile.logits.size(); ++i)
      EXPECT_EQ(tile.logits[i], static_cast<int>(i % 9) == tile.predictions[i / 9] ? 1.0f : 0.0f);
  };
  search(classifier, data, {}, {.tile = look});
  EXPECT_EQ(given, 0u);
  search(classifier, data, {.logits = true}, {.tile = look});
  EXPECT_EQ(pairs, 60u);
  EXPECT_EQ(given, 30u * 9);
  EXPECT_EQ(code_of([&] {
              search(session(), OwnScene(1, 2).data(), {.existing = ExistingRun::resume, .logits = true});
            }),
            ErrorCode::usage);
}

TEST(PublicSearch, LetsTheCallersExceptionsThrough) {
  const OwnScene scene(2, 3, 16);
  ByteClassifier classifier;
  const auto thrown = [&](const SearchCallbacks& callbacks) {
    search(classifier, scene.data(), {}, callbacks);
  };
  EXPECT_THROW(thrown({.progress = [](const Progress&) { throw std::logic_error("mine"); }}),
               std::logic_error);
  EXPECT_THROW(thrown({.tile = [](const TileAnswers&) { throw std::logic_error("mine"); }}),
               std::logic_error);
  classifier.fails = true;
  EXPECT_THROW(thrown({}), std::runtime_error);
  classifier.fails = false;
}

TEST(PublicSearch, SaysThatAClassifierOfTheCallersGaveNoNumber) {
  const OwnScene scene(2, 3, 16);
  ByteClassifier classifier;
  classifier.writes_nothing = true;
  try {
    search(classifier, scene.data());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_STREQ(error.what(),
                 "the classifier gave class 0 of photo 0 of 4 a logit that is not a number, or none");
  }
}

TEST(PublicSearch, RefusesClassifiersThatContradictThemselves) {
  const OwnScene scene(2, 3, 16);
  ByteClassifier classifier;
  const auto code = [&] { return code_of([&] { search(classifier, scene.data()); }); };
  classifier.label_list = {0, 1};
  EXPECT_EQ(code(), ErrorCode::usage);
  classifier.label_list = std::vector<int>(9, 9);
  EXPECT_EQ(code(), ErrorCode::usage);
  classifier.label_list.clear();
  classifier.batch_size = 0;
  EXPECT_EQ(code(), ErrorCode::usage);
  classifier.batch_size = 1;
  classifier.class_count = 0;
  EXPECT_EQ(code(), ErrorCode::usage);
  classifier.class_count = 9;
  EXPECT_EQ(code_of([&] { search(classifier, scene.data(), {.existing = ExistingRun::resume}); }),
            ErrorCode::usage);
}

TEST(PublicSearch, RefusesItsOwnSessionInACallback) {
  const OwnScene scene(1, 2);
  const Photo photo = noise(1);
  SearchCallbacks callbacks;
  callbacks.progress = [&](const Progress&) { session().classify(std::array{photo.view()}); };
  EXPECT_EQ(code_of([&] { search(session(), scene.data(), {}, callbacks); }), ErrorCode::usage);
  EXPECT_EQ(session().classify(std::array{photo.view()}).predictions.size(), 1u);  // and is free again
}

TEST(PublicSearch, RefusesDataThatDoesNotFit) {
  OwnScene scene(2, 3, 16);
  EXPECT_EQ(code_of([&] { search(session(), scene.data()); }), ErrorCode::usage);
  EXPECT_THROW(SearchData::copy({}, scene.backgrounds), Error);
  EXPECT_THROW(SearchData::copy(scene.foregrounds, {}), Error);
  EXPECT_THROW(SearchData::copy(scene.foregrounds, scene.backgrounds, {"one class"}), Error);
  scene.masks[1][5] = 2;
  EXPECT_THROW(scene.data(), Error);
  scene.masks[1][5] = 1;
  scene.foregrounds[0].label = 9;
  EXPECT_THROW(scene.data(), Error);
  EXPECT_THROW(SearchData::load("no-such-folder"), Error);
}

TEST(PublicSearch, WritesAndResumesAResultFolder) {
  const TemporaryFolder folder;
  const OwnScene scene(3, 100);
  const SearchData data = scene.data();
  const fs::path out = folder.path / "run";
  const SearchAnswers whole = search(small_session(), data);
  int asked = 0;
  const auto interrupted = [&] {
    search(small_session(), data, {.out = out}, {.cancel = [&] { return asked++ > 0; }});
  };
  EXPECT_EQ(code_of(interrupted), ErrorCode::interrupted);
  EXPECT_FALSE(fs::exists(out));
  std::size_t told = 0;
  const SearchAnswers resumed = search(small_session(), data, {.out = out, .existing = ExistingRun::resume},
                                       {.tile = [&](const TileAnswers& t) { told += t.backgrounds.size(); }});
  EXPECT_EQ(told, whole.predictions.size());  // those of the folder, too
  EXPECT_EQ(resumed.predictions, whole.predictions);
  EXPECT_EQ(resumed.margins, whole.margins);
  for (const char* file :
       {"run.json", "predictions.npy", "margins.npy", "foregrounds.csv", "backgrounds.csv", "report.html"})
    EXPECT_TRUE(fs::exists(out / file)) << file;
  EXPECT_EQ(code_of([&] { search(small_session(), data, {.out = out}); }), ErrorCode::usage);

  told = 0;
  std::size_t settled = 0;
  const SearchOptions resume{.out = out, .existing = ExistingRun::resume};
  const SearchAnswers again = search(small_session(), data, resume,
                                     {.progress = [&](const Progress& p) { settled += p.settled; },
                                      .tile = [&](const TileAnswers& t) { told += t.margins.size(); }});
  EXPECT_EQ(told, whole.predictions.size());
  EXPECT_EQ(settled, whole.predictions.size());  // told once: nothing was computed
  EXPECT_TRUE(again.complete);
  EXPECT_EQ(again.predictions, whole.predictions);
  EXPECT_EQ(again.margins, whole.margins);
  EXPECT_EQ(again.fooled, whole.fooled);
  EXPECT_EQ(again.evaluated, whole.evaluated);
  EXPECT_EQ(again.challenge_accuracy, whole.challenge_accuracy);
  SearchOptions other = resume;
  other.mode = SearchMode::first;
  EXPECT_EQ(code_of([&] { search(small_session(), data, other); }), ErrorCode::usage);
  EXPECT_EQ(code_of([&] { search(small_session(), OwnScene(2, 100).data(), resume); }), ErrorCode::usage);
  search(small_session(), data, {.out = out, .existing = ExistingRun::replace});
}

TEST(PublicSearch, RecordsAClassMapAsTheCommandDoes) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "map.json";
  std::ofstream(file) << R"({"0":0,"1":1,"2":2,"3":3,"4":4,"5":-1,"6":-1,"7":7,"8":8})";
  const SearchData data = OwnScene(1, 2).data();
  const auto recorded = [&](const LoadOptions& options) {
    Session loaded(Model::load(kDemoCheckpoint, options), {.device = "cpu"});
    search(loaded, data, {.out = folder.path / "run", .existing = ExistingRun::replace});
    return read_run_record(folder.path / "run").options;
  };
  const OptionsRecord from_file = recorded({.class_map = fs::relative(file)});
  EXPECT_EQ(from_file.class_map, file);
  EXPECT_EQ(from_file.class_map_labels, "0*1 1*1 2*1 3*1 4*1 -1*2 7*1 8*1");
  const OptionsRecord given = recorded({.in9_labels = {0, 1, 2, 3, 4, -1, -1, 7, 8}});
  EXPECT_EQ(given.class_map, "given");
  EXPECT_EQ(given.class_map_labels, from_file.class_map_labels);
  EXPECT_EQ(given.class_map_sha256, from_file.class_map_sha256);
  EXPECT_EQ(recorded({}).class_map_labels, "");

  ByteClassifier classifier;
  classifier.label_list = {0, 1, 2, 3, 4, -1, -1, 7, 8};
  search(classifier, data, {.out = folder.path / "run", .existing = ExistingRun::replace});
  EXPECT_EQ(read_run_record(folder.path / "run").options.class_map_labels, from_file.class_map_labels);
}

TEST(PublicSearch, RunsOfAnotherMeanAndDeviationAreOthers) {
  const TemporaryFolder folder;
  const SearchData data = OwnScene(1, 2).data();
  const auto search_with = [&](const LoadOptions& options) {
    Session loaded(Model::load(kDemoCheckpoint, options), {.device = "cpu"});
    return search(loaded, data, {.out = folder.path / "run", .existing = ExistingRun::resume});
  };
  const LoadOptions given{.mean = {{0.1f, 0.2f, 0.3f}}, .deviation = {{1, 1, 1}}};
  const SearchAnswers answers = search_with(given);
  const RunRecord record = read_run_record(folder.path / "run");
  EXPECT_EQ(record.model.normalization_source, "given");
  EXPECT_EQ(record.model.normalization.mean, given.mean);
  EXPECT_EQ(identity_value(run_identity(record), "normalisation"), "mean 0.1,0.2,0.3 and deviation 1,1,1");
  EXPECT_EQ(search_with(given).margins, answers.margins);
  EXPECT_EQ(code_of([&] { search_with({}); }), ErrorCode::usage);
  EXPECT_EQ(code_of([&] { search_with({.mean = given.mean, .deviation = {{1, 1, 2}}}); }), ErrorCode::usage);
}

TEST(PublicSearch, RecordsWhereItsDataLie) {
  const TemporaryFolder folder;
  write_demo_data(folder.path / "data", {.images_per_class = 1});
  search(session(), SearchData::load(fs::relative(folder.path / "data")), {.out = folder.path / "run"});
  EXPECT_EQ(read_run_record(folder.path / "run").data_path, folder.path / "data");
}

}  // namespace
}  // namespace backdrop::test
