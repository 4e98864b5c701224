// A search's data in Python: copied from numpy arrays, and shown as arrays that share its memory.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backdrop/search_data.h"
#include "module.h"

namespace backdrop::python {
namespace {

/// Names that Python's os module may have spelt: paths alone take any bytes from it, as file_name() gives
/// them.
using Names = std::vector<std::filesystem::path>;

std::string name_of(const std::optional<Names>& names, py::ssize_t index) {
  if (!names) return std::to_string(index);
  return names->at(static_cast<std::size_t>(index)).string();
}

std::vector<std::string> strings_of(const Names& names) {
  return {names.begin(), names.end()};
}

void check_count(const std::optional<Names>& names, const std::vector<int>& labels, py::ssize_t count,
                 const char* what) {
  if (static_cast<py::ssize_t>(labels.size()) != count ||
      (names && static_cast<py::ssize_t>(names->size()) != count))
    throw py::value_error(std::string("there must be one label and one name for each ") + what);
}

SearchData data_of(const py::array& photos, const py::array& masks, const std::vector<int>& labels,
                   const py::array& backgrounds, const std::vector<int>& background_labels,
                   const Names& class_names, const std::optional<Names>& names,
                   const std::optional<Names>& background_names) {
  const std::uint8_t* pixels = bytes_of(photos, 4, "photos");
  const std::uint8_t* mask_values = bytes_of(masks, 3, "masks", true);
  const std::uint8_t* background_pixels = bytes_of(backgrounds, 4, "backgrounds");
  if (masks.shape(0) != photos.shape(0)) throw py::value_error("there must be one mask for each photo");
  check_count(names, labels, photos.shape(0), "photo");
  check_count(background_names, background_labels, backgrounds.shape(0), "background");
  const py::ssize_t mask_bytes = masks.shape(1) * masks.shape(2);
  std::vector<ForegroundView> foreground_views;
  for (py::ssize_t i = 0; i < photos.shape(0); ++i)
    foreground_views.push_back({name_of(names, i), labels[static_cast<std::size_t>(i)],
                                photo_of(photos, pixels, i),
                                MaskView{{mask_values + i * mask_bytes, static_cast<std::size_t>(mask_bytes)},
                                         static_cast<int>(masks.shape(1)),
                                         static_cast<int>(masks.shape(2))}});
  std::vector<BackgroundView> background_views;
  for (py::ssize_t i = 0; i < backgrounds.shape(0); ++i)
    background_views.push_back({name_of(background_names, i), background_labels[static_cast<std::size_t>(i)],
                                photo_of(backgrounds, background_pixels, i)});
  const py::gil_scoped_release release;
  return SearchData::copy(foreground_views, background_views, strings_of(class_names));
}

py::array_t<int> array_of(std::span<const int> values) {
  return py::array_t<int>(static_cast<py::ssize_t>(values.size()), values.data());
}

/// An array that shows the memory of `data` and must not change it.
py::array view_of(std::span<const std::uint8_t> values, std::vector<py::ssize_t> shape,
                  const py::object& data) {
  py::array_t<std::uint8_t> array(std::move(shape), values.data(), data);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

py::array foreground_photo(const py::object& data, int index) {
  const ImageView photo = data.cast<const SearchData&>().foreground_photo(index);
  return view_of(photo.pixels, {photo.height, photo.width, 3}, data);
}

py::array foreground_mask(const py::object& data, int index) {
  const MaskView mask = data.cast<const SearchData&>().foreground_mask(index);
  return view_of(mask.values, {mask.height, mask.width}, data);
}

py::array background_photo(const py::object& data, int index) {
  const ImageView photo = data.cast<const SearchData&>().background_photo(index);
  return view_of(photo.pixels, {photo.height, photo.width, 3}, data);
}

// A mask's booleans would be taken for the indices 0 and 1.
std::vector<int> indices_of(const py::object& given, const char* name) {
  if (py::isinstance<py::array>(given) && py::array(given).dtype().kind() == 'b')
    throw py::type_error(std::string(name) + " must be indices, not a mask: take numpy.flatnonzero(mask)");
  try {
    return given.cast<std::vector<int>>();
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(name) + " must be a sequence of integers");
  }
}

SearchData part(const SearchData& data, const py::object& foregrounds, const py::object& backgrounds) {
  const std::vector<int> rows = indices_of(foregrounds, "foregrounds");
  const std::vector<int> columns = indices_of(backgrounds, "backgrounds");
  const py::gil_scoped_release release;
  return data.part(rows, columns);
}

void add_data_class(py::module_& module) {
  py::class_<SearchData>(module, "SearchData")
      .def("__repr__",
           [](const SearchData& data) {
             return "<backdrop.SearchData: " + std::to_string(data.foregrounds()) + " foregrounds, " +
                    std::to_string(data.backgrounds()) + " backgrounds>";
           })
      .def(py::init(&data_of), py::arg("photos"), py::arg("masks"), py::arg("labels"), py::arg("backgrounds"),
           py::arg("background_labels"), py::kw_only(), py::arg("class_names") = Names(),
           py::arg("names") = py::none(), py::arg("background_names") = py::none())
      .def_static(
          "load",
          [](const std::filesystem::path& root, int threads) {
            const py::gil_scoped_release release;
            return SearchData::load(root, threads);
          },
          py::arg("root"), py::kw_only(), py::arg("threads") = 0)
      .def_property_readonly("foregrounds", &SearchData::foregrounds)
      .def_property_readonly("backgrounds", &SearchData::backgrounds)
      .def_property_readonly("height", &SearchData::height)
      .def_property_readonly("width", &SearchData::width)
      .def_property_readonly("class_names",
                             [](const SearchData& data) {
                               py::list names;
                               for (const std::string& name : data.class_names())
                                 names.append(file_name(name));
                               return names;
                             })
      .def_property_readonly("labels",
                             [](const SearchData& data) { return array_of(data.foreground_labels()); })
      .def_property_readonly("background_labels",
                             [](const SearchData& data) { return array_of(data.background_labels()); })
      .def("part", &part, py::arg("foregrounds"), py::arg("backgrounds"))
      .def(
          "foreground_name",
          [](const SearchData& data, int index) { return file_name(data.foreground_name(index)); },
          py::arg("index"))
      .def(
          "background_name",
          [](const SearchData& data, int index) { return file_name(data.background_name(index)); },
          py::arg("index"))
      .def("foreground_photo", &foreground_photo, py::arg("index"))
      .def("foreground_mask", &foreground_mask, py::arg("index"))
      .def("background_photo", &background_photo, py::arg("index"))
      .def(
          "composite",
          [](const SearchData& data, int foreground, int background) {
            return photo_array(data.composite(foreground, background));
          },
          py::arg("foreground"), py::arg("background"))
      .def_property_readonly("sha256", &SearchData::sha256, py::call_guard<py::gil_scoped_release>());
}

MaskView mask_of(const py::array& mask) {
  const std::uint8_t* values = bytes_of(mask, 2, "mask", true);
  return {{values, static_cast<std::size_t>(mask.size())},
          static_cast<int>(mask.shape(0)),
          static_cast<int>(mask.shape(1))};
}

void add_builder(py::module_& module) {
  py::class_<SearchDataBuilder>(module, "SearchDataBuilder")
      .def(py::init([](const Names& class_names) {
             return std::make_unique<SearchDataBuilder>(strings_of(class_names));
           }),
           py::kw_only(), py::arg("class_names") = Names())
      .def(
          "add_foreground",
          [](SearchDataBuilder& builder, const std::filesystem::path& name, int label, const py::array& photo,
             const py::array& mask) {
            builder.add(ForegroundView{name.string(), label, photo_of(photo), mask_of(mask)});
          },
          py::arg("name"), py::arg("label"), py::arg("photo"), py::arg("mask"))
      .def(
          "add_background",
          [](SearchDataBuilder& builder, const std::filesystem::path& name, int label,
             const py::array& photo) {
            builder.add(BackgroundView{name.string(), label, photo_of(photo)});
          },
          py::arg("name"), py::arg("label"), py::arg("photo"))
      .def("finish", &SearchDataBuilder::finish);
}

}  // namespace

void add_data(py::module_& module) {
  add_data_class(module);
  add_builder(module);
}

}  // namespace backdrop::python
