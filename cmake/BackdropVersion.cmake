# The git revision of the source tree, for --version and run.json; "unknown" outside a checkout of its own: that of a
# project whose repository has a copy says nothing of it. What benchmarks write into bench/results makes no other tree.
find_package(Git QUIET)
set(BACKDROP_GIT_REVISION unknown)
if(GIT_FOUND AND EXISTS "${PROJECT_SOURCE_DIR}/.git")
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --abbrev=12
                  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE revision
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(BACKDROP_GIT_REVISION ${revision})
    execute_process(COMMAND ${GIT_EXECUTABLE} diff --quiet HEAD -- . ":(exclude)bench/results"
                    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" ERROR_QUIET RESULT_VARIABLE changed)
    if(changed)
      string(APPEND BACKDROP_GIT_REVISION -dirty)
    endif()
  endif()
endif()
