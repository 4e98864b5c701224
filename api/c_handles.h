/// \file
/// What the C interface's opaque handles hold.
#pragma once

#include <string>
#include <vector>

#include "backdrop/backdrop.h"
#include "backdrop/devices.h"
#include "backdrop/image_view.h"
#include "backdrop/model.h"
#include "backdrop/search.h"
#include "backdrop/session.h"

struct backdrop_model {
  backdrop::Model model;
};

struct backdrop_session {
  backdrop::Session session;
  std::string description;
};

struct backdrop_devices {
  struct Entry {
    backdrop::DeviceDescription description;
    std::string precisions;
  };
  std::vector<Entry> devices;
};

struct backdrop_photo {
  backdrop::Photo photo;
};

struct backdrop_data {
  backdrop::SearchData data;
};

struct backdrop_data_builder {
  backdrop::SearchDataBuilder builder;
};

struct backdrop_answers {
  backdrop::SearchAnswers answers;
};

namespace backdrop::c {

/// Throws usage if there are no pixels.
ImageView image_view(const backdrop_image& image);

/// Throws usage for a size that is none.
void fill_image(const ImageView& view, backdrop_image& image);

}  // namespace backdrop::c
