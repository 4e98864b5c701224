/// \file
/// SHA-256 of files and of growing byte streams (libcrypto), as lower-case hex.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace backdrop {

inline constexpr std::size_t kHashDigits = 64;

/// An incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* data, std::size_t bytes);
  /// The digest as 64 hex digits; the object may not be used afterwards.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Of bytes that are all there.
std::string sha256_of(const void* data, std::size_t bytes);

/// SHA-256 of a file's bytes. Throws bad_input if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace backdrop
