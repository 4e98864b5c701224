/// \file
/// The table of broken inputs: how each is made and what the command must answer.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "backdrop/error.h"
#include "command.h"
#include "loaders/tensor.h"

/// A folder with a complete small problem: the IN-9 tree `data` with one photo of each class in each
/// variation, and a thin AlexNet of nine classes in `model.safetensors`. Each case gets one of its own and
/// damages it.
class Problem {
 public:
  explicit Problem(const std::string& name);
  ~Problem();
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path model() const { return folder_ / "model.safetensors"; }
  std::filesystem::path photo() const;
  std::filesystem::path mask() const;
  std::filesystem::path background() const;

 private:
  std::filesystem::path folder_;
};

/// The nine class folders of the release.
extern const std::vector<std::string> kClassFolders;

/// The tensors of a thin AlexNet.
backdrop::StateDict thin_alexnet(int classes);

/// Command line of a search of the whole problem, with further options behind.
std::vector<std::string> challenge(const std::vector<std::string>& options = {});

struct BrokenInput {
  std::string name;  ///< letters, digits and underscores
  std::function<void(const Problem&)> damage;
  std::string named;  ///< what the line must name: the end of the file's path, or the option
  std::string says;   ///< words that the line must have
  backdrop::ErrorCode code = backdrop::ErrorCode::bad_input;
  std::vector<std::string> arguments = challenge();
  Disk disk = Disk::healthy;
};

inline void PrintTo(const BrokenInput& input, std::ostream* out) {
  *out << input.name;
}

std::vector<BrokenInput> broken_photos();
std::vector<BrokenInput> broken_masks();
std::vector<BrokenInput> broken_trees();
std::vector<BrokenInput> broken_checkpoint_files();
std::vector<BrokenInput> broken_tensors();
std::vector<BrokenInput> broken_class_maps();
std::vector<BrokenInput> broken_outputs();
std::vector<BrokenInput> broken_options();
