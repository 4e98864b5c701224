// backdrop plan: what exact reuse will do for a data set, layer by layer, before anything is run.
#include <fmt/format.h>

#include <memory>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "engine/plan_report.h"
#include "loaders/dataset.h"
#include "loaders/image_png.h"
#include "report/position_picture.h"
#include "report/reuse_plan.h"

namespace backdrop {
namespace {

struct PlanOptions {
  ModelOptions model;
  std::string data_path;
  std::string precision = "fp32";
  std::uint64_t cache_memory = 0;
  std::size_t backgrounds = 0;
  std::string picture;
  std::size_t picture_of = 0;
  bool json = false;
};

std::string millions(double count) {
  return fmt::format("{:.2f}", count / 1e6);
}

std::string layer_table(const PlanReport& plan) {
  TextTable table;
  for (const char* title : {"Layer", "Output"}) table.add_column(title);
  for (const char* title : {"Mixed", "Background", "Foreground", "MMACs", "of MMACs", "Share", "Cached KiB"})
    table.add_column(title, TextTable::Align::right);
  for (const LayerPlan& layer : plan.layers) {
    const auto whole = static_cast<double>(layer.whole_multiply_adds);
    table.add_row(
        {layer.name, fmt::format("{} x {} x {}", layer.out.height, layer.out.width, layer.out.channels),
         percent(layer.mixed, 1), percent(layer.background, 1), percent(layer.foreground, 1),
         millions(layer.multiply_adds), millions(whole),
         whole > 0 ? percent(layer.multiply_adds / whole, 1) : "",
         layer.cached_bytes > 0 ? grouped(static_cast<std::size_t>(layer.cached_bytes / 1024)) : ""});
  }
  return table.text();
}

std::string cache_text(const PlanReport& plan) {
  const auto mebibytes = [](std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  const CachePlan& cache = plan.cache;
  if (plan.precision == Precision::fp32)
    return fmt::format("Cached            {:.1f} MiB for each background, {} at a time\n",
                       mebibytes(cache.bytes_per_background), cache.tile);
  std::string text = fmt::format(
      "Cached            {:.1f} MiB for each background in {}, {:.1f} in fp32 to decide again what is close, "
      "{} at a time\n",
      mebibytes(cache.bytes_per_background), name(plan.precision),
      mebibytes(cache.exact_bytes_per_background), cache.tile);
  if (plan.cache_with_sums)
    text += fmt::format("- sums in bf16    {:.1f} MiB in int8, {} at a time, if the search needs them\n",
                        mebibytes(plan.cache_with_sums->bytes_per_background), plan.cache_with_sums->tile);
  return text;
}

std::string summary(const Network& network, const PlanReport& plan) {
  const int hand_off = plan.choice.hand_off;
  return fmt::format(
      "Multiply-adds     {} of {} million a composite ({})\n"
      "Activations       {} of those written without reuse\n"
      "Predicted cost    {} of a composite without reuse, tiles and caches included{}\n"
      "Hand-off          {}\n"
      "{}"
      "Tiles             {}, each background computed once\n",
      millions(plan.multiply_adds()), millions(static_cast<double>(plan.whole_multiply_adds())),
      percent(plan.multiply_adds_share, 1), percent(plan.written_share, 1), percent(plan.choice.share, 1),
      plan.precision == Precision::fp32 ? "" : ", by fp32's costs",
      fmt::format("every position computed from {} on (layer {} of {})",
                  network.layers[static_cast<std::size_t>(hand_off)].name, hand_off, network.layers.size()),
      cache_text(plan), plan.tiles);
}

void draw(const PlanOptions& options, const Network& network, const std::vector<Mask>& masks) {
  if (options.picture_of >= masks.size())
    throw Error(ErrorCode::usage, fmt::format("--picture-of {} names no foreground: there are {}",
                                              options.picture_of, masks.size()));
  const PositionSets sets =
      find_position_sets(network, masks[options.picture_of], first_fully_connected(network));
  write_png(options.picture, draw_position_sets(network, sets, pictured_values(network)));
}

void run_plan(const PlanOptions& options) {
  constexpr std::size_t kMost = 1'000'000'000;
  if (options.backgrounds > kMost)
    throw Error(ErrorCode::usage, fmt::format("--backgrounds {}: at most {}", options.backgrounds, kMost));
  const LoadedNetwork loaded = load_network(options.model);
  check_class_count(options.model, loaded.record.classes);
  const Network& network = *loaded.network;
  std::vector<Mask> masks;
  std::vector<std::string> notes;
  check_class_names(options.data_path);
  for (const ForegroundFile& file : list_foregrounds(options.data_path, &notes)) {
    masks.push_back(read_mask(file.mask));
    if (masks.back().height != network.input.height || masks.back().width != network.input.width)
      throw Error(ErrorCode::bad_input, "is not of the network's input size", file.mask.string());
  }
  std::vector<const Mask*> pointers;
  for (const Mask& mask : masks) pointers.push_back(&mask);
  const std::size_t backgrounds = options.backgrounds > 0
                                      ? options.backgrounds
                                      : list_samples(options.data_path, "only_bg_t", &notes).size();
  for (const std::string& note : notes) print_note(note);
  const std::size_t memory = options.cache_memory > 0 ? options.cache_memory : default_cache_memory();
  const PlanReport plan =
      report_plan(network, pointers, backgrounds, memory, precision_named(options.precision).value());
  if (!options.picture.empty()) draw(options, network, masks);
  if (options.json)
    fmt::print("{}", reuse_plan_json(loaded.record, plan));
  else
    fmt::print("{}\n{}", layer_table(plan), summary(network, plan));
}

}  // namespace

void add_plan_command(CLI::App& application) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command =
      application.add_subcommand("plan", "What exact reuse will do for a data set, layer by layer");
  command->add_option("--data-path", options->data_path, "Root of the IN-9 release")
      ->required()
      ->type_name("DIR");
  add_network_options(*command, options->model, false);
  add_in9_option(*command, options->model);
  command
      ->add_option("--precision", options->precision,
                   "Of the CPU's engine, whether or not this processor has it: what is cached in which form")
      ->check(CLI::IsMember({"fp32", "bf16", "int16", "int8"}))
      ->capture_default_str();
  add_cache_option(*command, options->cache_memory);
  command->add_option("--backgrounds", options->backgrounds, "How many (default: those of only_bg_t)")
      ->check(not_negative())
      ->type_name("N");
  command->add_option("--picture", options->picture, "Draw the kinds of positions of one mask")
      ->type_name("FILE.png");
  command->add_option("--picture-of", options->picture_of, "Which foreground to draw, counted from 0")
      ->check(not_negative())
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->callback([options] { run_plan(*options); });
}

}  // namespace backdrop
