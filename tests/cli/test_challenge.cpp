// The search from the command line: results, modes, shards, overwriting.
#include <cstdlib>
#include <set>

#include "loaders/file.h"
#include "loaders/npy.h"
#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kLimit = std::size_t{1} << 30;

class ChallengeTest : public CommandTest {
 protected:
  template <typename T>
  std::vector<T> read_array(const std::string& name, std::vector<std::size_t> shape) const {
    const auto bytes = read_file(folder() / name, kLimit);
    const NpyView view = parse_npy(bytes, name);
    EXPECT_EQ(view.header.shape, shape);
    const auto values = view.values<T>(name);
    return {values.begin(), values.end()};
  }
};

TEST_F(ChallengeTest, LowerPrecisionEndsWithTheSameAnswers) {
  draw_data();
  ASSERT_EQ(run(challenge({"--mode", "all", "--out", "exact", "--in9"})).exit_code, 0);
  const auto exact = read_array<std::int16_t>("exact/predictions.npy", {18, 18});
  for (const std::string precision : {"int8", "int16", "bf16"}) {
    const Outcome outcome = run(challenge(
        {"--mode", "all", "--out", precision, "--in9", "--device", "cpu", "--precision", precision}));
    if (outcome.exit_code == 4) {
      EXPECT_THAT(outcome.errors, HasSubstr("this processor lacks AVX512-"));
      continue;
    }
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("Screened in " + precision));
    EXPECT_EQ(read_array<std::int16_t>(precision + "/predictions.npy", {18, 18}), exact);
    const nlohmann::json screening = read_json(precision + "/run.json")["screening"];
    EXPECT_EQ(screening["precision"], precision);
    EXPECT_EQ(screening["composites"], 324);
    EXPECT_EQ(screening["wrong"], 0);
    EXPECT_EQ(screening["lead_errors"].size(), 9u);
  }
}

TEST_F(ChallengeTest, ChosenPrecisionAndCarriedScalesEndWithTheSameAnswers) {
  draw_data();
  ASSERT_EQ(run(challenge({"--mode", "all", "--out", "exact", "--in9"})).exit_code, 0);
  const auto exact = read_array<std::int16_t>("exact/predictions.npy", {18, 18});
  const Outcome chosen =
      run(challenge({"--mode", "all", "--out", "auto", "--in9", "--device", "cpu", "--precision", "auto"}));
  ASSERT_EQ(chosen.exit_code, 0) << chosen.errors;
  EXPECT_EQ(read_array<std::int16_t>("auto/predictions.npy", {18, 18}), exact);

  ASSERT_EQ(run({"convert", "model.safetensors", "ready.safetensors", "--calibrate", "data"}).exit_code, 0);
  const Outcome carried =
      run({"challenge", "--checkpoint", "ready.safetensors", "--data-path", "data", "--mode", "all", "--out",
           "carried", "--in9", "--device", "cpu", "--precision", "int8", "--quiet"});
  if (carried.exit_code == 4) GTEST_SKIP() << carried.errors;
  ASSERT_EQ(carried.exit_code, 0) << carried.errors;
  EXPECT_EQ(read_array<std::int16_t>("carried/predictions.npy", {18, 18}), exact);
}

TEST_F(ChallengeTest, AllPairs) {
  draw_data();
  const Outcome outcome =
      run(challenge({"--mode", "all", "--out", "run", "--logits", "logits.npy", "--in9"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("are vulnerable foregrounds."));
  const auto predictions = read_array<std::int16_t>("run/predictions.npy", {18, 18});
  const auto margins = read_array<float>("run/margins.npy", {18, 18});
  const auto logits = read_array<float>("logits.npy", {18, 18, 9});
  for (std::size_t pair = 0; pair < predictions.size(); ++pair) {
    const auto first = logits.begin() + static_cast<std::ptrdiff_t>(pair * 9);
    ASSERT_EQ(predictions[pair], std::max_element(first, first + 9) - first);
    const bool right = predictions[pair] == static_cast<int>(pair / 18 / 2);
    ASSERT_TRUE(right ? margins[pair] >= 0 : margins[pair] <= 0);
  }
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record["pairs"]["evaluated"], 324);
  EXPECT_EQ(record["result"]["foregrounds"], 18);
  EXPECT_EQ(record["result"]["classes"].size(), 9u);
  EXPECT_EQ(record["checkpoint"]["arch"], "resnet18");
  EXPECT_EQ(record["checkpoint"]["sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(record["checkpoint"]["normalization"]["source"], "in9");
  EXPECT_EQ(record["data"]["sha256"].get<std::string>().size(), 64u);
  EXPECT_THAT(read_text(folder() / "run/report.html"), HasSubstr("</html>"));
}

TEST_F(ChallengeTest, ModesAgreeWhateverTheBatch) {
  draw_data();
  ASSERT_EQ(run(challenge({"--mode", "all", "--out", "all"})).exit_code, 0);
  ASSERT_EQ(run(challenge({"--mode", "first", "--out", "first", "--batch", "3", "--threads", "1"})).exit_code,
            0);
  const auto all = read_array<std::int16_t>("all/predictions.npy", {18, 18});
  const auto first = read_array<std::int16_t>("first/predictions.npy", {18, 18});
  for (std::size_t pair = 0; pair < all.size(); ++pair)
    ASSERT_TRUE(first[pair] == -1 || first[pair] == all[pair]) << pair;
  const nlohmann::json all_record = read_json("all/run.json");
  const nlohmann::json first_record = read_json("first/run.json");
  EXPECT_EQ(all_record["result"]["vulnerable"], first_record["result"]["vulnerable"]);
  EXPECT_EQ(all_record["data"], first_record["data"]);
  EXPECT_LE(first_record["pairs"]["recorded"], first_record["pairs"]["evaluated"]);
  EXPECT_EQ(
      first_record["pairs"]["recorded"],
      static_cast<std::size_t>(std::count_if(first.begin(), first.end(), [](int p) { return p >= 0; })));
}

TEST_F(ChallengeTest, SaysWhichPhotosItPassesOver) {
  draw_data();
  const fs::path masks = folder() / "data/fg_mask/val/00_dog";
  fs::remove(fs::directory_iterator(masks)->path());
  write_text(folder() / "data/only_bg_t/val/01_bird/new\x1b[31m.webp", "x");
  const Outcome outcome = run(challenge({"--quiet", "--out", "run"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("note: original: 1 of 18 photos have no mask"));
  EXPECT_THAT(outcome.errors, HasSubstr("note: only_bg_t: passed over 1"));
  EXPECT_THAT(outcome.errors, AllOf(HasSubstr("new\\x1b[31m.webp"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(read_json("run/run.json")["data"]["notes"].size(), 2u);
}

TEST_F(ChallengeTest, JsonIsThatOfTheFolderAndQuietIsSilent) {
  draw_data(1);
  const Outcome outcome = run(challenge({"--out", "run", "--json", "--quiet"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, IsEmpty());
  EXPECT_EQ(outcome.output, read_text(folder() / "run/run.json"));
  EXPECT_THAT(run(challenge()).errors,
              AllOf(HasSubstr("without --out the results are not kept"), HasSubstr("as with guesses")));
  EXPECT_THAT(run(challenge({"--quiet"})).errors, IsEmpty());
}

TEST_F(ChallengeTest, AFinishedRunIsNotOverwritten) {
  draw_data(1);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  const std::string before = read_text(folder() / "run/run.json");
  const Outcome refused = run(challenge({"--out", "run"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("--force"));
  EXPECT_EQ(read_text(folder() / "run/run.json"), before);
  EXPECT_EQ(run(challenge({"--out", "run", "--force", "--mode", "all"})).exit_code, 0);
  EXPECT_NE(read_text(folder() / "run/run.json"), before);
}

TEST_F(ChallengeTest, AFolderThatCannotBeMadeFails) {
  draw_data(1);
  write_text(folder() / "file", "in the way");
  const Outcome outcome = run(challenge({"--out", "file/run", "--quiet"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("file/run"));
}

TEST_F(ChallengeTest, LogitsReplaceNothingUnasked) {
  draw_data(1);
  write_text(folder() / "logits.npy", "kept");
  const Outcome refused = run(challenge({"--logits", "logits.npy"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("--force"));
  EXPECT_EQ(read_text(folder() / "logits.npy"), "kept");
  fs::create_directory(folder() / "folder");
  EXPECT_EQ(run(challenge({"--logits", "folder", "--force"})).exit_code, 2);
  EXPECT_EQ(run(challenge({"--logits", std::string(300, 'x')})).exit_code, 2);
  EXPECT_EQ(run(challenge({"--logits", "logits.npy", "--force"})).exit_code, 0);
  EXPECT_NE(read_text(folder() / "logits.npy"), "kept");
}

TEST_F(ChallengeTest, OrdersAndShardsFindTheSameForegrounds) {
  draw_data();
  ASSERT_EQ(run(challenge({"--out", "plain", "--order", "plain"})).exit_code, 0);
  ASSERT_EQ(run(challenge({"--out", "adaptive"})).exit_code, 0);
  const nlohmann::json plain = read_json("plain/run.json");
  EXPECT_EQ(plain["options"]["order"], "plain");
  EXPECT_EQ(read_json("adaptive/run.json")["options"]["order"], "adaptive");
  EXPECT_EQ(read_json("adaptive/run.json")["result"]["vulnerable"], plain["result"]["vulnerable"]);
  ASSERT_EQ(run(challenge({"--out", "one", "--shard", "1/2"})).exit_code, 0);
  const Outcome incomplete = run({"merge", "whole", "one"});
  EXPECT_EQ(incomplete.exit_code, 2);
  EXPECT_THAT(incomplete.errors, HasSubstr("missing: shard 2/2"));
  ASSERT_EQ(run(challenge({"--out", "two", "--shard", "2/2"})).exit_code, 0);
  const Outcome merged = run({"merge", "whole", "two", "one"});
  ASSERT_EQ(merged.exit_code, 0) << merged.errors;
  EXPECT_THAT(merged.output, HasSubstr("are vulnerable foregrounds."));
  const nlohmann::json whole = read_json("whole/run.json");
  EXPECT_EQ(whole["result"]["vulnerable"], plain["result"]["vulnerable"]);
  EXPECT_EQ(whole["data"]["foregrounds"], 18);
}

TEST_F(ChallengeTest, MoreShardsThanForegroundsAreRefusedAtOnce) {
  draw_data(1);
  for (const char* shard : {"1/10", "10/10"}) {
    const Outcome refused = run(challenge({"--shard", shard, "--out", "part"}));
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.errors, AllOf(HasSubstr("n may be at most 9"), Not(HasSubstr("reading"))));
    EXPECT_FALSE(fs::exists(folder() / "part.partial"));
  }
  for (const char* shard : {"1/9", "9/9"})
    EXPECT_EQ(run(challenge({"--shard", shard})).exit_code, 0) << shard;
}

TEST_F(ChallengeTest, ShardsBelowFp32HaveOneAccount) {
  draw_data();
  const auto shard = [&](const std::string& index, const std::string& precision) {
    return run(challenge(
        {"--mode", "all", "--out", precision + index, "--shard", index + "/2", "--precision", precision}));
  };
  const Outcome one = shard("1", "int16");
  if (one.exit_code == 4) GTEST_SKIP() << one.errors;
  ASSERT_EQ(shard("2", "int16").exit_code, 0);
  ASSERT_EQ(shard("2", "fp32").exit_code, 0);
  const Outcome refused = run({"merge", "whole", "int161", "fp322"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("its precision is fp32, not int16"));
  const Outcome merged = run({"merge", "whole", "int161", "int162"});
  ASSERT_EQ(merged.exit_code, 0) << merged.errors;
  EXPECT_THAT(merged.output, HasSubstr("Screened in int16"));
  const nlohmann::json whole = read_json("whole/run.json")["screening"];
  const nlohmann::json first = read_json("int161/run.json")["screening"];
  const nlohmann::json second = read_json("int162/run.json")["screening"];
  for (const char* count : {"composites", "rechecked", "audited"})
    EXPECT_EQ(whole[count].get<int>(), first[count].get<int>() + second[count].get<int>()) << count;
  EXPECT_EQ(whole["composites"], 324);
  EXPECT_EQ(whole["lead_errors"].size(), 9u);
}

TEST_F(ChallengeTest, NamesThatAreNotUtf8) {
  draw_data();
  const auto first_of = [](const fs::path& parent) {
    const std::set<fs::path> names(fs::directory_iterator{parent}, fs::directory_iterator{});
    return *names.begin();
  };
  const auto rename_first = [&](const char* variation, const char* name) {
    const fs::path file = first_of(first_of(folder() / "data" / variation / "val"));
    fs::rename(file, file.parent_path() / (name + file.extension().string()));
  };
  rename_first("original", "photo \xE9");
  rename_first("fg_mask", "photo \xE9");
  rename_first("only_bg_t", "back \xFF\xFE");
  fs::rename(folder() / "data", folder() / "dat\xE4");
  const auto search = [this](std::vector<std::string> more) {
    more.insert(more.begin(), {"challenge", "--checkpoint", "model.safetensors", "--data-path", "dat\xE4",
                               "--mode", "all", "--out"});
    const Outcome outcome = run(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  };
  search({"run", "--budget", "20"});
  search({"run", "--resume"});
  search({"run", "--resume"});
  search({"one", "--shard", "1/2"});
  search({"two", "--shard", "2/2"});
  EXPECT_THAT(run({"merge", "whole", "one", "two"}).errors,
              HasSubstr("--data-path"));  // it is not in run.json
  const Outcome merged = run({"merge", "whole", "one", "two", "--data-path", "dat\xE4"});
  ASSERT_EQ(merged.exit_code, 0) << merged.errors;
  for (const char* name : {"foregrounds.csv", "backgrounds.csv"})
    EXPECT_EQ(read_text(folder() / "whole" / name), read_text(folder() / "run" / name)) << name;
  EXPECT_THAT(read_text(folder() / "run/foregrounds.csv"), HasSubstr(",photo \xEF\xBF\xBD.JPEG,"));
  EXPECT_THAT(read_text(folder() / "run/backgrounds.csv"), HasSubstr(",back \xEF\xBF\xBD\xEF\xBF\xBD.JPEG,"));
  EXPECT_THAT(read_text(folder() / "run/run.json"), HasSubstr("\"back \xEF\xBF\xBD\xEF\xBF\xBD.JPEG\""));
  const std::string page = read_text(folder() / "run/report.html");
  const Outcome drawn = run({"report", "run", "--data-path", "dat\xE4"});
  EXPECT_THAT(drawn.output, HasSubstr("Page: run/report.html")) << drawn.errors;
  EXPECT_EQ(read_text(folder() / "run/report.html"), page);
  const auto evaluate = [this](const std::string& variation, const std::string& out) {
    return run({"eval", "--checkpoint", "model.safetensors", "--data-path", "dat\xE4", "--eval-dataset",
                variation, "--out", out, "--quiet"})
        .exit_code;
  };
  for (const char* out : {"run", "evaluation"}) {
    EXPECT_EQ(evaluate("original", out), 0) << out;
    EXPECT_EQ(evaluate("mixed_rand", out), 0) << out;
    EXPECT_EQ(read_json(std::string(out) + "/eval.json")["results"].size(), 2u);
  }
  EXPECT_THAT(run({"report", "run", "whole", "evaluation"}).output, Not(HasSubstr("OTHER DATA")));
}

TEST_F(ChallengeTest, NumpyAndPandasReadTheResults) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3-numpy is missing";
  draw_data(1);
  const fs::path photos = folder() / "data/only_bg_t/val";
  const fs::path photo = fs::directory_iterator(*fs::directory_iterator(photos))->path();
  fs::rename(photo, photo.parent_path() / "\xFF.JPEG");
  ASSERT_EQ(run(challenge({"--mode", "all", "--out", "run"})).exit_code, 0);
  write_text(folder() / "read.py", R"(
import csv, json, numpy
predictions = numpy.load("run/predictions.npy")
margins = numpy.load("run/margins.npy")
assert predictions.dtype == numpy.int16 and margins.dtype == numpy.float32
assert predictions.shape == margins.shape == (9, 9)
foregrounds = list(csv.DictReader(open("run/foregrounds.csv", encoding="utf-8", newline="")))
backgrounds = list(csv.DictReader(open("run/backgrounds.csv", encoding="utf-8", newline="")))
assert len(backgrounds) == 9 and "\N{REPLACEMENT CHARACTER}.JPEG" in [row["name"] for row in backgrounds]
vulnerable = (predictions != numpy.array([int(row["label"]) for row in foregrounds])[:, None]).any(axis=1)
assert [row["vulnerable"] == "1" for row in foregrounds] == vulnerable.tolist()
assert json.load(open("run/run.json"))["result"]["vulnerable"] == vulnerable.sum()
try:
    import pandas
    frame = pandas.read_csv("run/backgrounds.csv")
    assert len(frame) == 9 and frame["fooled_share"].between(0, 1).all()
except ImportError:
    pass
)");
  EXPECT_EQ(std::system(fmt::format("cd '{}' && /usr/bin/python3 read.py", folder().string()).c_str()), 0);
}

}  // namespace
}  // namespace backdrop::testing
