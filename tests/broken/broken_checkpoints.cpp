// Broken checkpoints: files of the wrong kind, hostile or damaged containers, wrong tensors, wrong class
// maps.
#include <limits>

#include "broken_input.h"
#include "files.h"
#include "loaders/checkpoint.h"

namespace fs = std::filesystem;
using backdrop::ErrorCode;

namespace {

const std::string kModel = "model.safetensors";

BrokenInput file(const std::string& name, const std::string& bytes, const std::string& says) {
  return {"checkpoint_" + name, [bytes](const Problem& problem) { write_bytes(problem.model(), bytes); },
          kModel, says};
}

BrokenInput archive(const std::string& name, const std::map<std::string, std::string>& entries,
                    const std::string& says) {
  return {"checkpoint_" + name,
          [entries](const Problem& problem) { write_bytes(problem.model(), zip(entries)); }, kModel, says};
}

// A zip of torch.save with one tensor.
std::map<std::string, std::string> torch_entries(const std::string& pickle, std::size_t values) {
  return {{"archive/data.pkl", pickle},
          {"archive/data/0", std::string(values * 4, '\0')},
          {"archive/version", "3\n"}};
}

BrokenInput tensors(const std::string& name, const std::function<void(backdrop::StateDict&)>& change,
                    const std::string& says) {
  return {"tensors_" + name,
          [change](const Problem& problem) {
            backdrop::StateDict state = thin_alexnet(9);
            change(state);
            backdrop::save_safetensors(problem.model(), state, {});
          },
          kModel, says};
}

BrokenInput architecture(const std::string& name, const std::string& says, ErrorCode code) {
  std::vector<std::string> arguments = challenge();
  arguments[2] = name;
  return {
      "architecture_is_" + name, nullptr, code == ErrorCode::usage ? name : kModel, says, code, arguments};
}

BrokenInput class_map(const std::string& name, const std::string& json, const std::string& says) {
  return {"class_map_" + name,
          [json](const Problem& problem) {
            backdrop::save_safetensors(problem.model(), thin_alexnet(3), {});
            write_bytes(problem.folder() / "map.json", json);
          },
          "map.json",
          says,
          ErrorCode::bad_input,
          {"challenge", "--arch", "alexnet", "--checkpoint", kModel, "--data-path", "data", "--class-map",
           "map.json", "--out", "results"}};
}

}  // namespace

std::vector<BrokenInput> broken_checkpoint_files() {
  const std::string good = zip(torch_entries(pickled_tensor(4, 2, 2), 4));
  const std::string entry = R"({"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  return {
      {"checkpoint_is_missing", [](const Problem& problem) { fs::remove(problem.model()); }, kModel,
       "no such"},
      {"checkpoint_is_a_folder",
       [](const Problem& problem) {
         fs::remove(problem.model());
         fs::create_directory(problem.model());
       },
       kModel, "folder"},
      file("is_empty", "", "empty"),
      file("is_a_web_page", "<!DOCTYPE html>\n<html><body>Sign in to download</body></html>\n", "HTML"),
      file(
          "is_an_lfs_pointer",
          "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 44661\n",
          "LFS"),
      file("is_a_photo", jpeg(224, 224), "JPEG"),
      file("is_a_tar", std::string(257, 'a') + "ustar" + std::string(250, '\0'), "tar archive"),
      file("is_a_short_zip", good.substr(0, good.size() * 2 / 3), "truncated"),
      file("is_a_zip_without_end", good.substr(0, good.size() - 10), "truncated"),
      archive("is_another_zip", {{"readme.txt", "photos"}}, "data.pkl"),
      archive("is_torchscript",
              {{"archive/data.pkl", "\x80\x02}."},
               {"archive/constants.pkl", "\x80\x02)."},
               {"archive/code/__torch__.py", "class Net(Module):\n"},
               {"archive/version", "3\n"}},
              "TorchScript"),
      archive("is_hostile", torch_entries(hostile_pickle(), 0), "os.system"),
      archive("lacks_a_storage", {{"archive/data.pkl", pickled_tensor(4, 2, 2)}}, "archive/data/0"),
      archive("has_a_short_storage", torch_entries(pickled_tensor(4, 2, 2), 3), "storage"),
      archive("reaches_past_its_storage", torch_entries(pickled_tensor(4, 2, 3), 4), "storage"),
      archive("claims_a_huge_tensor", torch_entries(pickled_tensor(4, 0x7fffffff, 0x7fffffff), 4), "storage"),
      archive("has_a_pickle_without_end", torch_entries("\x80\x02}X\x04", 0), "pickle"),
      archive("has_an_empty_pickle", torch_entries("", 0), "pickle"),
      archive("holds_no_tensors", torch_entries("\x80\x02}.", 0), "no tensors"),
      file("is_a_hostile_pickle", hostile_pickle(), "os.system"),
      file("is_a_hostile_legacy_file", legacy_preamble() + hostile_pickle(), "os.system"),
      file("is_a_short_legacy_file", legacy_preamble().substr(0, 30), "truncated"),
      file("is_a_legacy_file_without_tensors", legacy_preamble(), "truncated"),
      file("lacks_its_safetensors_header", safetensors(entry, "").substr(0, 20), "truncated"),
      file("has_an_endless_safetensors_header", std::string(7, '\xff') + "\x7f{}", "header"),
      file("has_a_broken_safetensors_header", safetensors("{\"weight\":", ""), "header"),
      file("has_short_safetensors_data", safetensors(entry, "1234"), "truncated"),
      file("has_overlapping_safetensors",
           safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                       std::string(12, '\0')),
           "overlaps"),
      file("has_an_unknown_safetensors_type",
           safetensors(R"({"weight":{"dtype":"Q4","shape":[2],"data_offsets":[0,1]}})", "1"), "Q4"),
  };
}

std::vector<BrokenInput> broken_tensors() {
  return {
      tensors(
          "lack_one", [](auto& state) { state.erase("features.6.bias"); }, "features.6.bias"),
      tensors(
          "lack_the_classifier",
          [](auto& state) {
            state.erase("classifier.6.weight");
            state.erase("classifier.6.bias");
          },
          "classifier.6"),
      tensors(
          "have_one_too_many", [](auto& state) { state["attention.weight"] = state["features.0.bias"]; },
          "attention.weight"),
      tensors(
          "have_a_wrong_shape",
          [](auto& state) {
            state["features.3.weight"].shape = {8, 5, 5, 4};
          },
          "features.3"),
      tensors(
          "have_a_short_bias", [](auto& state) { state["features.3.bias"] = state["features.0.bias"]; },
          "features.3"),
      tensors(
          "hold_nan",
          [](auto& state) { state["features.6.weight"].values[7] = std::numeric_limits<float>::quiet_NaN(); },
          "features.6.weight"),
      tensors(
          "hold_infinity",
          [](auto& state) { state["classifier.6.bias"].values[0] = std::numeric_limits<float>::infinity(); },
          "classifier.6.bias"),
      architecture("resnet18", "alexnet", ErrorCode::bad_input),
      architecture("vgg16_bn", "alexnet", ErrorCode::bad_input),
      architecture("resnet51", "choose one of", ErrorCode::usage),
      architecture("vit_b_16", "choose one of", ErrorCode::usage),
      {"model_has_seven_classes",
       [](const Problem& problem) { backdrop::save_safetensors(problem.model(), thin_alexnet(7), {}); },
       "",
       "7",
       ErrorCode::usage,
       {"challenge", "--arch", "alexnet", "--checkpoint", kModel, "--data-path", "data", "--out", "results"}},
      {"model_is_not_of_in9",
       [](const Problem& problem) { backdrop::save_safetensors(problem.model(), thin_alexnet(1000), {}); },
       "", "1000", ErrorCode::usage},
  };
}

std::vector<BrokenInput> broken_class_maps() {
  return {
      class_map("is_empty", "", "empty"),
      class_map("is_not_json", "{\"0\": 1,", "JSON"),
      class_map("is_a_list", "[0, 1, 2]", "object"),
      class_map("lacks_a_class", R"({"0": 1, "2": 3})", "1"),
      class_map("has_a_class_too_many", R"({"0": 1, "1": 2, "2": 3, "3": 4})", "3"),
      class_map("goes_past_the_labels", R"({"0": 1, "1": 9, "2": 3})", "9"),
      class_map("has_a_word_for_a_label", R"({"0": "dog", "1": 2, "2": 3})", "dog"),
      {"class_map_is_missing", [](const Problem& problem) { fs::remove(problem.folder() / "map.json"); },
       "map.json", "no such", ErrorCode::bad_input, challenge({"--class-map", "map.json"})},
  };
}
