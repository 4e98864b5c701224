# `cpack` in the build folder makes two Debian packages: backdrop, with the command and the shared library, and
# libbackdrop-dev, with all that it takes to build against it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR Backdrop)
set(CPACK_PACKAGE_CONTACT "The Backdrop authors <root@localhost>" CACHE STRING "Maintainer of the Debian packages")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Only packages have these.
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/backdrop" RENAME copyright
        COMPONENT runtime EXCLUDE_FROM_ALL)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libbackdrop-dev" RENAME copyright
        COMPONENT development EXCLUDE_FROM_ALL)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/DebianLayout.cmake")

set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Pastes every foreground of the backgrounds challenge onto every background,
runs an image classifier on each composite, and reports which backgrounds
make it fail. This package has the command and the shared library.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME backdrop)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
# For packages of programs that link the library.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "The headers, the static library, and what CMake's find_package and
pkg-config read to build programs with Backdrop.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libbackdrop-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# The headers need nothing; the static library is linked with the rest.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "backdrop (= ${PROJECT_VERSION}), libdnnl-dev, libfmt-dev, libjpeg62-turbo-dev, libssl-dev")
include(CPack)
