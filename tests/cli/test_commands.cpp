// The other subcommands: eval, inspect, convert, demo-data, devices, manifest, profile.
#include <sys/resource.h>

#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using OtherCommandsTest = CommandTest;

TEST_F(OtherCommandsTest, Evaluation) {
  draw_data();
  const std::vector<std::string> arguments = {
      "eval", "--checkpoint", "model.safetensors", "--data-path", "data", "--eval-dataset", "all"};
  const Outcome table = run(arguments);
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  std::size_t place = 0;
  for (const char* name : {"Original", "Only-BG-B", "Only-BG-T", "No-FG", "Only-FG", "Mixed-Same",
                           "Mixed-Rand", "Mixed-Next", "BG-Gap"}) {
    const std::size_t found = table.output.find(name, place);
    ASSERT_NE(found, std::string::npos) << name;
    place = found;
  }
  auto for_programs = arguments;
  for_programs.insert(for_programs.end(), {"--json", "--quiet"});
  const nlohmann::json json = nlohmann::json::parse(run(for_programs).output);
  EXPECT_EQ(json["results"].size(), 8u);
  EXPECT_EQ(json["results"][0]["images"], 18);
  EXPECT_NEAR(json["bg_gap"].get<double>(),
              json["results"][5]["accuracy"].get<double>() - json["results"][6]["accuracy"].get<double>(),
              1e-12);
}

TEST_F(OtherCommandsTest, EvaluationTakesTheChallengeAccuracyOfTheSameCheckpointOnly) {
  draw_data(1);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  const auto eval = [this](const std::string& checkpoint) {
    return run({"eval", "--checkpoint", checkpoint, "--data-path", "data", "--challenge", "run"});
  };
  EXPECT_THAT(eval("model.safetensors").output, HasSubstr("Challenge accuracy"));
  ASSERT_EQ(run({"convert", "model.safetensors", "other.safetensors"}).exit_code, 0);
  const Outcome refused = eval("other.safetensors");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.errors, HasSubstr("another checkpoint"));
}

TEST_F(OtherCommandsTest, Profile) {
  draw_data(1);
  const Outcome table = run({"profile", "--checkpoint", "model.safetensors", "--data-path", "data",
                             "--foregrounds", "2", "--backgrounds", "4", "--html", "profile.html"});
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("With exact reuse"), HasSubstr("Every position"),
                                  HasSubstr("layer4.1.conv2"), HasSubstr("foregrounds' passes")));
  std::ifstream page(folder() / "profile.html");
  const std::string html{std::istreambuf_iterator<char>(page), {}};
  EXPECT_THAT(html, AllOf(HasSubstr("layer2.0"), HasSubstr("</html>"), Not(HasSubstr("<script"))));
  const Outcome machine =
      run({"profile", "--checkpoint", "model.safetensors", "--data-path", "data", "--foregrounds", "1",
           "--backgrounds", "2", "--json", "--quiet", "--reuse", "off", "--html", "data"});
  EXPECT_EQ(machine.exit_code, 1) << "a page where a folder is";
  const nlohmann::json json = nlohmann::json::parse(machine.output);
  ASSERT_EQ(json["searches"].size(), 1u);
  EXPECT_EQ(json["searches"][0]["composites"], 2);
  EXPECT_EQ(json["searches"][0]["layers"].size(), 23u);
  EXPECT_FALSE(json["searches"][0].contains("runs"));
  EXPECT_TRUE(json["peak"].contains("int8_multiply_adds_per_second"));
  EXPECT_EQ(
      run({"profile", "--checkpoint", "model.safetensors", "--data-path", "data", "--device", "cuda:99"})
          .exit_code,
      4);
}

TEST_F(OtherCommandsTest, ProfileRepeats) {
  draw_data(1);
  std::vector<std::string> arguments = {"profile",
                                        "--checkpoint",
                                        "model.safetensors",
                                        "--data-path",
                                        "data",
                                        "--foregrounds",
                                        "2",
                                        "--backgrounds",
                                        "3",
                                        "--repeat",
                                        "3"};
  const Outcome table = run(arguments);
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("Smallest to largest"), HasSubstr(", the median of 3 runs from "),
                                  HasSubstr("in turns")));
  EXPECT_THAT(table.errors, AllOf(HasSubstr("with exact reuse: 3 of 3"), HasSubstr("without: 3 of 3")));
  arguments.insert(arguments.end(), {"--json", "--quiet"});
  const nlohmann::json json = nlohmann::json::parse(run(arguments).output);
  ASSERT_EQ(json["searches"].size(), 2u);
  for (const auto& search : json["searches"]) {
    EXPECT_EQ(search["runs"], 3);
    for (const auto& layer : search["layers"]) {
      const double median = layer["seconds_per_composite"];
      EXPECT_LE(layer["seconds_per_composite_range"][0], median);
      EXPECT_GE(layer["seconds_per_composite_range"][1], median);
    }
  }
  arguments.back() = "--repeat";
  arguments.push_back("0");
  EXPECT_EQ(run(arguments).exit_code, 2);
}

TEST_F(OtherCommandsTest, ProfileBelowFp32) {
  draw_data(1);
  for (const std::string precision : {"bf16", "int16", "int8", "auto"}) {
    std::vector<std::string> arguments = {"profile",
                                          "--checkpoint",
                                          "model.safetensors",
                                          "--data-path",
                                          "data",
                                          "--precision",
                                          precision,
                                          "--foregrounds",
                                          "2",
                                          "--backgrounds",
                                          "4"};
    if (precision == "int8") {
      const Outcome table = run(arguments);
      if (table.exit_code != 4) {
        EXPECT_THAT(table.output, AllOf(HasSubstr("decided again in fp32"), HasSubstr(precision)));
      }
    }
    arguments.insert(arguments.end(), {"--html", "reduced.html", "--json", "--quiet"});
    const Outcome machine = run(arguments);
    if (machine.exit_code == 4) continue;  // without the instructions
    ASSERT_EQ(machine.exit_code, 0) << machine.errors;
    const nlohmann::json json = nlohmann::json::parse(machine.output);
    ASSERT_EQ(json["searches"].size(), 2u);
    EXPECT_EQ(json["searches"][0]["precision"], json["searches"][1]["precision"]);
    if (precision == "auto") continue;
    EXPECT_THAT(read_text(folder() / "reduced.html"), HasSubstr("decided again in fp32"));
    for (const auto& search : json["searches"]) {
      EXPECT_EQ(search["precision"], precision);
      EXPECT_EQ(search["layers"][0]["products"], precision);
      EXPECT_NEAR(search["cache_fill_seconds"].get<double>() + search["foreground_seconds"].get<double>() +
                      search["layer_seconds"].get<double>() + search["decided_again_seconds"].get<double>() +
                      search["other_seconds"].get<double>(),
                  search["seconds"].get<double>(), 1e-9);
      EXPECT_GE(search["other_seconds"].get<double>(), 0);
    }
  }
}

TEST_F(OtherCommandsTest, Inspection) {
  const Outcome table = run({"inspect", "model.safetensors", "--layers"});
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("resnet18"), HasSubstr("layer4.1.conv2"), HasSubstr("GMACs")));
  const nlohmann::json json = nlohmann::json::parse(run({"inspect", "model.safetensors", "--json"}).output);
  EXPECT_EQ(json["classes"], 9);
  EXPECT_EQ(json["format"], "safetensors");
  EXPECT_FALSE(json.contains("layers"));
  const auto with_layers =
      nlohmann::json::parse(run({"inspect", "model.safetensors", "--json", "--layers"}).output);
  EXPECT_EQ(with_layers["layers"].size(), 23u);
}

TEST_F(OtherCommandsTest, TensorsOfAPartialCheckpointAreListed) {
  draw_data(1);
  StateDict tensors = synthetic_resnet({.classes = 9}).tensors;
  tensors.erase("layer4.1.conv2.weight");
  tensors["surplus.weight"] = {{1}, {1.0F}};
  save_safetensors(folder() / "partial.safetensors", tensors, {});
  const std::vector<std::string> model = {"--checkpoint", "partial.safetensors", "--allow-partial"};
  const auto with_model = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), model.begin(), model.end());
    return run(arguments);
  };
  const Outcome searched = with_model({"challenge", "--data-path", "data", "--out", "run", "--quiet"});
  ASSERT_EQ(searched.exit_code, 0) << searched.errors;
  EXPECT_THAT(searched.errors, AllOf(HasSubstr("missing tensors count as zero: layer4.1.conv2.weight"),
                                     HasSubstr("are ignored: surplus.weight")));
  const nlohmann::json checkpoint = read_json("run/run.json")["checkpoint"];
  EXPECT_EQ(checkpoint["filled_in"]["count"], 1);
  EXPECT_EQ(checkpoint["filled_in"]["names"][0], "layer4.1.conv2.weight");
  EXPECT_EQ(checkpoint["left_out"]["names"][0], "surplus.weight");
  EXPECT_THAT(with_model({"inspect"}).output,
              AllOf(HasSubstr("Filled in      layer4.1.conv2.weight"), HasSubstr("surplus.weight")));
  EXPECT_THAT(run({"report", "run"}).output, HasSubstr("tensors missing: 1"));
  EXPECT_THAT(run({"inspect", "partial.safetensors"}).errors, HasSubstr("(--allow-partial)"));
}

TEST_F(OtherCommandsTest, AConvertedPartialCheckpointIsStillOne) {
  draw_data(1);
  StateDict tensors = synthetic_resnet({.classes = 9}).tensors;
  tensors.erase("layer4.1.conv2.weight");
  save_safetensors(folder() / "partial.safetensors", tensors, {});
  ASSERT_EQ(run({"convert", "partial.safetensors", "one.safetensors", "--allow-partial"}).exit_code, 0);
  ASSERT_EQ(run({"convert", "one.safetensors", "two.safetensors"}).exit_code, 0);
  const Outcome searched =
      run({"challenge", "--checkpoint", "two.safetensors", "--data-path", "data", "--out", "run", "--quiet"});
  ASSERT_EQ(searched.exit_code, 0) << searched.errors;
  EXPECT_THAT(searched.errors, HasSubstr("missing tensors count as zero: 1 of the checkpoint that this one"));
  EXPECT_EQ(read_json("run/run.json")["checkpoint"]["filled_in"]["count"], 1);
  EXPECT_THAT(run({"report", "run"}).output, HasSubstr("tensors missing: 1"));
}

TEST_F(OtherCommandsTest, ConvertedCheckpointsGiveTheSameAnswers) {
  draw_data(1);
  ASSERT_EQ(run({"convert", "model.safetensors", "ready.safetensors"}).exit_code, 0);
  EXPECT_EQ(run({"convert", "model.safetensors", "ready.safetensors"}).exit_code, 2);
  EXPECT_EQ(run({"convert", "model.safetensors", "ready.safetensors", "--force"}).exit_code, 0);
  ASSERT_EQ(run(challenge({"--mode", "all", "--out", "one"})).exit_code, 0);
  ASSERT_EQ(run({"challenge", "--checkpoint", "ready.safetensors", "--data-path", "data", "--mode", "all",
                 "--out", "two"})
                .exit_code,
            0);
  EXPECT_EQ(read_text(folder() / "one/margins.npy"), read_text(folder() / "two/margins.npy"));
}

TEST_F(OtherCommandsTest, ConvertSetsTheNormalisation) {
  const auto convert = [this](const std::string& from, const std::string& to, std::vector<std::string> more) {
    more.insert(more.begin(), {"convert", from, to});
    return run(more);
  };
  ASSERT_EQ(convert("model.safetensors", "half.safetensors", {"--mean", ".5,.5,.5", "--std", "0.5,0.5,0.25"})
                .exit_code,
            0);
  EXPECT_THAT(run({"inspect", "half.safetensors"}).output,
              HasSubstr("mean 0.5000 0.5000 0.5000, std 0.5000 0.5000 0.2500 (checkpoint)"));
  // What follows is no fourth number.
  ASSERT_EQ(run({"convert", "--mean", "0,0,0", "--std", "1, 1, 1", "half.safetensors", "raw.safetensors"})
                .exit_code,
            0);
  EXPECT_THAT(run({"inspect", "raw.safetensors"}).output, HasSubstr("mean 0.0000 0.0000 0.0000, std 1.0000"));
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--mean", "0,0,0"},
                                             {"--std", "1,1,1"},
                                             {"--mean", "0,0,0", "--std", "1,1"},
                                             {"--mean", "0,0,0,0", "--std", "1,1,1"},
                                             {"--mean", "0 0 0", "--std", "1,1,1"},
                                             {"--mean", "0,0,0", "--std", "1,0,1"},
                                             {"--mean", "nan,0,0", "--std", "1,1,1"}})
    EXPECT_EQ(convert("model.safetensors", "wrong.safetensors", wrong).exit_code, 2) << wrong.back();
  EXPECT_FALSE(fs::exists(folder() / "wrong.safetensors"));
}

TEST_F(OtherCommandsTest, ScalesAreShownAndKept) {
  draw_data(1);
  ASSERT_EQ(run({"convert", "model.safetensors", "one.safetensors", "--calibrate", "data"}).exit_code, 0);
  ASSERT_EQ(run({"convert", "one.safetensors", "two.safetensors"}).exit_code, 0);
  const auto metadata = [this](const std::string& name) {
    return load_checkpoint(folder() / name).metadata.at("backdrop.int8_calibration");
  };
  EXPECT_EQ(metadata("two.safetensors"), metadata("one.safetensors"));
  const std::vector<std::string> other = {"--mean", "0,0,0", "--std", "1,1,1"};
  ASSERT_EQ(run({"convert", "one.safetensors", "raw.safetensors", other[0], other[1], other[2], other[3]})
                .exit_code,
            0);
  EXPECT_EQ(load_checkpoint(folder() / "raw.safetensors").metadata.count("backdrop.int8_calibration"), 0u);
  EXPECT_THAT(run({"inspect", "two.safetensors"}).output, HasSubstr("Int8 scales    stored"));
  EXPECT_EQ(nlohmann::json::parse(run({"inspect", "two.safetensors", "--json"}).output)["int8_scales"], true);
  EXPECT_THAT(run({"inspect", "model.safetensors"}).output, Not(HasSubstr("Int8 scales")));
}

TEST_F(OtherCommandsTest, WhatThePlanSays) {
  draw_data(1);
  const Outcome plan = run(
      {"plan", "--checkpoint", "model.safetensors", "--in9", "--data-path", "data", "--picture", "mask.png"});
  ASSERT_EQ(plan.exit_code, 0) << plan.errors;
  EXPECT_TRUE(fs::exists(folder() / "mask.png"));
  const Outcome int8 =
      run({"plan", "--checkpoint", "model.safetensors", "--data-path", "data", "--precision", "int8"});
  EXPECT_THAT(int8.output, AllOf(HasSubstr(" in int8, "), HasSubstr(" in fp32 to decide again"),
                                 HasSubstr("- sums in bf16 "), HasSubstr("by fp32's costs")));
  const auto cached = [this](const std::string& precision) {
    const Outcome json = run({"plan", "--checkpoint", "model.safetensors", "--data-path", "data", "--json",
                              "--precision", precision});
    return nlohmann::json::parse(json.output)["layers"][0]["cached_bytes_per_background"].get<int>();
  };
  EXPECT_GT(cached("fp32"), cached("int8"));
  EXPECT_EQ(cached("bf16"), 2 * cached("int8"));
  write_checkpoint("thousand.safetensors", 1000);
  EXPECT_EQ(run({"plan", "--checkpoint", "model.safetensors", "--data-path", "data", "--backgrounds",
                 "18446744073709551615"})
                .exit_code,
            2);
  EXPECT_EQ(run({"plan", "--checkpoint", "thousand.safetensors", "--in9", "--data-path", "data"}).exit_code,
            2);
}

TEST_F(OtherCommandsTest, APictureIsWholeOrNotThere) {
  draw_data(1);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1024;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);  // for the command too; its messages are shorter
  const Outcome full = run({"plan", "--checkpoint", "model.safetensors", "--data-path", "data", "--json",
                            "--picture", "mask.png"});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.errors, HasSubstr("mask.png: cannot be written"));
  EXPECT_FALSE(fs::exists(folder() / "mask.png"));
  EXPECT_FALSE(fs::exists(folder() / "mask.png.partial"));
}

TEST_F(OtherCommandsTest, Manifest) {
  draw_data(1);
  const Outcome manifest = run({"manifest", "data"});
  ASSERT_EQ(manifest.exit_code, 0) << manifest.errors;
  EXPECT_THAT(manifest.errors, HasSubstr("note: original has 1 photos a class, the release 450"));
  write_text(folder() / "manifest.txt", manifest.output);
  EXPECT_EQ(run({"manifest", "data", "--verify", "manifest.txt"}).exit_code, 0);
  write_text(folder() / "data/original/extra", "x");
  const Outcome changed = run({"manifest", "data", "--verify", "manifest.txt"});
  EXPECT_EQ(changed.exit_code, 3);
  EXPECT_THAT(changed.output, HasSubstr("not listed: original/extra"));
}

TEST_F(OtherCommandsTest, Devices) {
  const Outcome table = run({"devices"});
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("Device"), HasSubstr("\ncpu "), HasSubstr("fp32"),
                                  HasSubstr(" threads, "), HasSubstr("\ncuda")));
  const nlohmann::json json = nlohmann::json::parse(run({"devices", "--json"}).output);
  EXPECT_EQ(json[0]["device"], "cpu");
  EXPECT_EQ(json[0]["precisions"][0], "fp32");
  EXPECT_TRUE(json[0]["trouble"].is_null());
  for (const nlohmann::json& device : json)
    if (device["trouble"].is_string()) {
      EXPECT_THAT(table.output, HasSubstr(device["device"].get<std::string>() +
                                          " cannot be used: " + device["trouble"].get<std::string>() + "\n"));
    }
}

TEST_F(OtherCommandsTest, DemoDataIsNotDrawnOverAnything) {
  draw_data(1);
  EXPECT_TRUE(fs::exists(folder() / "data/fg_mask/val"));
  EXPECT_NE(run({"demo-data", "data"}).exit_code, 0);
}

}  // namespace
}  // namespace backdrop::testing
