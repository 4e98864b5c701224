/// \file
/// Which headers these are, for `#if`: backdrop_version() and backdrop::version() say which library runs. C
/// and C++.
#ifndef BACKDROP_VERSION_NUMBER_H
#define BACKDROP_VERSION_NUMBER_H

#define BACKDROP_VERSION_MAJOR 0
#define BACKDROP_VERSION_MINOR 1
#define BACKDROP_VERSION_PATCH 0

#endif
