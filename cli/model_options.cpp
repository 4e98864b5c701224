// From options to a network and an engine.
#include "cli/model_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>

#include "backdrop/error.h"
#include "cli/cache_folder.h"
#include "cli/note.h"
#include "engine/device_choice.h"
#include "loaders/dataset.h"
#include "report/run_files.h"

namespace backdrop {
namespace {

// CLI11's form of a check: the complaint, empty if there is none.
std::string known_device(const std::string& device) {
  try {
    parse_device(device);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

// "4G" as bytes; CLI11 would show its own words in --help and take -1 for a very large size.
std::string bytes_of_size(std::string& size) {
  if (size.starts_with('-')) return fmt::format("{} is no size", size);
  return CLI::AsSizeValue(false)(size);
}

std::vector<std::string> way_names() {
  std::vector<std::string> names;
  for (const GpuWay way : kGpuWays) names.push_back(name(way));
  return names;
}

// Whichever of several engines says it first says it for all.
void note_once(const std::string& line) {
  static std::once_flag noted;
  std::call_once(noted, [&line] { print_note(line); });
}

void note_tensors(const std::string& file, const TensorNames& tensors, const char* what) {
  if (tensors.count > 0) print_note(fmt::format("{}: {} {}", file, what, tensor_text(tensors)));
}

}  // namespace

void add_network_options(CLI::App& command, ModelOptions& options, bool positional) {
  command
      .add_option(positional ? "checkpoint,--checkpoint" : "--checkpoint", options.checkpoint,
                  "Model checkpoint: PyTorch (.pt, .pth) or safetensors")
      ->required()
      ->type_name("FILE");
  command.add_option("--arch", options.arch, "Architecture (default: read off the checkpoint)")
      ->type_name("NAME");
  command.add_flag("--allow-partial", options.allow_partial,
                   "Ignore unexpected tensors and zero missing ones");
}

void add_in9_option(CLI::App& command, ModelOptions& options) {
  command.add_flag("--in9", options.in9, "The model has nine classes; checked against the checkpoint");
}

void add_model_options(CLI::App& command, ModelOptions& options) {
  add_network_options(command, options, false);
  add_in9_option(command, options);
  command.add_option("--class-map", options.class_map, "JSON map of the model's classes to the nine, or -1")
      ->type_name("FILE");
}

void add_device_options(CLI::App& command, DeviceOptions& options) {
  command
      .add_option("--device", options.device,
                  "auto or cpu; cuda, cuda:N for GPU N, cuda:N,M for several, cuda:all (never run so far: "
                  "auto chooses none)")
      ->check(known_device)
      ->type_name("DEVICE")
      ->capture_default_str();
  command
      .add_option(
          "--precision", options.precision,
          "Below fp32 close decisions are made again in fp32, so the answer is fp32's; auto: the "
          "fastest here; on the CPU bf16 and int8 (AVX-512) and int16 (AVX2), on a GPU tf32, fp16, bf16, "
          "int8 and fp8")
      ->check(CLI::IsMember({"auto", "fp32", "tf32", "fp16", "bf16", "int16", "int8", "fp8"}))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads (default: all that may be used)")
      ->check(CLI::Range(0, 4096));
  command
      .add_option("--batch", options.batch,
                  "Composites a batch, 16 at most in the CPU's own kernels (default: chosen for the caches)")
      ->check(CLI::Range(0, 65536));
  command.add_option("--reuse", options.reuse, "Compute only what each new background changed")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command
      .add_option(
          "--kernels", options.kernels,
          "On the CPU: own, or to check them onednn and reference (plain loops, slow), both without reuse")
      ->check(CLI::IsMember({"own", "onednn", "reference"}))
      ->capture_default_str();
  add_cache_option(command, options.cache_memory);
  command
      .add_option("--gpu-plans", options.gpu_plans,
                  "Of a GPU, which kernel is the fastest for each layer: keep it in ~/.cache/backdrop and "
                  "read it there; anew: measure it again and keep it; off: measure it, touch no file")
      ->check(CLI::IsMember({"keep", "anew", "off"}))
      ->capture_default_str();
  command
      .add_option(
          "--gpu-without", options.gpu_without,
          "Of a GPU, how not to compute, with commas between several: to compare, or where one is broken")
      ->check(CLI::IsMember(way_names()))
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_cache_option(CLI::App& command, std::uint64_t& bytes) {
  command
      .add_option("--cache-memory", bytes,
                  "Memory for cached background features, like 4G (default: half of what is available)")
      ->transform(CLI::Validator(bytes_of_size, ""))
      ->type_name("SIZE");
}

CLI::Validator not_negative() {
  const auto complaint = [](std::string& text) {
    return text.starts_with('-') ? fmt::format("{} is negative", text) : std::string();
  };
  return {complaint, ""};
}

void check_device(const DeviceOptions& options) {
  const DeviceChoice choice = parse_device(options.device);
  if (!choice.gpu) return;
  if (options.precision == "int16")
    throw Error(ErrorCode::usage,
                "--precision int16 is for the CPU: a GPU takes fp32, tf32, fp16, bf16, int8 and fp8");
  find_gpus(choice.gpus);
}

std::string tensor_text(const TensorNames& tensors) {
  if (tensors.names.empty())
    return fmt::format("{} of the checkpoint that this one was converted from", tensors.count);
  constexpr std::size_t kShown = 3;
  const std::size_t shown = std::min(tensors.names.size(), kShown);
  std::string text = fmt::format(
      "{}",
      fmt::join(tensors.names.begin(), tensors.names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (tensors.count > shown) text += fmt::format(" and {} more", tensors.count - shown);
  return text;
}

LoadedNetwork load_network(const ModelOptions& options) {
  LoadedNetwork loaded;
  loaded.checkpoint = load_checkpoint(options.checkpoint);
  loaded.network = std::make_shared<const Network>(
      build_network(loaded.checkpoint, {options.arch, options.allow_partial, options.normalization},
                    options.checkpoint, &loaded.report));
  loaded.record = model_record(options.checkpoint, loaded.checkpoint, *loaded.network, loaded.report);
  if (const std::vector<std::string>& others = loaded.checkpoint.other_dicts; !others.empty())
    print_note(fmt::format("{}: there are tensors under {}, too, which are not read", options.checkpoint,
                           fmt::join(others, ", ")));
  note_tensors(options.checkpoint, loaded.record.filled_in, "missing tensors count as zero:");
  note_tensors(options.checkpoint, loaded.record.left_out, "tensors without a place are ignored:");
  return loaded;
}

void note_normalization(const ModelOptions& options, const ModelRecord& record) {
  constexpr int kImageNetClasses = 1000;
  if (record.normalization_source == "checkpoint" || record.classes == kImageNetClasses) return;
  print_note(
      fmt::format("{}: has no mean and deviation of its own and is given {}'s (backdrop convert --mean --std "
                  "sets others)",
                  options.checkpoint, record.normalization_source == "in9" ? "IN-9" : "ImageNet"));
}

void check_class_count(const ModelOptions& options, int classes) {
  if (options.in9 && classes != kIn9Classes)
    throw Error(ErrorCode::usage, fmt::format("has {} classes, but --in9 says {}", classes, kIn9Classes),
                options.checkpoint);
}

LoadedModel load_model(const ModelOptions& options) {
  LoadedNetwork loaded = load_network(options);
  const int classes = loaded.record.classes;
  check_class_count(options, classes);
  auto map = choose_class_map(options.class_map, classes);
  if (!map)
    throw Error(
        ErrorCode::usage,
        fmt::format("the model has {} classes: give the map to IN-9's nine with --class-map", classes),
        options.checkpoint);
  LoadedModel model;
  model.network = std::move(loaded.network);
  model.record = std::move(loaded.record);
  model.class_map = std::move(*map);
  model.calibration = carried_calibration(loaded.checkpoint, *model.network, options.checkpoint);
  return model;
}

EngineOptions engine_options(const DeviceOptions& options) {
  GpuWays gpu_without;
  for (const std::string& way : options.gpu_without) gpu_without.add(gpu_way_named(way).value());
  return EngineOptions{.threads = options.threads,
                       .batch = options.batch,
                       .reference = options.kernels == "reference",
                       .onednn = options.kernels == "onednn",
                       .reuse = is_on(options.reuse),
                       .cache_memory = static_cast<std::size_t>(options.cache_memory),
                       .precision = precision_named(options.precision).value_or(Precision::fp32),
                       .choose_precision = options.precision == "auto",
                       .profile_window = options.profile_window,
                       .gpu_without = gpu_without,
                       .plan_folder = options.gpu_plans == "off" ? "" : cache_folder(),
                       .measure_anew = options.gpu_plans == "anew",
                       .complain = note_once};
}

std::unique_ptr<Engine> make_engine(const LoadedModel& model, const DeviceOptions& options) {
  check_device(options);
  EngineOptions engine = engine_options(options);
  engine.calibration = model.calibration;
  const DeviceChoice choice = parse_device(options.device);
  if (!choice.gpu) return make_cpu_engine(model.network, model.class_map.map, engine);
  engine.gpus = choice.gpus;
  return make_cuda_engine(model.network, model.class_map.map, engine);
}

MachinePeak measure_peak(const DeviceOptions& options) {
  const DeviceChoice choice = parse_device(options.device);
  if (!choice.gpu) {
    ThreadPool pool(options.threads);
    return measure_machine_peak(pool);
  }
  MachinePeak all;
  const GpuWays without = engine_options(options).gpu_without;
  for (const int gpu : find_gpus(choice.gpus)) all += measure_cuda_peak(gpu, without);
  return all;
}

}  // namespace backdrop
