// backdrop demo-data: a small drawn data set in the layout of the release.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "loaders/dataset.h"
#include "loaders/demo_data.h"

namespace backdrop {
namespace {

struct DemoDataOptions {
  std::string out;
  DemoOptions demo;
};

void run_demo_data(const DemoDataOptions& options) {
  write_demo_data(options.out, options.demo);
  fmt::print("{}: {} photos a variation, {} variations, and their masks\n", options.out,
             options.demo.images_per_class * kIn9Classes, in9_variations().size());
}

}  // namespace

void add_demo_data_command(CLI::App& application) {
  auto options = std::make_shared<DemoDataOptions>();
  CLI::App* command =
      application.add_subcommand("demo-data", "Draw a small data set in the layout of the IN-9 release");
  command->add_option("out,--out", options->out, "Folder to write; new or empty")
      ->required()
      ->type_name("DIR");
  command->add_option("--images-per-class", options->demo.images_per_class, "Photos a class and variation")
      ->check(CLI::Range(1, kMaxDemoImagesPerClass))
      ->capture_default_str();
  command->add_option("--seed", options->demo.seed, "The same seed draws the same pixels")
      ->check(not_negative())
      ->capture_default_str();
  command->callback([options] { run_demo_data(*options); });
}

}  // namespace backdrop
