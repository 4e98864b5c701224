# backdrop::onednn: oneDNN 2.6 or a later 2.x, by hand, because Debian's package config asks for the OpenCL headers, which
# the CPU part never touches. Used by the build and by the installed package; sets BACKDROP_ONEDNN_PROBLEM where it is
# missing.
set(BACKDROP_ONEDNN_PROBLEM "")
if(TARGET backdrop::onednn)
  return()
endif()
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(DNNL_LIBRARY dnnl)
mark_as_advanced(DNNL_INCLUDE_DIR DNNL_LIBRARY)
set(DNNL_VERSION none)
if(DNNL_INCLUDE_DIR AND DNNL_LIBRARY)
  file(STRINGS "${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h" dnnl_version_lines REGEX "DNNL_VERSION_M(AJOR|INOR) +[0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" dnnl_version_numbers "${dnnl_version_lines}")
  list(JOIN dnnl_version_numbers "." DNNL_VERSION)
endif()
if(DNNL_VERSION STREQUAL "none" OR NOT DNNL_VERSION VERSION_GREATER_EQUAL 2.6 OR NOT DNNL_VERSION VERSION_LESS 3)
  set(BACKDROP_ONEDNN_PROBLEM "Backdrop needs oneDNN 2.6 or a later 2.x (found ${DNNL_VERSION}): install libdnnl-dev")
  return()
endif()
add_library(backdrop::onednn UNKNOWN IMPORTED)
set_target_properties(backdrop::onednn PROPERTIES
  IMPORTED_LOCATION "${DNNL_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${DNNL_INCLUDE_DIR}")
