/// \file
/// A folder for readers that open files themselves, where TMPDIR says; scripts/fuzz.sh has that in memory.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>

namespace backdrop::fuzz {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = std::filesystem::temp_directory_path() / "backdrop-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch folder can be made");
    path = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  /// Writes a file and returns its path.
  std::filesystem::path write(const char* name, std::span<const std::uint8_t> bytes) const {
    const std::filesystem::path file = path / name;
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

  std::filesystem::path path;
};

/// The one of this process.
inline const ScratchFolder& scratch_folder() {
  static const ScratchFolder folder;
  return folder;
}

}  // namespace backdrop::fuzz
