/// \file
/// Marks what the shared library exports; everything else in it is hidden. C and C++.
#pragma once

#if defined(__GNUC__)
#define BACKDROP_EXPORT __attribute__((visibility("default")))
#else
#define BACKDROP_EXPORT
#endif
