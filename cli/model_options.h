/// \file
/// The options that say which model to run and on what, shared by the subcommands; in the published script's
/// words.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/machine_peak.h"
#include "models/build.h"
#include "report/run_record.h"
#include "search/inputs.h"

namespace backdrop {

struct ModelOptions {
  std::string checkpoint;
  std::string arch;
  bool in9 = false;
  bool allow_partial = false;
  std::string class_map;
  std::optional<Normalization> normalization;  ///< for the checkpoint's own
};

struct DeviceOptions {
  std::string device = "auto";
  std::string precision = "fp32";
  int threads = 0;
  int batch = 0;
  std::string reuse = "on";
  std::string kernels = "own";
  std::uint64_t cache_memory = 0;
  ProfileWindow profile_window;
  std::string gpu_plans = "keep";
  std::vector<std::string> gpu_without;
};

/// A checkpoint as a network, with what results say about it.
struct LoadedNetwork {
  std::shared_ptr<const Network> network;
  ModelRecord record;
  Checkpoint checkpoint;
  BuildReport report;
};

/// A network that can be asked for IN-9 classes.
struct LoadedModel {
  std::shared_ptr<const Network> network;
  ModelRecord record;
  NamedClassMap class_map;
  std::optional<Calibration> calibration;  ///< of a converted checkpoint
};

/// --checkpoint (also as the first bare argument if `positional`), --arch and --allow-partial.
void add_network_options(CLI::App& command, ModelOptions& options, bool positional);
/// Says on stderr that a model of other than ImageNet's classes is given a normalisation that its checkpoint
/// does not name.
void note_normalization(const ModelOptions& options, const ModelRecord& record);
/// --in9.
void add_in9_option(CLI::App& command, ModelOptions& options);
/// The same as add_network_options with --in9 and --class-map.
void add_model_options(CLI::App& command, ModelOptions& options);
/// --cache-memory.
void add_cache_option(CLI::App& command, std::uint64_t& bytes);
void add_device_options(CLI::App& command, DeviceOptions& options);

/// For unsigned options: CLI11 takes -1 for the largest number.
CLI::Validator not_negative();

/// Throws no_device if this build or machine lacks the device asked for.
void check_device(const DeviceOptions& options);

/// "a, b, c and 5 more".
std::string tensor_text(const TensorNames& tensors);

/// Reads the checkpoint and builds the network; tensors that --allow-partial filled in or left out are listed
/// on stderr. Throws bad_input.
LoadedNetwork load_network(const ModelOptions& options);

/// Throws usage if --in9 contradicts the checkpoint's count of classes.
void check_class_count(const ModelOptions& options, int classes);

/// The same as load_network with the class map. Throws usage if --in9 contradicts the checkpoint or a map is
/// needed.
LoadedModel load_model(const ModelOptions& options);

/// What --threads, --batch, --reuse, --kernels, --cache-memory, --precision, --profile-window,
/// --gpu-plans and --gpu-without say.
EngineOptions engine_options(const DeviceOptions& options);

/// With --device auto the CPU. Throws no_device if a GPU that was asked for cannot be used.
std::unique_ptr<Engine> make_engine(const LoadedModel& model, const DeviceOptions& options);

/// The roofs of the device that make_engine would take; of several GPUs the sums.
MachinePeak measure_peak(const DeviceOptions& options);

/// "--name on|off" as a bool.
inline bool is_on(const std::string& value) {
  return value == "on";
}

}  // namespace backdrop
