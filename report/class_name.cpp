// Class folders as people read them.
#include <cctype>

#include "report/run_record.h"

namespace backdrop {

std::string class_display_name(const std::string& folder) {
  std::size_t begin = 0;
  while (begin < folder.size() && std::isdigit(static_cast<unsigned char>(folder[begin]))) ++begin;
  const bool numbered = begin > 0 && begin + 1 < folder.size() && folder[begin] == '_';
  return numbered ? folder.substr(begin + 1) : folder;
}

}  // namespace backdrop
