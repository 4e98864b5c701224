// The Python module `backdrop._backdrop`: errors, and what its parts share.
#include "module.h"

#include <memory>
#include <vector>

#include "backdrop/error.h"
#include "backdrop/version.h"

namespace backdrop::python {

py::str file_name(const std::string& name) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeFSDefaultAndSize(name.data(), static_cast<py::ssize_t>(name.size())));
}

namespace {

/// backdrop.Error, with `code` (the command's exit code) and `file`.
void translate_errors(py::module_& module) {
  static py::handle type = PyErr_NewException("backdrop.Error", PyExc_RuntimeError, nullptr);
  module.attr("Error") = type;
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      py::object instance = type(file_name(error.what()));  // it names the file, too
      instance.attr("code") = static_cast<int>(error.code());
      instance.attr("file") = file_name(error.file());
      PyErr_SetObject(type.ptr(), instance.ptr());
    }
  });
}

/// Before 2.12 pybind11 misreads numpy 2's descriptions of elements, and so every array.
void refuse_newer_numpy() {
#if PYBIND11_VERSION_MAJOR == 2 && PYBIND11_VERSION_MINOR < 12
  const py::object version = py::module_::import("numpy").attr("__version__");
  if (version.cast<std::string>().starts_with("1.")) return;
  throw py::import_error("this module was built with a pybind11 before 2.12, which cannot use numpy " +
                         version.cast<std::string>() + ": install numpy<2");
#endif
}

/// "float32 (2, 224, 224, 3)", and why an array of the right type and shape is none.
std::string describe(const py::array& array) {
  const std::string text =
      py::str(array.dtype()).cast<std::string>() + " " + py::str(array.attr("shape")).cast<std::string>();
  return (array.flags() & py::array::c_style) != 0 ? text
                                                   : text + " in another order (numpy.ascontiguousarray)";
}

}  // namespace

const std::uint8_t* bytes_of(const py::array& array, int dimensions, const char* name, bool allow_bool) {
  const char kind = array.dtype().kind();
  const bool known = array.itemsize() == 1 && (kind == 'u' || (allow_bool && kind == 'b'));
  if (!known || array.ndim() != dimensions || (array.flags() & py::array::c_style) == 0)
    throw py::type_error(std::string(name) + " must be a C-ordered array of " +
                         (allow_bool ? "bool or " : "") + "uint8 with " + std::to_string(dimensions) +
                         " dimensions, not " + describe(array));
  return static_cast<const std::uint8_t*>(array.data());
}

ImageView photo_of(const py::array& photos, const std::uint8_t* first, py::ssize_t index) {
  if (photos.shape(3) != 3) throw py::type_error("photos must have 3 channels, the last dimension");
  const py::ssize_t bytes = photos.shape(1) * photos.shape(2) * 3;
  return {{first + index * bytes, static_cast<std::size_t>(bytes)},
          static_cast<int>(photos.shape(1)),
          static_cast<int>(photos.shape(2))};
}

ImageView photo_of(const py::array& photo) {
  const std::uint8_t* pixels = bytes_of(photo, 3, "photo");
  if (photo.shape(2) != 3) throw py::type_error("a photo must have 3 channels, the last dimension");
  return {{pixels, static_cast<std::size_t>(photo.size())},
          static_cast<int>(photo.shape(0)),
          static_cast<int>(photo.shape(1))};
}

py::array_t<std::uint8_t> photo_array(Photo photo) {
  auto kept = std::make_unique<Photo>(std::move(photo));
  const std::vector<py::ssize_t> shape{kept->height, kept->width, 3};
  const std::uint8_t* pixels = kept->pixels.data();
  const py::capsule owner(kept.release(), [](void* held) { delete static_cast<Photo*>(held); });
  return py::array_t<std::uint8_t>(shape, pixels, owner);
}

}  // namespace backdrop::python

PYBIND11_MODULE(_backdrop, module) {
  module.doc() = "Which backgrounds make an image classifier fail?";
  module.attr("__version__") = backdrop::version();
  backdrop::python::refuse_newer_numpy();
  backdrop::python::translate_errors(module);
  backdrop::python::add_model(module);
  backdrop::python::add_data(module);
  backdrop::python::add_devices(module);
  backdrop::python::add_search(module);
}
