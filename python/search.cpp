// The search in Python: classifiers and callbacks of the caller's, answers as arrays that share the answers'
// memory. The interpreter's lock is taken for callbacks only.
#include "backdrop/search.h"

#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <optional>
#include <vector>

#include "backdrop/error.h"
#include "module.h"

namespace backdrop::python {
namespace {

/// Lets Python derive from Classifier.
class PythonClassifier : public Classifier {
 public:
  int classes() const override {
    const py::gil_scoped_acquire lock;
    return attribute("classes").cast<int>();
  }
  std::vector<int> labels() const override {
    const py::gil_scoped_acquire lock;
    const py::object labels = attribute("labels");
    return labels.is_none() ? Classifier::labels() : labels.cast<std::vector<int>>();
  }
  int batch() const override {
    const py::gil_scoped_acquire lock;
    return attribute("batch").cast<int>();
  }
  std::string name() const override {
    const py::gil_scoped_acquire lock;
    return attribute("name").cast<std::string>();
  }

  void classify(const PhotoBatch& photos, std::span<float> logits) override {
    const py::gil_scoped_acquire lock;
    // A copy, which Python may keep: the next batch overwrites the search's memory, and the search frees it.
    const std::vector<py::ssize_t> shape{photos.count, photos.height, photos.width, 3};
    py::array_t<std::uint8_t> array(shape, photos.pixels.data());
    array.attr("setflags")(py::arg("write") = false);
    const auto scores =
        py::array_t<float, py::array::c_style | py::array::forcecast>::ensure(attribute("classify")(array));
    if (!scores || scores.ndim() != 2 || scores.shape(0) != photos.count ||
        scores.size() != static_cast<py::ssize_t>(logits.size()))
      throw Error(ErrorCode::usage, "classify must return an array of shape (photos, classes)");
    std::copy_n(scores.data(), logits.size(), logits.begin());
  }

 private:
  py::object attribute(const char* name) const {
    return py::cast(static_cast<const Classifier*>(this), py::return_value_policy::reference).attr(name);
  }
};

/// An array that shares the memory of `owner`'s vector.
template <typename T>
py::array shared_array(const std::vector<T>& values, std::vector<py::ssize_t> shape,
                       const py::object& owner) {
  return py::array_t<T>(std::move(shape), values.data(), owner);
}

SearchMode mode_of(const std::string& mode) {
  if (mode == "all") return SearchMode::all;
  if (mode == "first") return SearchMode::first;
  if (mode == "first_in_order") return SearchMode::first_in_order;
  throw Error(ErrorCode::usage, mode + " is not a mode: all, first or first_in_order");
}

ExistingRun existing_of(const std::string& existing) {
  if (existing == "refuse") return ExistingRun::refuse;
  if (existing == "replace") return ExistingRun::replace;
  if (existing == "resume") return ExistingRun::resume;
  throw Error(ErrorCode::usage, existing + " is none of refuse, replace and resume");
}

/// By reference: a copy of a Python object may be made under the interpreter's lock only.
SearchCallbacks callbacks_of(const py::object& progress, const py::object& tile, const py::object& cancel,
                             const py::object& enough) {
  SearchCallbacks callbacks;
  if (!progress.is_none())
    callbacks.progress = [&progress](const Progress& state) {
      const py::gil_scoped_acquire lock;
      progress(state);
    };
  if (!tile.is_none())
    callbacks.tile = [&tile](const TileAnswers& answers) {
      const py::gil_scoped_acquire lock;
      const auto count = static_cast<py::ssize_t>(answers.backgrounds.size());
      const py::tuple arguments =
          py::make_tuple(answers.foreground, py::array_t<int>(count, answers.backgrounds.data()),
                         py::array_t<std::int16_t>(count, answers.predictions.data()),
                         py::array_t<float>(count, answers.margins.data()));
      if (answers.logits.empty()) {
        tile(*arguments);
        return;
      }
      const auto classes = static_cast<py::ssize_t>(answers.logits.size()) / count;
      tile(*arguments, py::array_t<float>({count, classes}, answers.logits.data()));
    };
  if (!enough.is_none())
    callbacks.enough = [&enough](const Progress& state) {
      const py::gil_scoped_acquire lock;
      return enough(state).cast<bool>();
    };
  callbacks.cancel = [&cancel] {
    const py::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();  // Ctrl-C
    return !cancel.is_none() && cancel().cast<bool>();
  };
  return callbacks;
}

template <typename Searcher>
SearchAnswers run_search(Searcher& searcher, const SearchData& data, const std::string& mode,
                         const std::optional<std::filesystem::path>& out, const std::string& existing,
                         std::size_t most_pairs, double most_seconds, bool logits, const py::object& progress,
                         const py::object& tile, const py::object& cancel, const py::object& enough) {
  const SearchOptions options{mode_of(mode), out.value_or(""), existing_of(existing),
                              most_pairs,    most_seconds,     logits};
  const SearchCallbacks callbacks = callbacks_of(progress, tile, cancel, enough);
  const py::gil_scoped_release release;
  return search(searcher, data, options, callbacks);
}

template <typename Searcher>
void add_search_function(py::module_& module, const char* searcher) {
  module.def("search", &run_search<Searcher>, py::arg(searcher), py::arg("data"), py::kw_only(),
             py::arg("mode") = "all", py::arg("out") = py::none(), py::arg("existing") = "refuse",
             py::arg("most_pairs") = 0, py::arg("most_seconds") = 0.0, py::arg("logits") = false,
             py::arg("progress") = py::none(), py::arg("tile") = py::none(), py::arg("cancel") = py::none(),
             py::arg("enough") = py::none());
}

void add_answers(py::module_& module) {
  using Self = const py::object&;
  const auto get = [](Self self) -> const SearchAnswers& { return self.cast<const SearchAnswers&>(); };
  py::class_<ScreeningSummary>(module, "ScreeningSummary")
      .def_readonly("precision", &ScreeningSummary::precision)
      .def_readonly("composites", &ScreeningSummary::composites)
      .def_readonly("rechecked", &ScreeningSummary::rechecked)
      .def_readonly("audited", &ScreeningSummary::audited)
      .def_readonly("wrong_share_bound", &ScreeningSummary::wrong_share_bound)
      .def_readonly("confidence", &ScreeningSummary::confidence)
      .def_readonly("calibration_seconds", &ScreeningSummary::calibration_seconds);
  py::class_<SearchAnswers>(module, "SearchAnswers")
      .def("__repr__",
           [](const SearchAnswers& a) {
             return std::string("<backdrop.SearchAnswers: challenge accuracy ") +
                    (a.complete ? "" : "at most ") + std::to_string(a.challenge_accuracy) + ", " +
                    std::to_string(a.vulnerable) + " of " + std::to_string(a.foregrounds) +
                    " foregrounds vulnerable>";
           })
      .def_property_readonly("predictions",
                             [get](Self self) {
                               const SearchAnswers& a = get(self);
                               return shared_array(a.predictions, {a.foregrounds, a.backgrounds}, self);
                             })
      .def_property_readonly("margins",
                             [get](Self self) {
                               const SearchAnswers& a = get(self);
                               return shared_array(a.margins, {a.foregrounds, a.backgrounds}, self);
                             })
      .def_property_readonly(
          "fooled",
          [get](Self self) { return shared_array(get(self).fooled, {get(self).foregrounds}, self); })
      .def_property_readonly(
          "fooled_share",
          [get](Self self) { return shared_array(get(self).fooled_share, {get(self).backgrounds}, self); })
      .def_property_readonly("into_class_share",
                             [get](Self self) {
                               return shared_array(get(self).into_class_share, {get(self).backgrounds}, self);
                             })
      .def_readonly("vulnerable", &SearchAnswers::vulnerable)
      .def_readonly("challenge_accuracy", &SearchAnswers::challenge_accuracy)
      .def_readonly("evaluated", &SearchAnswers::evaluated)
      .def_readonly("recorded", &SearchAnswers::recorded)
      .def_readonly("complete", &SearchAnswers::complete)
      .def_readonly("seconds", &SearchAnswers::seconds)
      .def_readonly("screening", &SearchAnswers::screening);
}

}  // namespace

void add_search(py::module_& module) {
  py::class_<Progress>(module, "Progress")
      .def_readonly("settled", &Progress::settled)
      .def_readonly("total", &Progress::total)
      .def_readonly("evaluated", &Progress::evaluated)
      .def_readonly("vulnerable", &Progress::vulnerable)
      .def_readonly("seconds", &Progress::seconds)
      .def("__repr__", [](const Progress& progress) {
        return py::str("{} of {} pairs, {} vulnerable")
            .format(progress.settled, progress.total, progress.vulnerable);
      });
  auto classifier = py::class_<Classifier, PythonClassifier>(module, "Classifier", py::dynamic_attr());
  classifier.def(py::init<>());
  classifier.attr("labels") = py::none();
  classifier.attr("batch") = 32;
  classifier.attr("name") = "classifier";
  add_answers(module);
  add_search_function<Session>(module, "session");
  add_search_function<Classifier>(module, "classifier");
}

}  // namespace backdrop::python
