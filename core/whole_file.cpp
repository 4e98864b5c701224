// Durable writing under a temporary name.
#include "core/whole_file.h"

#include <system_error>

#include "core/durable_file.h"

namespace backdrop {

void write_whole_file(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path temporary = path;
  temporary += ".partial";
  try {
    write_durable_file(temporary, content);
    rename_durably(temporary, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace backdrop
