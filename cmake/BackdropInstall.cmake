# Installs the command, both libraries, the public headers and what find_package and pkg-config read. Nothing installed
# names a folder of this machine: the tree may be moved.
include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/backdrop")
set(pkgconfig_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

if(TARGET backdrop_cli)
  install(TARGETS backdrop_cli RUNTIME COMPONENT runtime)
endif()
foreach(kind static shared)
  set(target backdrop)
  if(kind STREQUAL "shared")
    set(target backdrop_shared)
  endif()
  install(TARGETS ${target} EXPORT backdrop_${kind}
          ARCHIVE COMPONENT development
          LIBRARY COMPONENT runtime NAMELINK_COMPONENT development)
  install(EXPORT backdrop_${kind} FILE backdrop-${kind}.cmake NAMESPACE backdrop:: DESTINATION "${package_folder}"
          COMPONENT development)
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" TYPE INCLUDE COMPONENT development)

set(BACKDROP_CONFIG_CUDA ${BACKDROP_CUDA_FOUND})
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/backdrop-config.cmake.in" "${PROJECT_BINARY_DIR}/package/backdrop-config.cmake"
  INSTALL_DESTINATION "${package_folder}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/backdrop-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/backdrop-config.cmake"
              "${PROJECT_BINARY_DIR}/package/backdrop-config-version.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/BackdropOneDNN.cmake"
        DESTINATION "${package_folder}" COMPONENT development)

# Distributions may give these folders with the prefix before them.
file(RELATIVE_PATH BACKDROP_PC_LIBDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH BACKDROP_PC_INCLUDEDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
file(RELATIVE_PATH BACKDROP_PREFIX_FROM_PC "/prefix/${BACKDROP_PC_LIBDIR}/pkgconfig" "/prefix")
set(BACKDROP_PC_PRIVATE "-ldnnl -lfmt -ljpeg -lcrypto -lgomp -lstdc++ -lm -lpthread")
if(BACKDROP_CUDA_FOUND)
  string(APPEND BACKDROP_PC_PRIVATE " -lcudart_static -ldl -lrt")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/backdrop.pc.in" "${PROJECT_BINARY_DIR}/package/backdrop.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/backdrop.pc" DESTINATION "${pkgconfig_folder}" COMPONENT development)
