/// \file
/// A folder with a thin nine-class checkpoint and a small drawn data set, and the command run in it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loaders/checkpoint.h"
#include "tests/cli/process.h"
#include "tests/models/synthetic.h"
#include "tests/temporary_folder.h"

namespace backdrop::testing {

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() { write_checkpoint("model.safetensors", 9); }

  const std::filesystem::path& folder() const { return temporary_.path; }

  void write_checkpoint(const std::string& name, int classes) const {
    save_safetensors(folder() / name, synthetic_resnet({.classes = classes}).tensors, {});
  }

  Outcome run(const std::vector<std::string>& arguments) const { return Process(arguments, folder()).wait(); }

  void draw_data(int images_per_class = 2) const {
    const Outcome outcome =
        run({"demo-data", "data", "--images-per-class", std::to_string(images_per_class)});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  }

  /// "challenge" with the checkpoint, the data and these.
  static std::vector<std::string> challenge(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"challenge", "--checkpoint", "model.safetensors", "--data-path",
                                          "data"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  nlohmann::json read_json(const std::string& name) const {
    return nlohmann::json::parse(read_text(folder() / name));
  }

 private:
  TemporaryFolder temporary_;
};

}  // namespace backdrop::testing
