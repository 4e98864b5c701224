/// \file
/// What every function of the C interface does around its work.
#pragma once

#include <cstddef>
#include <string>

#include "backdrop/backdrop.h"
#include "backdrop/error.h"

namespace backdrop::c {

/// Keeps this thread's message, cut to the space there is.
void remember(const char* message) noexcept;

/// The status of the exception being handled, whose message is remembered.
backdrop_status status_of_exception() noexcept;

/// Runs `work`; no exception gets out.
template <typename Work>
backdrop_status guarded(Work&& work) noexcept {
  try {
    work();
    return BACKDROP_OK;
  } catch (...) {
    return status_of_exception();
  }
}

/// Throws usage if the pointer is null.
template <typename T>
T& required(T* pointer, const char* name) {
  if (pointer == nullptr) throw Error(ErrorCode::usage, std::string(name) + " is NULL");
  return *pointer;
}

/// Throws usage unless a struct of `given` bytes has at least the `known` ones and not senselessly many.
void check_size(std::size_t given, std::size_t known, const char* name);

/// The same, and throws usage unless what is behind the known bytes is zero.
void check_struct(const void* address, std::size_t given, std::size_t known, const char* name);

/// A caller's struct of options; null gives the defaults.
template <typename T>
T options_or_default(const T* given, const char* name) {
  if (given == nullptr) {
    T defaults{};
    defaults.size = sizeof(T);
    return defaults;
  }
  check_struct(given, given->size, sizeof(T), name);
  return *given;
}

inline std::string text_or(const char* text, const char* otherwise) {
  return text != nullptr ? text : otherwise;
}

/// One of an array of structs, each as large as the first says.
template <typename T>
const T& element(const T* first, std::size_t index, const char* name) {
  if (first->size % alignof(T) != 0)
    throw Error(ErrorCode::usage, std::string(name) + ": a size is no multiple of the alignment");
  const auto* address = reinterpret_cast<const std::byte*>(first) + index * first->size;
  const T& found = *reinterpret_cast<const T*>(address);
  if (found.size != first->size)
    throw Error(ErrorCode::usage, std::string(name) + " differ in size: all must be of one size");
  check_struct(&found, found.size, sizeof(T), name);
  return found;
}

}  // namespace backdrop::c
