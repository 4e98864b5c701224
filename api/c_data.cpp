// The C interface's search data.
#include <fmt/format.h>

#include <vector>

#include "api/c_handles.h"
#include "api/c_support.h"

namespace backdrop::c {
namespace {

// A struct inside another is of the other's version, and what lies behind it is not its own: no other size
// will do.
template <typename T>
void check_inner(const T& inner, const char* name) {
  if (inner.size != sizeof inner)
    throw Error(ErrorCode::usage,
                fmt::format("{} of {} bytes inside a struct: set its size to sizeof, which is {}", name,
                            inner.size, sizeof inner));
}

ImageView inner_image(const backdrop_image& image) {
  check_inner(image, "backdrop_image");
  return image_view(image);
}

MaskView inner_mask(const backdrop_mask& mask) {
  check_inner(mask, "backdrop_mask");
  required(mask.values, "values");
  return {{mask.values, mask.bytes}, mask.height, mask.width};
}

ForegroundView foreground_view(const backdrop_foreground& given) {
  return {text_or(given.name, ""), given.label, inner_image(given.photo), inner_mask(given.mask)};
}

BackgroundView background_view(const backdrop_background& given) {
  return {text_or(given.name, ""), given.label, inner_image(given.photo)};
}

std::vector<ForegroundView> foreground_views(const backdrop_foreground* first, std::size_t count) {
  std::vector<ForegroundView> views;
  if (count > 0) required(first, "foregrounds");
  for (std::size_t i = 0; i < count; ++i) views.push_back(foreground_view(element(first, i, "foregrounds")));
  return views;
}

std::vector<BackgroundView> background_views(const backdrop_background* first, std::size_t count) {
  std::vector<BackgroundView> views;
  if (count > 0) required(first, "backgrounds");
  for (std::size_t i = 0; i < count; ++i) views.push_back(background_view(element(first, i, "backgrounds")));
  return views;
}

std::vector<std::string> names_of(const char* const* names, std::size_t count) {
  std::vector<std::string> result;
  if (count > 0) required(names, "class_names");
  for (std::size_t i = 0; i < count; ++i) result.emplace_back(&required(names[i], "a class name"));
  return result;
}

void fill_item(const SearchData& data, const std::string& name, int label, backdrop_item& item) {
  check_size(item.size, sizeof item, "backdrop_item");
  item = {.size = item.size,
          .name = name.c_str(),
          .class_name = data.class_names()[static_cast<std::size_t>(label)].c_str(),
          .label = label};
}

std::span<const int> indices_of(const std::int32_t* first, std::size_t count, const char* name) {
  if (count > 0) required(first, name);
  return {first, count};
}

int checked_index(std::size_t index, int count, const char* what) {
  if (index >= static_cast<std::size_t>(count))
    throw Error(ErrorCode::usage, fmt::format("{} {} of {}", what, index, count));
  return static_cast<int>(index);
}

int foreground_index(const SearchData& data, std::size_t index) {
  return checked_index(index, data.foregrounds(), "foreground");
}

int background_index(const SearchData& data, std::size_t index) {
  return checked_index(index, data.backgrounds(), "background");
}

}  // namespace
}  // namespace backdrop::c

using backdrop::c::guarded;
using backdrop::c::required;

backdrop_status backdrop_data_load(const char* root, int32_t threads, backdrop_data** data) {
  return guarded([&] {
    required(data, "data") = nullptr;
    *data = new backdrop_data{backdrop::SearchData::load(&required(root, "root"), threads)};
  });
}

backdrop_status backdrop_data_copy(const backdrop_foreground* foregrounds, size_t foreground_count,
                                   const backdrop_background* backgrounds, size_t background_count,
                                   const char* const* class_names, size_t class_count, backdrop_data** data) {
  return guarded([&] {
    required(data, "data") = nullptr;
    *data = new backdrop_data{
        backdrop::SearchData::copy(backdrop::c::foreground_views(foregrounds, foreground_count),
                                   backdrop::c::background_views(backgrounds, background_count),
                                   backdrop::c::names_of(class_names, class_count))};
  });
}

backdrop_status backdrop_data_part(const backdrop_data* data, const int32_t* foregrounds,
                                   size_t foreground_count, const int32_t* backgrounds,
                                   size_t background_count, backdrop_data** part) {
  return guarded([&] {
    required(part, "part") = nullptr;
    *part = new backdrop_data{
        required(data, "data")
            .data.part(backdrop::c::indices_of(foregrounds, foreground_count, "foregrounds"),
                       backdrop::c::indices_of(backgrounds, background_count, "backgrounds"))};
  });
}

backdrop_status backdrop_data_get_info(const backdrop_data* data, backdrop_data_info* info) {
  return guarded([&] {
    const backdrop::SearchData& found = required(data, "data").data;
    const std::size_t size = required(info, "info").size;
    backdrop::c::check_size(size, sizeof *info, "backdrop_data_info");
    *info = {.size = size,
             .foregrounds = found.foregrounds(),
             .backgrounds = found.backgrounds(),
             .classes = static_cast<std::int32_t>(found.class_names().size()),
             .height = found.height(),
             .width = found.width()};
  });
}

backdrop_status backdrop_data_get_foreground(const backdrop_data* data, size_t index, backdrop_item* item) {
  return guarded([&] {
    const backdrop::SearchData& found = required(data, "data").data;
    const int place = backdrop::c::foreground_index(found, index);
    backdrop::c::fill_item(found, found.foreground_name(place), found.foreground_labels()[index],
                           required(item, "item"));
  });
}

backdrop_status backdrop_data_get_background(const backdrop_data* data, size_t index, backdrop_item* item) {
  return guarded([&] {
    const backdrop::SearchData& found = required(data, "data").data;
    const int place = backdrop::c::background_index(found, index);
    backdrop::c::fill_item(found, found.background_name(place), found.background_labels()[index],
                           required(item, "item"));
  });
}

backdrop_status backdrop_data_get_foreground_photo(const backdrop_data* data, size_t index,
                                                   backdrop_image* image) {
  return guarded([&] {
    const backdrop::SearchData& found = required(data, "data").data;
    const int place = backdrop::c::foreground_index(found, index);
    backdrop::c::fill_image(found.foreground_photo(place), required(image, "image"));
  });
}

backdrop_status backdrop_data_get_foreground_mask(const backdrop_data* data, size_t index,
                                                  backdrop_mask* mask) {
  return guarded([&] {
    const backdrop::SearchData& found = required(data, "data").data;
    const backdrop::MaskView view = found.foreground_mask(backdrop::c::foreground_index(found, index));
    const std::size_t size = required(mask, "mask").size;
    backdrop::c::check_size(size, sizeof *mask, "backdrop_mask");
    *mask = {.size = size,
             .values = view.values.data(),
             .bytes = view.values.size(),
             .height = view.height,
             .width = view.width};
  });
}

backdrop_status backdrop_data_get_background_photo(const backdrop_data* data, size_t index,
                                                   backdrop_image* image) {
  return guarded([&] {
    const backdrop::SearchData& found = required(data, "data").data;
    const int place = backdrop::c::background_index(found, index);
    backdrop::c::fill_image(found.background_photo(place), required(image, "image"));
  });
}

backdrop_status backdrop_data_composite(const backdrop_data* data, size_t foreground, size_t background,
                                        backdrop_photo** photo) {
  return guarded([&] {
    required(photo, "photo") = nullptr;
    const backdrop::SearchData& found = required(data, "data").data;
    *photo = new backdrop_photo{found.composite(backdrop::c::foreground_index(found, foreground),
                                                backdrop::c::background_index(found, background))};
  });
}

void backdrop_data_free(backdrop_data* data) {
  delete data;
}

backdrop_status backdrop_data_builder_new(const char* const* class_names, size_t class_count,
                                          backdrop_data_builder** builder) {
  return guarded([&] {
    required(builder, "builder") = nullptr;
    auto names = backdrop::c::names_of(class_names, class_count);
    *builder = new backdrop_data_builder{backdrop::SearchDataBuilder(std::move(names))};
  });
}

backdrop_status backdrop_data_builder_add_foreground(backdrop_data_builder* builder,
                                                     const backdrop_foreground* foreground) {
  return guarded([&] {
    required(builder, "builder");
    required(foreground, "foreground");
    builder->builder.add(backdrop::c::foreground_view(backdrop::c::element(foreground, 0, "foreground")));
  });
}

backdrop_status backdrop_data_builder_add_background(backdrop_data_builder* builder,
                                                     const backdrop_background* background) {
  return guarded([&] {
    required(builder, "builder");
    required(background, "background");
    builder->builder.add(backdrop::c::background_view(backdrop::c::element(background, 0, "background")));
  });
}

backdrop_status backdrop_data_builder_finish(backdrop_data_builder* builder, backdrop_data** data) {
  return guarded([&] {
    required(data, "data") = nullptr;
    *data = new backdrop_data{required(builder, "builder").builder.finish()};
  });
}

void backdrop_data_builder_free(backdrop_data_builder* builder) {
  delete builder;
}
