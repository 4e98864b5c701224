#include "api/c_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

#include "backdrop/version.h"

namespace backdrop::c {
namespace {

// Fixed, so that keeping a message can never fail.
constexpr std::size_t kMessageBytes = 2048;
thread_local char last_error[kMessageBytes] = "";

}  // namespace

void remember(const char* message) noexcept {
  const std::size_t length = std::min(std::strlen(message), kMessageBytes - 1);
  std::memcpy(last_error, message, length);
  last_error[length] = '\0';
}

backdrop_status status_of_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    remember(error.what());
    return static_cast<backdrop_status>(error.code());
  } catch (const std::bad_alloc&) {
    remember("out of memory");
  } catch (const std::exception& error) {
    remember(error.what());
  } catch (...) {
    remember("an exception of unknown type");
  }
  return BACKDROP_FAILED;
}

void check_size(std::size_t given, std::size_t known, const char* name) {
  if (given < known)
    throw Error(ErrorCode::usage,
                fmt::format("{} of {} bytes: set its size to sizeof, which is {}", name, given, known));
  constexpr std::size_t kLargest = 4096;
  if (given > kLargest)
    throw Error(ErrorCode::usage, fmt::format("{} of {} bytes: its size was not set", name, given));
}

void check_struct(const void* address, std::size_t given, std::size_t known, const char* name) {
  check_size(given, known, name);
  const auto* bytes = static_cast<const unsigned char*>(address);
  if (std::any_of(bytes + known, bytes + given, [](unsigned char byte) { return byte != 0; }))
    throw Error(ErrorCode::usage, fmt::format("{} has fields that this library does not know", name));
}

}  // namespace backdrop::c

const char* backdrop_version(void) {
  return backdrop::version();
}

const char* backdrop_last_error(void) {
  return backdrop::c::last_error;
}
