#include "loaders/image_png.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

#include <string>

#include "backdrop/error.h"
#include "core/durable_file.h"

namespace backdrop {

void write_png(const std::filesystem::path& path, const Image& image) {
  std::string bytes;
  const auto append = [](void* all, void* part, int size) {
    static_cast<std::string*>(all)->append(static_cast<const char*>(part), static_cast<std::size_t>(size));
  };
  if (stbi_write_png_to_func(append, &bytes, image.width, image.height, 3, image.pixels.data(),
                             3 * image.width) == 0)
    throw Error(ErrorCode::failed, "cannot be encoded as PNG: out of memory", path.string());
  replace_file(path, bytes);
}

}  // namespace backdrop
