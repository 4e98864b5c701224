// Plans on disk: there and back, and whatever else lies under their names.
#include "engine/measured_plan.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "tests/engine/random_network.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::read_text;
using ::testing::SizeIs;
using testing::write_text;

const MeasuredPlan kPlan{
    kernels::Products::warpgroups, {2, 5}, {{0, 1, 3}, {4, 6, 1}}, {{1, 3, 16, 60}, {7, 1, 8}}};
constexpr const char* kMachine = "a GPU, compute capability 9.0, 132 multiprocessors, driver 13000";

class MeasuredPlans : public ::testing::Test {
 protected:
  PlanFolder folder(const std::string& machine = kMachine, bool anew = false) {
    return PlanFolder(place, machine, anew, [this](const std::string& line) { complaints.push_back(line); });
  }

  fs::path only_file() const {
    const std::vector<fs::path> files(fs::directory_iterator(place), fs::directory_iterator{});
    EXPECT_THAT(files, SizeIs(1));
    return files.empty() ? fs::path() : files.front();
  }

  testing::TemporaryFolder temporary;
  fs::path place = temporary.path / "new" / "backdrop";
  Network network = *test::random_residual_network(13, 4);
  std::vector<std::string> complaints;
};

TEST_F(MeasuredPlans, ComeBack) {
  EXPECT_EQ(folder().find("dense", network), std::nullopt);
  folder().keep("dense", network, kPlan);
  EXPECT_EQ(folder().find("dense", network), kPlan);
  folder().keep("dense", network, {});
  EXPECT_EQ(folder().find("dense", network), MeasuredPlan());
  only_file();
  EXPECT_THAT(complaints, SizeIs(0));
}

TEST_F(MeasuredPlans, AreFoundByAllThatTheyDependOn) {
  folder().keep("dense", network, kPlan);
  EXPECT_EQ(folder("another GPU").find("dense", network), std::nullopt);
  EXPECT_EQ(folder().find("dense, batch 2", network), std::nullopt);
  EXPECT_EQ(folder(kMachine, true).find("dense", network), std::nullopt);
  Network other = network;
  ++other.layers[2].out.channels;
  EXPECT_EQ(folder().find("dense", other), std::nullopt);
  other = network;
  other.layers.pop_back();
  EXPECT_EQ(folder().find("dense", other), std::nullopt);
  other = network;
  ++other.layers[1].stride;
  EXPECT_EQ(folder().find("dense", other), std::nullopt);
  // Names and weights do not matter.
  other = network;
  other.layers[1].name = "another";
  other.layers[1].weights.assign(other.layers[1].weights.size(), 1.0f);
  EXPECT_EQ(folder().find("dense", other), kPlan);
  // A file that was renamed, or whose hash is another key's.
  folder("another GPU").keep("dense", network, {});
  for (const auto& entry : fs::directory_iterator(place)) write_text(entry.path(), "{}");
  EXPECT_EQ(folder().find("dense", network), std::nullopt);
  const auto foreign = plan_text(plan_key("another GPU", "dense", network), kPlan);
  for (const auto& entry : fs::directory_iterator(place)) write_text(entry.path(), foreign);
  EXPECT_EQ(folder().find("dense", network), std::nullopt);
  EXPECT_EQ(folder("another GPU").find("dense", network), kPlan);
}

TEST_F(MeasuredPlans, AreWholeOrNone) {
  const auto key = plan_key(kMachine, "dense", network);
  const std::string text = plan_text(key, kPlan);
  ASSERT_EQ(parse_plan(text, key), kPlan);
  const std::size_t end = text.find_last_of('}');
  for (std::size_t length = 0; length <= end; ++length)
    ASSERT_EQ(parse_plan(text.substr(0, length), key), std::nullopt) << length;
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const char c : {'\0', '"', '[', '}', '-', '9', 'e', '\xff'}) {
      std::string changed = text;
      changed[i] = c;
      parse_plan(changed, key);  // anything but a crash
    }
}

TEST_F(MeasuredPlans, RefuseWhatIsNoPlan) {
  const auto key = plan_key(kMachine, "dense", network);
  const std::string text = plan_text(key, {kernels::Products::warps, {}, {{2, 1, 3}}, {}});
  const auto with = [&text](const std::string& what, const std::string& instead) {
    std::string changed = text;
    const std::size_t at = changed.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return changed.replace(at, what.size(), instead);
  };
  const std::string numbers = "[\n   2,\n   1,\n   3\n  ]";
  ASSERT_NE(parse_plan(with(numbers, "[3, 1, 3]"), key), std::nullopt);
  for (const char* row :
       {"[2, 1]", "[2, 1, 3, 4]", "[-1, 1, 3]", "[2, 1.5, 3]", "[2, 1e3, 3]", "[2, 1, \"3\"]",
        "[2, 1, 99999999999999999999]", "[2, 1, 4294967297]", "[2, 1, null]", "7", "{}"})
    EXPECT_EQ(parse_plan(with(numbers, row), key), std::nullopt) << row;
  EXPECT_EQ(parse_plan(with("\"warps\"", "\"magic\""), key), std::nullopt);
  EXPECT_EQ(parse_plan(with("\"clusters\": []", "\"clusters\": [0.5]"), key), std::nullopt);
  EXPECT_EQ(parse_plan(with("\"chains\": []", "\"chains\": {}"), key), std::nullopt);
  EXPECT_EQ(parse_plan(with("\"chains\"", "\"links\""), key), std::nullopt);
  EXPECT_EQ(parse_plan(with("plan 5", "plan 4"), key), std::nullopt);
  for (const std::string& other : {std::string(), std::string("null"), std::string("[]"), std::string("{}"),
                                   std::string(500'000, '['), std::string(1'000, '\0')})
    EXPECT_EQ(parse_plan(other, key), std::nullopt);
}

TEST_F(MeasuredPlans, AreNotReadFromWhatIsNoSmallFile) {
  folder().keep("dense", network, kPlan);
  const fs::path file = only_file();
  const std::string text = read_text(file);
  write_text(file, text + std::string(std::size_t{2} << 20, ' '));
  EXPECT_EQ(folder().find("dense", network), std::nullopt);
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_EQ(folder().find("dense", network), std::nullopt);
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_EQ(folder().find("dense", network), std::nullopt);
  EXPECT_THAT(complaints, SizeIs(0));
}

TEST_F(MeasuredPlans, AnUnwritableFolderIsSaidOnce) {
  // Where the folder should be lies a file: not even root can write there.
  fs::create_directories(place.parent_path());
  write_text(place, "");
  PlanFolder plans = folder();
  plans.keep("dense", network, kPlan);
  plans.keep("products", network, kPlan);
  EXPECT_EQ(plans.find("dense", network), std::nullopt);
  ASSERT_THAT(complaints, SizeIs(1));
  EXPECT_THAT(complaints.front(), HasSubstr(place.string()));
  EXPECT_EQ(complaints.front().find('\n'), std::string::npos);
  // Nobody listens, and nothing is to be kept.
  PlanFolder(place, kMachine, false, {}).keep("dense", network, kPlan);
  PlanFolder({}, kMachine, false, {}).keep("dense", network, kPlan);
  // A name that is taken by a folder: nothing half-done stays.
  fs::remove(place);
  folder().keep("dense", network, kPlan);
  const fs::path file = only_file();
  fs::remove(file);
  fs::create_directories(file / "inner");
  folder().keep("dense", network, kPlan);
  EXPECT_THAT(complaints, SizeIs(2));
  EXPECT_EQ(only_file(), file);
}

TEST_F(MeasuredPlans, ManyWritersLeaveOneWholeFile) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([this, t] {
      PlanFolder plans(place, kMachine, false, {});
      for (int i = 0; i < 20; ++i) {
        plans.keep("dense", network, {kernels::Products::warps, {}, {{t, 1, 3}}, {}});
        const auto found = plans.find("dense", network);
        ASSERT_TRUE(found);
        ASSERT_EQ(found->convolutions.size(), 1u);
      }
    });
  for (std::thread& thread : threads) thread.join();
  only_file();
}

}  // namespace
}  // namespace backdrop
