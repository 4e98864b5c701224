// backdrop profile: where the time of a search goes, layer by layer, and how far from this machine's roof.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "backdrop/error.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/version.h"
#include "core/durable_file.h"
#include "report/profile_record.h"
#include "search/inputs.h"

namespace backdrop {
namespace {

struct ProfileOptions {
  ModelOptions model;
  DeviceOptions device;
  std::string data_path;
  std::size_t foregrounds = 9;
  std::size_t backgrounds = 36;
  int repeat = 1;
  std::string html;
  bool json = false;
  bool quiet = false;
};

/// `count` places of `total`, evenly spaced, so that all classes are met.
std::vector<std::size_t> spread(std::size_t count, std::size_t total) {
  count = std::min(count, total);
  std::vector<std::size_t> places(count);
  for (std::size_t i = 0; i < count; ++i) places[i] = i * total / count;
  return places;
}

/// The part of the data that is run.
struct Sample {
  ChallengeInput input;
  std::vector<int> indices;  // of the backgrounds
  std::vector<std::int16_t> predictions;
  std::vector<CompositeTask> tasks;
};

Sample load_sample(const ProfileOptions& options, const Network& network) {
  ThreadPool pool(options.device.threads);
  ChallengeInput all = load_challenge_input(options.data_path, pool);
  check_input(all, network.input);
  Sample sample;
  auto backgrounds = std::make_shared<std::vector<Image>>();
  for (const std::size_t place : spread(options.backgrounds, all.backgrounds->size())) {
    sample.indices.push_back(static_cast<int>(backgrounds->size()));
    backgrounds->push_back((*all.backgrounds)[place]);
  }
  sample.input.backgrounds = backgrounds;
  for (const std::size_t place : spread(options.foregrounds, all.foregrounds.size()))
    sample.input.foregrounds.push_back(std::move(all.foregrounds[place]));
  sample.predictions.resize(sample.input.foregrounds.size() * backgrounds->size());
  std::int16_t* row = sample.predictions.data();
  for (const Foreground& foreground : sample.input.foregrounds) {
    sample.tasks.push_back({.foreground = &foreground.image,
                            .mask = &foreground.mask,
                            .label = foreground.label,
                            .backgrounds = sample.indices,
                            .predictions = row});
    row += backgrounds->size();
  }
  return sample;
}

std::string layer_table(const SearchTimes& times) {
  TextTable table;
  for (const char* title : {"Layer", "Output"}) table.add_column(title);
  const auto composites = static_cast<double>(times.composites());
  const bool several = !times.runs.empty();
  for (const char* title : {"Computed", "us/composite"}) table.add_column(title, TextTable::Align::right);
  if (several) table.add_column("Smallest to largest", TextTable::Align::right);
  for (const char* title : {"Time", "MMACs", "Products", "GMAC/s", "Of peak", "Of bandwidth", "Of roofline"})
    table.add_column(title, TextTable::Align::right);
  const auto add_row = [&](std::vector<std::string> cells, const std::string& range,
                           const std::vector<std::string>& rest) {
    if (several) cells.push_back(range);
    cells.insert(cells.end(), rest.begin(), rest.end());
    table.add_row(std::move(cells));
  };
  for (std::size_t i = 0; i < times.layers.size(); ++i) {
    const LayerProfile& layer = times.layers[i];
    add_row({layer.name, fmt::format("{} x {} x {}", layer.out.height, layer.out.width, layer.out.channels),
             percent(layer.mixed, 1), fmt::format("{:.1f}", 1e6 * layer.seconds)},
            several ? range_text(range_of_layer(times, i)) : "",
            {percent(layer.seconds * composites / times.seconds, 1),
             fmt::format("{:.2f}", 1e-6 * layer.multiply_adds), products_text(layer),
             layer.seconds > 0 ? fmt::format("{:.1f}", 1e-9 * layer.multiply_adds_per_second()) : "",
             percent(layer.compute_share, 1), percent(layer.bandwidth_share, 1),
             percent(layer.roofline_share, 1)});
  }
  for (const auto& [name, seconds] : other_steps(times))
    add_row({name, "", "", fmt::format("{:.1f}", 1e6 * times.*seconds / composites)},
            several ? range_text(range_of(times, seconds), times.composites()) : "",
            {percent(times.*seconds / times.seconds, 1), "", "", "", "", "", ""});
  return table.text();
}

std::string profile_text(const ProfileRecord& record) {
  std::string text = fmt::format("{}; measured peaks: {}\n", machine_text(record), peak_text(record.peak));
  for (const SearchTimes& times : record.searches)
    text += fmt::format("\n{}: {:.1f} composites/s{} ({} foregrounds on {} backgrounds{}; {})\n{}",
                        times.reuse ? "With exact reuse" : "Every position",
                        static_cast<double>(times.composites()) / times.seconds, runs_text(times),
                        times.foregrounds, times.backgrounds, decided_again_text(times), times.engine,
                        layer_table(times));
  for (const std::string& note : {runs_note(record), bandwidth_note(record)})
    if (!note.empty()) text += '\n' + note + '\n';
  return text;
}

/// A search on an engine of its own.
struct Measured {
  std::string title;
  std::unique_ptr<Engine> engine;
  ProfiledSearch search;
  std::vector<SearchTimes> runs;
};

/// With and without reuse. Several runs of both take turns, so that whatever else the machine does meets
/// both.
void measure_searches(const ProfileOptions& options, const LoadedModel& model, const Sample& sample,
                      ProgressLine& progress, ProfileRecord& record) {
  std::vector<Measured> searches;
  DeviceOptions device = options.device;
  for (const bool reuse : {true, false}) {
    if (reuse && !is_on(options.device.reuse)) continue;
    const std::string title = reuse ? "searching with exact reuse" : "searching without";
    progress.announce(title);
    device.reuse = reuse ? "on" : "off";
    std::unique_ptr<Engine> engine = make_engine(model, device);
    record.device = engine->device();
    record.threads = engine->threads();
    ProfiledSearch search(*engine, *model.network, sample.tasks, sample.input.backgrounds, record.peak);
    // What "auto" chose is compared with itself.
    device.precision = name(search.precision());
    // Of several runs the first takes the memory to work in, and is not counted. After a single one the
    // engine leaves its own to the next.
    SearchTimes first = search.run();
    if (options.repeat == 1)
      record.searches.push_back(std::move(first));
    else
      searches.push_back({title, std::move(engine), search, {}});
  }
  for (int run = 1; run <= options.repeat; ++run) {
    for (Measured& measured : searches) {
      progress.announce(fmt::format("{}: {} of {}", measured.title, run, options.repeat));
      measured.runs.push_back(measured.search.run());
    }
  }
  for (Measured& measured : searches) record.searches.push_back(median_of(std::move(measured.runs)));
}

void run_profile(const ProfileOptions& options) {
  check_device(options.device);
  std::optional<ProgressLine> progress(options.quiet);
  progress->announce("reading " + options.model.checkpoint);
  const LoadedModel model = load_model(options.model);
  const Sample sample = load_sample(options, *model.network);
  ProfileRecord record;
  record.model = model.record;
  record.versions = program_versions();
  progress->announce("measuring the machine");
  record.peak = measure_peak(options.device);
  measure_searches(options, model, sample, *progress, record);
  progress.reset();
  // First what was measured: a page that cannot be written loses nothing.
  fmt::print("{}", options.json ? profile_json(record) : profile_text(record));
  if (!options.html.empty()) replace_file(options.html, profile_page(record));
}

}  // namespace

void add_profile_command(CLI::App& application) {
  auto options = std::make_shared<ProfileOptions>();
  CLI::App* command =
      application.add_subcommand("profile", "Where the time of a search goes, layer by layer");
  command->add_option("--data-path", options->data_path, "Root of the IN-9 release")
      ->required()
      ->type_name("DIR");
  add_model_options(*command, options->model);
  add_device_options(*command, options->device);
  command->add_option("--foregrounds", options->foregrounds, "How many are run, evenly spaced")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--backgrounds", options->backgrounds, "How many are run, evenly spaced")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--repeat", options->repeat,
                   "Runs of each search, in turns: medians, with the smallest and the largest")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--html", options->html, "Draw it as a page")->type_name("FILE.html");
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->add_flag("--quiet", options->quiet, "No progress on stderr");
  command->callback([options] { run_profile(*options); });
}

}  // namespace backdrop
