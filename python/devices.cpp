// The devices of this machine in Python.
#include "backdrop/devices.h"

#include <pybind11/stl.h>

#include "module.h"

namespace backdrop::python {

void add_devices(py::module_& module) {
  py::class_<DeviceDescription>(module, "DeviceDescription")
      .def_readonly("device", &DeviceDescription::device)
      .def_readonly("name", &DeviceDescription::name)
      .def_readonly("compute_capability", &DeviceDescription::compute_capability)
      .def_readonly("memory", &DeviceDescription::memory)
      .def_readonly("instructions", &DeviceDescription::instructions)
      .def_readonly("threads", &DeviceDescription::threads)
      .def_readonly("precisions", &DeviceDescription::precisions)
      .def_readonly("trouble", &DeviceDescription::trouble);
  module.def("devices", &devices, py::call_guard<py::gil_scoped_release>());
}

}  // namespace backdrop::python
