// The manual page, from the words of --help; what is not an option is written here.
#include "cli/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>

namespace backdrop {
namespace {

/// Text of a line: a backslash and a hyphen that is not one of a word have a meaning to roff, as have a dot
/// and an apostrophe at the front.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  return !result.empty() && (result[0] == '.' || result[0] == '\'') ? "\\&" + result : result;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string value_text(const OptionWords& option) {
  if (!option.choices.empty()) return fmt::format("{}", fmt::join(option.choices, "|"));
  return option.value_name.empty() && option.positional ? option.name : option.value_name;
}

void write_option(std::string& page, const OptionWords& option) {
  const auto out = std::back_inserter(page);
  fmt::format_to(out, ".TP\n");
  if (option.positional) {
    fmt::format_to(out, "\\fI{}\\fR\n", roff(value_text(option)));
  } else {
    if (!option.short_name.empty()) fmt::format_to(out, "\\fB{}\\fR, ", roff(option.short_name));
    const std::string value = option.value == OptionWords::Value::none ? "" : value_text(option);
    fmt::format_to(out, "\\fB{}\\fR{}\n", roff(option.name),
                   value.empty() ? "" : " \\fI" + roff(value) + "\\fR");
  }
  std::string notes;
  if (option.required) notes += " Required.";
  if (!option.default_text.empty()) notes += fmt::format(" Default: {}.", option.default_text);
  std::string description = option.description;
  if (option.bare) description += ", bare or as " + option.name;
  if (!notes.empty() && !description.ends_with('.')) description += '.';
  fmt::format_to(out, "{}\n", roff(description + notes));
}

std::string synopsis(const CommandWords& command) {
  std::string line = fmt::format("\\fBbackdrop {}\\fR", roff(command.name));
  for (const OptionWords& option : command.options)
    if (option.required && !option.positional)
      line += fmt::format(" {1}\\fB{0}\\fR{2} \\fI{3}\\fR", roff(option.name), option.bare ? "[" : "",
                          option.bare ? "]" : "", roff(value_text(option)));
  line += " [\\fIoptions\\fR]";
  for (const OptionWords& option : command.options)
    if (option.positional) line += fmt::format(" \\fI{}\\fR", roff(value_text(option)));
  return line;
}

constexpr const char* kAfterCommands = R"(.SH EXIT STATUS
0 done, 1 failed, 2 usage, 3 bad input file, 4 no usable device, 130 interrupted; an interrupted search goes on with
.BR \-\-resume .
.SH ENVIRONMENT
.TP
.B NO_COLOR
If set and not empty, progress on a terminal has no bold type.
.TP
.B TERM
If
.IR dumb ,
the same.
.TP
.B CUDA_VISIBLE_DEVICES
The GPUs that there are for
.IR backdrop ,
as for every program that uses CUDA.
.TP
.B XDG_CACHE_HOME
Where
.I backdrop
holds, of each GPU, which kernel is the fastest for each layer; ~/.cache if it is not set.
.B \-\-gpu\-plans
.I off
keeps nothing.
.SH FILES
The result of
.B \-\-out
is a folder: run.json, predictions.npy, margins.npy, foregrounds.csv, backgrounds.csv, report.html; eval.json of
.BR "backdrop eval" .
While a search runs the folder's name ends in
.IR .partial .
.SH EXAMPLES
.EX
backdrop challenge \-\-checkpoint resnet50.pt \-\-data\-path bg_challenge \-\-mode all \-\-out results
backdrop eval \-\-checkpoint resnet50.pt \-\-data\-path bg_challenge \-\-eval\-dataset all \-\-out results
backdrop report results
.EE
)";

}  // namespace

std::string manual_page(const CommandWords& application, const std::string& version) {
  std::string page = fmt::format(
      ".TH BACKDROP 1 \"\" \"backdrop {}\" \"User Commands\"\n.SH NAME\nbackdrop \\- {}\n.SH SYNOPSIS\n",
      roff(version), roff(application.description));
  const auto out = std::back_inserter(page);
  for (const CommandWords& command : application.commands)
    fmt::format_to(out, "{}{}\n", command.name == application.commands.front().name ? "" : ".br\n",
                   synopsis(command));
  fmt::format_to(
      out,
      ".SH DESCRIPTION\nWhich backgrounds make an image classifier fail? Every foreground of the "
      "ImageNet\\-9 backgrounds challenge is pasted\nonto every background, the classifier is run on each "
      "composite, and the foregrounds that some background fools are counted.\n.SH OPTIONS\n");
  for (const OptionWords& option : application.options) write_option(page, option);
  fmt::format_to(out, ".SH COMMANDS\n");
  for (const CommandWords& command : application.commands) {
    fmt::format_to(out, ".SS {}\n{}.\n", roff(upper(command.name)), roff(command.description));
    for (const OptionWords& option : command.options) write_option(page, option);
  }
  return page + kAfterCommands;
}

}  // namespace backdrop
