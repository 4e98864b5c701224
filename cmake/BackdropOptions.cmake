# Options, compiler flags and the defaults of a release build. Inside another project (add_subdirectory, FetchContent) there
# is the library only, unless the project asks for more, and nothing changes in the project's own settings.
option(BACKDROP_BUILD_CLI "Build the backdrop command" ${PROJECT_IS_TOP_LEVEL})
option(BACKDROP_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(BACKDROP_INSTALL "Install what is built, and make packages of it" ${PROJECT_IS_TOP_LEVEL})
option(BACKDROP_BUILD_BENCH "Build the benchmarks" OFF)
option(BACKDROP_BUILD_FUZZ "Build the fuzz targets (clang; preset fuzz)" OFF)
set(BACKDROP_BUILD_PYTHON OFF CACHE STRING "The Python module: ON, OFF, or AUTO: wherever pybind11 is installed")
set_property(CACHE BACKDROP_BUILD_PYTHON PROPERTY STRINGS AUTO ON OFF)
set(BACKDROP_CUDA AUTO CACHE STRING "The GPU engine: ON, OFF, or AUTO: wherever CUDA's compiler and cuDNN's headers are")
set_property(CACHE BACKDROP_CUDA PROPERTY STRINGS AUTO ON OFF)
set(BACKDROP_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread (empty: none)")

# Sources of a target are compiled sixteen at a time, except those with options of their own: alone, most spend their time on
# the same headers. So no two sources of a target may use one name for different things.
if(PROJECT_IS_TOP_LEVEL)
  option(CMAKE_UNITY_BUILD "Compile several sources at a time" ON)
endif()
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  else()
    set(CMAKE_BUILD_TYPE Release)  # in this folder: a search without optimisation takes days
  endif()
endif()

add_library(backdrop_flags INTERFACE)
target_compile_options(backdrop_flags INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wnon-virtual-dtor>")
if(PROJECT_IS_TOP_LEVEL)
  # Elsewhere the project's own flags may warn of more than ours.
  target_compile_options(backdrop_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Werror>")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms on "literal" + std::string: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
  target_compile_options(backdrop_flags INTERFACE -Wno-restrict)
endif()
if(BACKDROP_SANITIZE)
  add_compile_options(-fsanitize=${BACKDROP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BACKDROP_SANITIZE})
endif()
