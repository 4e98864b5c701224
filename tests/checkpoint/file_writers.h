/// \file
/// Tiny writers of checkpoint files, able to lie: pickles from their opcodes, zip archives, PyTorch's legacy
/// streams and safetensors; and the checks that all tests of this folder share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/checkpoint.h"
#include "tests/temporary_folder.h"

namespace backdrop::testing {

/// `value` as `count` little-endian bytes.
std::string little_endian(std::uint64_t value, std::size_t count);

/// All parts in a row.
std::string concat(std::initializer_list<std::string_view> parts);

/// The bytes of fp32 values.
std::string floats(const std::vector<float>& values);

/// Opcodes of protocol 2 that push one value each; they nest as function calls.
namespace pickle {
std::string text(std::string_view value);
std::string integer(std::int64_t value);
std::string global(std::string_view module, std::string_view name);
std::string tuple(const std::vector<std::string>& items);
std::string list(const std::vector<std::string>& items);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);  ///< keys are plain text
std::string call(const std::string& function, const std::vector<std::string>& arguments);
/// A reference to a storage as torch.save writes it; `type` is torch's name ("FloatStorage").
std::string storage(std::string_view type, std::string_view key, std::int64_t numel);
/// A tensor by _rebuild_tensor_v2.
std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides);
/// A whole pickle: the protocol, `body`, STOP.
std::string whole(const std::string& body, int protocol = 2);
}  // namespace pickle

/// An entry of a zip archive; what is given overrides the truth in the central header.
struct ZipEntry {
  std::string name;
  std::string data;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::optional<std::uint32_t> crc = std::nullopt;
  std::optional<std::uint64_t> size = std::nullopt;  ///< both sizes
  std::optional<std::uint64_t> local_offset = std::nullopt;
  std::optional<std::string> local_name = std::nullopt;
  bool zip64 = false;  ///< sizes and offset in an extra field
};

struct ZipLies {
  std::optional<std::uint64_t> entries = std::nullopt;
  std::optional<std::uint64_t> directory_size = std::nullopt;
  std::optional<std::uint64_t> directory_offset = std::nullopt;
  bool zip64_end = false;
  std::optional<std::uint64_t> zip64_end_offset = std::nullopt;
  std::string comment = "";
};

std::string zip(const std::vector<ZipEntry>& entries, const ZipLies& lies = {});

/// A zip checkpoint whose pickle is `object` and whose storages are numbered from 0.
std::string zip_checkpoint(const std::string& object, const std::vector<std::string>& storages = {});

/// A legacy checkpoint; the storages are key and content, the content with its count of values in front.
std::string legacy_checkpoint(const std::string& object,
                              const std::vector<std::pair<std::string, std::string>>& storages = {});

/// {"weight": FloatTensor of shape [2, 3]} and its storage of six values, 1 to 6.
std::string small_object();
std::string small_storage();

/// A safetensors file with the length of its header in front.
std::string safetensors(const std::string& header, const std::string& data);

/// Loads `bytes` from a file.
Checkpoint load_bytes(std::string_view bytes);

/// Expects bad_input in one line that starts with the file and holds `reason`.
void expect_refused(std::string_view bytes, std::string_view reason);

/// Where the committed files of PyTorch are.
std::filesystem::path fixtures();

}  // namespace backdrop::testing
