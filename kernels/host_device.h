/// \file
/// Functions that a GPU runs and tests on the CPU run, too.
#pragma once

#if defined(__CUDACC__)
#define BACKDROP_HOST_DEVICE __host__ __device__ inline
#else
#define BACKDROP_HOST_DEVICE inline
#endif
#if defined(__CUDA_ARCH__)
#define BACKDROP_UNROLL _Pragma("unroll")
#define BACKDROP_ROLLED _Pragma("unroll 1")
#else
#define BACKDROP_UNROLL
#define BACKDROP_ROLLED
#endif
