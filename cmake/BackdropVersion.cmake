# The git revision of the source tree, for --version and run.json; "unknown" outside a checkout.
find_package(Git QUIET)
set(BACKDROP_GIT_REVISION unknown)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
                  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE revision
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(BACKDROP_GIT_REVISION ${revision})
  endif()
endif()
