// What differs from CLI11's own help.
#include "cli/help.h"

namespace backdrop {
namespace {

bool is_bare(const CLI::Option* option) {
  return option->get_positional() && option->nonpositional();
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return is_bare(option) && !is_positional ? "" : Formatter::make_option(option, is_positional);
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string description = Formatter::make_option_desc(option);
    return is_bare(option) ? description + ", bare or as --" + option->get_lnames().front() : description;
  }
};

}  // namespace

std::shared_ptr<CLI::Formatter> help_formatter() {
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(36);
  return formatter;
}

}  // namespace backdrop
