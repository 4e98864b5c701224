# The GPU engine as the components backdrop_cuda_engine, the cuda_* files of engine/, and backdrop_cuda, the *_cuda files of
# kernels/, or, without CUDA, a stand-in that says so. Sets BACKDROP_CUDA_FOUND and BACKDROP_CUDA_COMPONENTS.
#
# BACKDROP_CUDA_ARCHITECTURES: machine code for compute capabilities 8.0 (A100), 8.6, 8.9 and 9.0a (H100, H200), and PTX
# for whatever comes later. Passed as -gencode, not through CMAKE_CUDA_ARCHITECTURES, which older CMake does not know
# all of.
set(BACKDROP_CUDA_ARCHITECTURES "80;86;89;90a;89-ptx" CACHE STRING "GPU architectures; NN-ptx stands for PTX")
set(BACKDROP_CUDA_FOUND FALSE)

# Looks for the compiler and the headers; sets `missing` to what is not there.
macro(backdrop_find_cuda)
  set(missing "")
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(BACKDROP_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
    if(BACKDROP_NVCC)
      # Is tried below: one that refuses this C++ compiler counts as none, until it is another.
      set(ENV{CUDACXX} "${BACKDROP_NVCC}")
      unset(CMAKE_CUDA_COMPILER CACHE)
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    set(missing "no CUDA compiler")
  else()
    set(CMAKE_CUDA_ARCHITECTURES OFF)
    enable_language(CUDA)
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      # CMake 3.25 does not know that nvcc compiles C++20.
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    find_package(CUDAToolkit 12.4 QUIET)
    if(NOT CUDAToolkit_FOUND)
      set(missing "no CUDA toolkit of version 12.4 or later")
    endif()
  endif()
  if(NOT missing)
    # cuDNN comes with the system, beside the toolkit, or in a Python wheel.
    find_program(BACKDROP_PYTHON3 python3)
    set(wheels "")
    if(BACKDROP_PYTHON3)
      execute_process(COMMAND "${BACKDROP_PYTHON3}" -c "import sysconfig; print(sysconfig.get_path('purelib'))"
                      OUTPUT_VARIABLE wheels OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
    find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} "${wheels}/nvidia/cudnn/include")
    set(version "")
    if(EXISTS "${CUDNN_INCLUDE_DIR}/cudnn_version.h")
      file(STRINGS "${CUDNN_INCLUDE_DIR}/cudnn_version.h" version REGEX "^#define CUDNN_MAJOR 9")
    endif()
    if(NOT version)
      set(missing "no cuDNN 9 headers")
    endif()
  endif()
endmacro()

if(BACKDROP_CUDA STREQUAL "AUTO" AND BACKDROP_SANITIZE)
  message(STATUS "GPU engine: off in builds with sanitizers")
elseif(BACKDROP_CUDA)
  backdrop_find_cuda()
  if(NOT missing)
    set(BACKDROP_CUDA_FOUND TRUE)
    message(STATUS "GPU engine: CUDA ${CUDAToolkit_VERSION}, cuDNN headers in ${CUDNN_INCLUDE_DIR}")
  elseif(BACKDROP_CUDA STREQUAL "AUTO")
    message(STATUS "GPU engine: off (${missing})")
  else()
    message(FATAL_ERROR "BACKDROP_CUDA is ON, but there is ${missing}: install it, or set CUDA_HOME or CUDNN_INCLUDE_DIR")
  endif()
else()
  message(STATUS "GPU engine: off")
endif()

if(NOT BACKDROP_CUDA_FOUND)
  set(BACKDROP_CUDA_COMPONENTS cuda)
  backdrop_component(cuda SOURCES engine/cuda_absent.cpp LIBRARIES backdrop_engine)
  return()
endif()

set(BACKDROP_CUDA_COMPONENTS cuda_engine cuda)
set(BACKDROP_CUDA_ENGINE_SOURCES
  engine/cuda_agreement.cpp engine/cuda_backgrounds.cpp engine/cuda_bottlenecks.cpp engine/cuda_dense.cpp engine/cuda_dense_layers.cpp engine/cuda_dense_plan.cpp
  engine/cuda_device.cpp engine/cuda_engine.cpp engine/cuda_gpus.cpp engine/cuda_graph.cpp engine/cuda_layers.cpp engine/cuda_pass.cpp engine/cuda_products.cpp
  engine/cuda_profile_window.cpp engine/cuda_random.cpp engine/cuda_recheck.cpp engine/cuda_reuse.cpp engine/cuda_runner.cpp engine/cuda_sinks.cpp engine/cuda_step_clock.cpp engine/cuda_tail.cpp engine/cuda_timing.cpp)
set(BACKDROP_CUDA_KERNEL_SOURCES
  kernels/bottleneck_cuda.cu kernels/composite_cuda.cu kernels/cudnn_convolution_cuda.cpp kernels/cudnn_cuda.cpp
  kernels/cudnn_fusion_graph.cpp kernels/decide_cuda.cu
  kernels/peak_cuda.cu kernels/position_convolution_cuda.cu kernels/position_convolution_fp8_cuda.cu
  kernels/position_convolution_int8_cuda.cu kernels/position_pool_cuda.cu)

set(gencode "")
foreach(architecture ${BACKDROP_CUDA_ARCHITECTURES})
  if(architecture MATCHES "^([0-9]+a?)-ptx$")
    list(APPEND gencode "-gencode=arch=compute_${CMAKE_MATCH_1},code=compute_${CMAKE_MATCH_1}")
  elseif(architecture EQUAL 86)
    # It has no instructions that 8.0 lacks: half of the compiler's work is done once for both.
    list(APPEND gencode "-gencode=arch=compute_80,code=sm_86")
  else()
    list(APPEND gencode "-gencode=arch=compute_${architecture},code=sm_${architecture}")
  endif()
endforeach()
list(JOIN BACKDROP_CUDA_ARCHITECTURES " " architectures)

# Headers and flags for everything that includes CUDA's.
add_library(backdrop_cuda_headers INTERFACE)
target_include_directories(backdrop_cuda_headers SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS} "${CUDNN_INCLUDE_DIR}")
target_compile_definitions(backdrop_cuda_headers INTERFACE "BACKDROP_CUDA_ARCHITECTURES=\"compute capabilities ${architectures}\"")

set(libraries backdrop_engine backdrop_kernels backdrop_models backdrop_loaders backdrop_core backdrop_cuda_headers fmt::fmt
    ${CMAKE_DL_LIBS})
# The engine alone knows nothing of the runtime that it is linked with: tests have others.
backdrop_component(cuda_engine SOURCES ${BACKDROP_CUDA_ENGINE_SOURCES} LIBRARIES ${libraries})
backdrop_component(cuda SOURCES engine/cuda_peak.cpp ${BACKDROP_CUDA_KERNEL_SOURCES} LIBRARIES ${libraries} CUDA::cudart_static)
set_target_properties(backdrop_cuda PROPERTIES CUDA_RESOLVE_DEVICE_SYMBOLS OFF)
target_compile_options(backdrop_cuda PRIVATE
  "$<$<COMPILE_LANGUAGE:CUDA>:${gencode};--Werror=all-warnings;-lineinfo;-Xcompiler=-Wall,-Wextra,-Wshadow>")
