// The C interface's photos: from files, and in the caller's memory.
#include "api/c_handles.h"
#include "api/c_support.h"

namespace backdrop::c {

ImageView image_view(const backdrop_image& image) {
  required(image.pixels, "pixels");
  return {{image.pixels, image.bytes}, image.height, image.width};
}

void fill_image(const ImageView& view, backdrop_image& image) {
  check_size(image.size, sizeof image, "backdrop_image");
  image = {.size = image.size,
           .pixels = view.pixels.data(),
           .bytes = view.pixels.size(),
           .height = view.height,
           .width = view.width};
}

}  // namespace backdrop::c

using backdrop::c::guarded;
using backdrop::c::required;

backdrop_status backdrop_photo_read(const char* file, backdrop_photo** photo) {
  return guarded([&] {
    required(photo, "photo") = nullptr;
    *photo = new backdrop_photo{backdrop::read_photo(&required(file, "file"))};
  });
}

backdrop_status backdrop_photo_get_image(const backdrop_photo* photo, backdrop_image* image) {
  return guarded(
      [&] { backdrop::c::fill_image(required(photo, "photo").photo.view(), required(image, "image")); });
}

void backdrop_photo_free(backdrop_photo* photo) {
  delete photo;
}
