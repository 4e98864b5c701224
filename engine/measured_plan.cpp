// Plans to JSON and back, and where they lie.
#include "engine/measured_plan.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "backdrop/error.h"
#include "core/durable_file.h"
#include "core/hash.h"
#include "core/version.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "backdrop plan 5";
constexpr std::uintmax_t kMostBytes = 1 << 20;  // a ResNet-152's plan has a hundredth of it
constexpr std::uint64_t kMostNumber = 1'000'000;

std::string shape_text(const ValueShape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::string layer_text(const Layer& layer) {
  return fmt::format("{} of {}+{}: {}/{}/{}/{} {} {} {}", static_cast<int>(layer.kind), layer.input,
                     layer.residual, layer.kernel, layer.stride, layer.padding, layer.groups,
                     static_cast<int>(layer.activation), shape_text(layer.in), shape_text(layer.out));
}

// [a, b, ...] with whole numbers, none of them negative; else nothing.
std::optional<std::vector<int>> numbers(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<int> result;
  for (const Json& number : json) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > kMostNumber) return std::nullopt;
    result.push_back(number.get<int>());
  }
  return result;
}

// [[a, b, ...], ...], of so many each, likewise.
std::optional<std::vector<std::vector<int>>> rows(const Json& json, std::size_t columns) {
  if (!json.is_array()) return std::nullopt;
  std::vector<std::vector<int>> result;
  for (const Json& row : json) {
    auto entry = numbers(row);
    if (!entry || entry->size() != columns) return std::nullopt;
    result.push_back(std::move(*entry));
  }
  return result;
}

std::optional<kernels::Products> products_named(const Json& json) {
  for (const kernels::Products products : kernels::kProducts)
    if (json == name(products)) return products;
  return std::nullopt;
}

// A regular file's text; empty if there is none that a plan could be.
std::string text_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kMostBytes || error) return {};
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

std::vector<std::string> plan_key(const std::string& machine, const std::string& subject,
                                  const Network& network) {
  std::vector<std::string> key{machine, subject,
                               fmt::format("backdrop {} {}", version_number(), git_revision()),
                               shape_text(network.input)};
  for (const Layer& layer : network.layers) key.push_back(layer_text(layer));
  return key;
}

std::string plan_text(const std::vector<std::string>& key, const MeasuredPlan& plan) {
  Json json{
      {"format", kFormat}, {"key", key}, {"products", name(plan.products)}, {"clusters", plan.clusters}};
  json["convolutions"] = Json::array();
  for (const auto& one : plan.convolutions)
    json["convolutions"].push_back({one.layer, one.way, one.least_rows});
  json["chains"] = Json::array();
  for (const auto& one : plan.chains)
    json["chains"].push_back({one.first_layer, one.bottlenecks, one.side, one.percent});
  // A device's name comes from its driver.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<MeasuredPlan> parse_plan(std::string_view text, const std::vector<std::string>& key) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  for (const char* member : {"format", "key", "products", "clusters", "convolutions", "chains"})
    if (!json.contains(member)) return std::nullopt;
  if (json["format"] != kFormat || json["key"] != Json(key)) return std::nullopt;
  const auto products = products_named(json["products"]);
  auto clusters = numbers(json["clusters"]);
  const auto convolutions = rows(json["convolutions"], 3);
  const auto chains = rows(json["chains"], 4);
  if (!products || !clusters || !convolutions || !chains) return std::nullopt;
  MeasuredPlan plan{*products, std::move(*clusters), {}, {}};
  for (const auto& row : *convolutions) plan.convolutions.push_back({row[0], row[1], row[2]});
  for (const auto& row : *chains) plan.chains.push_back({row[0], row[1], row[2], row[3]});
  return plan;
}

PlanFolder::PlanFolder(fs::path folder, std::string machine, bool anew, Complain complain)
    : folder_(std::move(folder)), machine_(std::move(machine)), anew_(anew), complain_(std::move(complain)) {}

fs::path PlanFolder::file_of(const std::vector<std::string>& key) const {
  Sha256 hash;
  for (const std::string& line : key) hash.update(line.c_str(), line.size() + 1);
  return folder_ / ("gpu-plan-" + hash.hex().substr(0, 16) + ".json");
}

std::optional<MeasuredPlan> PlanFolder::find(const std::string& subject, const Network& network) const {
  if (folder_.empty() || anew_) return std::nullopt;
  const auto key = plan_key(machine_, subject, network);
  return parse_plan(text_of(file_of(key)), key);
}

void PlanFolder::keep(const std::string& subject, const Network& network, const MeasuredPlan& plan) {
  if (folder_.empty()) return;
  const auto key = plan_key(machine_, subject, network);
  try {
    fs::create_directories(folder_);
    replace_file(file_of(key), plan_text(key, plan));
  } catch (const std::exception& error) {
    if (complain_) complain_(fmt::format("what was measured on the GPU cannot be kept: {}", error.what()));
    complain_ = nullptr;
  }
}

}  // namespace backdrop
