# A script that every build runs: writes the git revision of PROJECT_SOURCE_DIR, for --version and run.json, into HEADER;
# "unknown" outside a checkout of its own: that of a project whose repository has a copy says nothing of it. What benchmarks
# write into bench/results makes no other tree.
find_package(Git QUIET)
set(revision unknown)
if(GIT_FOUND AND EXISTS "${PROJECT_SOURCE_DIR}/.git")
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --abbrev=12
                  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE described
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(revision ${described})
    # Without locks: a build must not be in the way of somebody's commit.
    execute_process(COMMAND ${GIT_EXECUTABLE} --no-optional-locks diff --quiet HEAD -- . ":(exclude)bench/results"
                    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" ERROR_QUIET RESULT_VARIABLE changed)
    if(changed)
      string(APPEND revision -dirty)
    endif()
  endif()
endif()
# Left alone where it says so already: nothing is compiled again.
file(CONFIGURE OUTPUT "${HEADER}" CONTENT "#define BACKDROP_GIT_REVISION \"${revision}\"\n")
