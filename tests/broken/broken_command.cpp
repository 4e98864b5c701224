// Places that cannot be written to, and command lines that contradict themselves.
#include "broken_input.h"
#include "files.h"

namespace fs = std::filesystem;
using backdrop::ErrorCode;

namespace {

BrokenInput usage(const std::string& name, const std::vector<std::string>& arguments,
                  const std::string& named) {
  return {"usage_" + name, nullptr, named, "", ErrorCode::usage, arguments};
}

std::vector<std::string> challenge_into(const std::string& folder) {
  std::vector<std::string> arguments = challenge();
  arguments.back() = folder;
  return arguments;
}

}  // namespace

std::vector<BrokenInput> broken_outputs() {
  return {
      {"results_hold_other_files",
       [](const Problem& problem) { write_bytes(problem.folder() / "results/thesis.tex", "text"); },
       "results", "thesis.tex", ErrorCode::usage},
      {"results_are_a_file",
       [](const Problem& problem) { write_bytes(problem.folder() / "results", "text"); }, "results",
       "is a file", ErrorCode::failed},
      {"results_are_below_a_file", nullptr, "model.safetensors/results", "cannot be created",
       ErrorCode::failed, challenge_into("model.safetensors/results")},
      {"results_are_on_a_read_only_disk", nullptr, "disk/results", "cannot be created", ErrorCode::failed,
       challenge_into("disk/results"), Disk::read_only},
      {"results_are_on_a_full_disk", nullptr, "disk/results", "cannot be written", ErrorCode::failed,
       challenge_into("disk/results"), Disk::full},
      {"demo_data_on_a_full_disk",
       nullptr,
       "disk/demo",
       "cannot be written",
       ErrorCode::failed,
       {"demo-data", "disk/demo"},
       Disk::full},
      {"converted_onto_a_full_disk",
       nullptr,
       "disk/ready.safetensors",
       "cannot be written",
       ErrorCode::failed,
       {"convert", "--arch", "alexnet", "--checkpoint", "model.safetensors", "--out",
        "disk/ready.safetensors"},
       Disk::full},
  };
}

std::vector<BrokenInput> broken_options() {
  return {
      usage("without_a_command", {}, ""),
      usage("of_an_unknown_command", {"chalenge"}, "chalenge"),
      usage("of_an_unknown_option", challenge({"--fast"}), "--fast"),
      usage("without_data", {"challenge", "--arch", "alexnet", "--checkpoint", "model.safetensors"},
            "--data-path"),
      usage("without_a_value", challenge({"--threads"}), "--threads"),
      usage("of_a_negative_thread_count", challenge({"--threads", "-3"}), "--threads"),
      usage("of_threads_in_words", challenge({"--threads", "many"}), "--threads"),
      usage("of_an_unknown_mode", challenge({"--mode", "quick"}), "--mode"),
      usage("of_an_unknown_variation",
            {"eval", "--arch", "alexnet", "--checkpoint", "model.safetensors", "--data-path", "data", "--in9",
             "--eval-dataset", "mixed_up"},
            "mixed_up"),
      {"device_is_missing", nullptr, "", "CUDA", ErrorCode::no_device, challenge({"--device", "cuda:99"})},
      {"one_device_of_several_is_missing", nullptr, "", "CUDA", ErrorCode::no_device,
       challenge({"--device", "cuda:98,99"})},
      usage("of_one_gpu_twice", challenge({"--device", "cuda:1,1"}), "cuda:1,1 names GPU 1 twice"),
      usage("of_a_gpu_in_the_cpus_precision", challenge({"--device", "cuda", "--precision", "int16"}),
            "--precision int16"),
      usage("of_an_unknown_device", challenge({"--device", "abacus"}), "--device"),
  };
}
