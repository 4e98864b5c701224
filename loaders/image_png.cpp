#include "loaders/image_png.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

#include "backdrop/error.h"

namespace backdrop {

void write_png(const std::filesystem::path& path, const Image& image) {
  if (stbi_write_png(path.c_str(), image.width, image.height, 3, image.pixels.data(), 3 * image.width) == 0)
    throw Error(ErrorCode::failed, "cannot be written: check the folder and the free space", path.string());
}

}  // namespace backdrop
