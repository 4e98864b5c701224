// The format is described in safetensors.h.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backdrop/error.h"
#include "core/durable_file.h"
#include "loaders/checkpoint.h"
#include "loaders/checkpoint_tensor.h"

namespace backdrop {
namespace {

/// The header with its length before it, padded with spaces so that the data starts at a multiple of eight.
std::string make_header(const std::filesystem::path& path, const StateDict& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__" || element_count(tensor.shape) != tensor.values.size())
      throw Error(ErrorCode::failed,
                  fmt::format("cannot hold tensor \"{}\": its shape and values disagree or its "
                              "name is reserved",
                              name),
                  path.string());
    const std::uint64_t end = offset + tensor.values.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::failed, "cannot hold a name or metadata that is not UTF-8", path.string());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata) {
  const std::string header = make_header(path, tensors, metadata);
  replace_file(path, [&](DurableFile& file) {
    file.append(std::as_bytes(std::span(header)));
    for (const auto& [name, tensor] : tensors) file.append(std::as_bytes(std::span(tensor.values)));
  });
}

}  // namespace backdrop
