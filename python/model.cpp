// Models and sessions in Python: numpy arrays in, numpy arrays out, without the interpreter's lock in
// between.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <array>
#include <optional>
#include <vector>

#include "backdrop/session.h"
#include "module.h"

namespace backdrop::python {
namespace {

using Channels = std::optional<std::array<float, 3>>;

py::array_t<float> classify(Session& session, const py::array& photos) {
  const std::uint8_t* first = bytes_of(photos, 4, "photos");
  std::vector<ImageView> views;
  for (py::ssize_t i = 0; i < photos.shape(0); ++i) views.push_back(photo_of(photos, first, i));
  py::array_t<float> logits({photos.shape(0), py::ssize_t{session.model().info().classes}});
  const std::span<float> values(logits.mutable_data(), static_cast<std::size_t>(logits.size()));
  const py::gil_scoped_release release;
  session.classify(views, values);
  return logits;
}

Model load(const std::filesystem::path& checkpoint, const LoadOptions& options) {
  const py::gil_scoped_release release;
  return Model::load(checkpoint, options);
}

Model parse(const py::bytes& checkpoint, const LoadOptions& options) {
  const std::string_view text = checkpoint;
  const py::gil_scoped_release release;
  return Model::parse(std::as_bytes(std::span(text)), options);
}

/// Model.load or Model.parse: a checkpoint in one form or the other, with the same options.
template <typename Source>
void add_loader(py::class_<Model>& type, const char* name,
                Model (*loader)(const Source&, const LoadOptions&)) {
  type.def_static(
      name,
      [loader](const Source& checkpoint, std::string architecture, bool allow_partial,
               std::vector<int> in9_labels, std::filesystem::path class_map, Channels mean,
               Channels deviation) {
        return loader(checkpoint, {std::move(architecture), allow_partial, std::move(in9_labels),
                                   std::move(class_map), mean, deviation});
      },
      py::arg("checkpoint"), py::kw_only(), py::arg("architecture") = "", py::arg("allow_partial") = false,
      py::arg("in9_labels") = std::vector<int>(), py::arg("class_map") = "", py::arg("mean") = py::none(),
      py::arg("deviation") = py::none());
}

void add_model_class(py::module_& module) {
  py::class_<Model> type(module, "Model");
  add_loader(type, "load", &load);
  add_loader(type, "parse", &parse);
  type.def("__repr__",
           [](const Model& model) {
             return "<backdrop.Model: " + model.info().architecture + ", " +
                    std::to_string(model.info().classes) + " classes>";
           })
      .def_static("architectures", &Model::architectures)
      .def_property_readonly("architecture", [](const Model& model) { return model.info().architecture; })
      .def_property_readonly("classes", [](const Model& model) { return model.info().classes; })
      .def_property_readonly("height", [](const Model& model) { return model.info().height; })
      .def_property_readonly("width", [](const Model& model) { return model.info().width; })
      .def_property_readonly("parameters", [](const Model& model) { return model.info().parameters; })
      .def_property_readonly("multiply_adds", [](const Model& model) { return model.info().multiply_adds; })
      .def_property_readonly("mean", [](const Model& model) { return model.info().mean; })
      .def_property_readonly("deviation", [](const Model& model) { return model.info().deviation; })
      .def_property_readonly("format", [](const Model& model) { return model.info().format; })
      .def_property_readonly("sha256", [](const Model& model) { return model.info().sha256; })
      .def_property_readonly("in9_labels", [](const Model& model) {
        return std::vector<int>(model.in9_labels().begin(), model.in9_labels().end());
      });
}

}  // namespace

void add_model(py::module_& module) {
  add_model_class(module);
  py::class_<Session>(module, "Session")
      .def("__repr__",
           [](const Session& session) {
             return "<backdrop.Session: " + session.model().info().architecture + " on " +
                    session.description() + ">";
           })
      .def(py::init([](const Model& model, std::string device, std::string precision, int threads, int batch,
                       bool reuse, std::size_t cache_memory) {
             const py::gil_scoped_release release;
             return std::make_unique<Session>(model, OpenOptions{std::move(device), std::move(precision),
                                                                 threads, batch, reuse, cache_memory});
           }),
           py::arg("model"), py::kw_only(), py::arg("device") = "auto", py::arg("precision") = "fp32",
           py::arg("threads") = 0, py::arg("batch") = 0, py::arg("reuse") = true, py::arg("cache_memory") = 0)
      .def("classify", &classify, py::arg("photos"))
      .def_property_readonly("model", [](const Session& session) { return session.model(); })
      .def_property_readonly("description", &Session::description);
  module.def(
      "read_photo", [](const std::filesystem::path& file) { return photo_array(read_photo(file)); },
      py::arg("file"));
}

}  // namespace backdrop::python
