/// \file
/// The parts of the Python module.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "backdrop/image_view.h"

namespace backdrop::python {

namespace py = pybind11;

void add_model(py::module_& module);
void add_data(py::module_& module);
void add_devices(py::module_& module);
void add_search(py::module_& module);

/// A file's name, or a text with one, as Python has it, whatever its bytes: os.fsencode gives them back.
py::str file_name(const std::string& name);

/// The array's memory, which is not copied. Throws TypeError unless it is uint8 (or, for masks, bool) in C
/// order with `dimensions` dimensions.
const std::uint8_t* bytes_of(const py::array& array, int dimensions, const char* name,
                             bool allow_bool = false);

/// One of an array [N][height][width][3].
ImageView photo_of(const py::array& photos, const std::uint8_t* first, py::ssize_t index);

/// An array [height][width][3]; TypeError as above.
ImageView photo_of(const py::array& photo);

/// An array [height][width][3] that owns the photo.
py::array_t<std::uint8_t> photo_array(Photo photo);

}  // namespace backdrop::python
