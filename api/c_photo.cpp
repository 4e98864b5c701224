// The C interface's photos from files.
#include "api/c_handles.h"
#include "api/c_support.h"

using backdrop::c::guarded;
using backdrop::c::required;

backdrop_status backdrop_photo_read(const char* file, backdrop_photo** photo) {
  return guarded([&] {
    required(photo, "photo") = nullptr;
    *photo = new backdrop_photo{backdrop::read_photo(&required(file, "file"))};
  });
}

backdrop_status backdrop_photo_get_image(const backdrop_photo* photo, backdrop_image* image) {
  return guarded([&] {
    const backdrop::Photo& found = required(photo, "photo").photo;
    const std::size_t size = required(image, "image").size;
    backdrop::c::check_size(size, sizeof *image, "backdrop_image");
    *image = {.size = size,
              .pixels = found.pixels.data(),
              .bytes = found.pixels.size(),
              .height = found.height,
              .width = found.width};
  });
}

void backdrop_photo_free(backdrop_photo* photo) {
  delete photo;
}
