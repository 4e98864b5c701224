/// \file
/// Stored entries of a zip archive (PKWARE APPNOTE 6.3, with zip64), as torch.save writes them.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "loaders/checkpoint_bytes.h"

namespace backdrop {

/// The directory of an archive in memory. Everything it says is checked before it is believed: entries lie
/// inside the file and apart from each other, names are unique, and both headers of an entry agree.
class ZipArchive {
 public:
  struct Entry {
    Bytes data;              ///< as stored
    std::uint64_t size = 0;  ///< uncompressed
    std::uint32_t crc = 0;
    std::uint16_t method = 0;  ///< 0: stored
    bool encrypted = false;
  };

  /// Reads the directory; throws bad_input with the reason. The bytes must outlive the archive.
  explicit ZipArchive(Bytes file);

  const std::map<std::string_view, Entry>& entries() const noexcept { return entries_; }

  /// The bytes of a stored entry. Throws bad_input that names the entry if there is none, if it is compressed
  /// or encrypted, or if its checksum does not match.
  Bytes read(std::string_view name) const;

 private:
  std::map<std::string_view, Entry> entries_;
};

}  // namespace backdrop
