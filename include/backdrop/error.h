/// \file
/// The one exception type of the library, and the exit codes of the command that follow from it.
///
/// The library never prints, exits or aborts: whatever goes wrong is thrown as backdrop::Error.
///
/// \code
/// try {
///   auto model = backdrop::Model::load(path);
/// } catch (const backdrop::Error& error) {
///   std::fprintf(stderr, "backdrop: %s\n", error.what());
///   return static_cast<int>(error.code());
/// }
/// \endcode
#pragma once

#include <stdexcept>
#include <string>

#include "backdrop/export.h"

namespace backdrop {

/// What kind of thing went wrong; the value is the command's exit code.
enum class ErrorCode {
  failed = 1,         ///< anything else: a full disk, a failed call of a library
  usage = 2,          ///< the caller's options contradict each other or name nothing known
  bad_input = 3,      ///< a file is missing, damaged, hostile or not what its name says
  no_device = 4,      ///< the device asked for is absent, too old or busy
  interrupted = 130,  ///< stopped by a signal or by the caller; what was finished is kept
};

/// An error with the file it concerns (empty if none). `what()` is one line: "FILE: MESSAGE".
class BACKDROP_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, const std::string& file = {})
      : std::runtime_error(file.empty() ? message : file + ": " + message), code_(code), file_(file) {}

  ErrorCode code() const noexcept { return code_; }
  const std::string& file() const noexcept { return file_; }

 private:
  ErrorCode code_;
  std::string file_;
};

}  // namespace backdrop
