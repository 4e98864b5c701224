# backdrop_component(NAME SOURCES ... LIBRARIES ...): one folder as an object library, built with the project's flags.
function(backdrop_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_library(backdrop_${name} OBJECT ${arg_SOURCES})
  target_include_directories(backdrop_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(backdrop_${name} PRIVATE backdrop_flags PUBLIC ${arg_LIBRARIES})
endfunction()

# backdrop_compile_quickly(TARGET): for what computes little; a release takes half of the time to compile it.
function(backdrop_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# backdrop_test(NAME [COMPUTES] SOURCES ... COMPONENTS ...): a GoogleTest program named test_NAME over the components listed;
# every one of its cases becomes a ctest case. COMPUTES: the sources themselves take long to run, and are worth optimising (plain
# loops: -O3 takes as long to run, and half as long again to compile). Others call what is optimised, and are not themselves: most
# of -O1's time goes into what GoogleTest's macros become.
function(backdrop_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "COMPUTES" "" "SOURCES;COMPONENTS")
  add_executable(test_${name} ${arg_SOURCES})
  list(TRANSFORM arg_COMPONENTS PREPEND backdrop_)
  target_link_libraries(test_${name} PRIVATE backdrop_flags ${arg_COMPONENTS} GTest::gmock_main)
  target_include_directories(test_${name} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}")
  target_compile_definitions(test_${name} PRIVATE BACKDROP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # A packager's _FORTIFY_SOURCE warns of code that is not optimised.
  set(level $<IF:$<BOOL:${arg_COMPUTES}>,-O2,-O0;-U_FORTIFY_SOURCE>)
  target_compile_options(test_${name} PRIVATE "$<$<CONFIG:Release>:${level}>")
  # Values that have no name of their own would be printed as bytes, addresses among them.
  gtest_discover_tests(test_${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES PROPERTIES TIMEOUT 600)
endfunction()
