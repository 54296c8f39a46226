# SPDX-License-Identifier: Apache-2.0
# make install PREFIX=... DESTDIR=...: headers, libraries, pkg-config files, the CMake package, programs, completions; the
# manual pages are installed where they are made.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Pintle)
install(DIRECTORY include/pintle DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libpintle-dev FILES_MATCHING PATTERN "*.h")
set(libraries pintle)
if(PINTLE_OPENSSL)
    list(APPEND libraries pintle-crypto-openssl pintle-openssl)
endif()
if(PINTLE_MBEDTLS)
    list(APPEND libraries pintle-crypto-mbedtls pintle-mbedtls)
endif()
if(PINTLE_GNUTLS)
    list(APPEND libraries pintle-gnutls)
endif()
if(PINTLE_BORINGSSL)
    list(APPEND libraries pintle-crypto-boringssl pintle-boringssl)
endif()
if(PINTLE_CURL)
    list(APPEND libraries pintle-curl-transport)
endif()
if(PINTLE_OPENSSL AND PINTLE_CURL)
    list(APPEND libraries pintle-curl)
endif()
list(TRANSFORM libraries APPEND -static OUTPUT_VARIABLE static)
foreach(name IN LISTS libraries)
    pintle_library_component(${name} component)
    install(TARGETS ${name}-shared EXPORT PintleTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component}
            NAMELINK_COMPONENT libpintle-dev)
endforeach()
install(TARGETS ${static} EXPORT PintleStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libpintle-dev)
install(EXPORT PintleTargets NAMESPACE Pintle:: DESTINATION ${package_dir} COMPONENT libpintle-dev)
install(EXPORT PintleStaticTargets NAMESPACE Pintle:: DESTINATION ${package_dir} COMPONENT libpintle-dev)
configure_package_config_file(cmake/PintleConfig.cmake.in PintleConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(PintleConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/PintleConfig.cmake ${PROJECT_BINARY_DIR}/PintleConfigVersion.cmake
        cmake/PintleMbedtls.cmake cmake/PintleBoringssl.cmake DESTINATION ${package_dir}
        COMPONENT libpintle-dev)

# Paths in the .pc files are relative to the file, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
foreach(name IN LISTS libraries)
    configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libpintle-dev)
endforeach()

foreach(name IN ITEMS pintle pintled pintle-tuf)
    if(TARGET program_${name})
        string(REPLACE "-tuf" "" component ${name})
        install(TARGETS program_${name} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
    endif()
endforeach()

# Each shell looks for a file with the name of the command.
foreach(name IN ITEMS pintle pintled)
    install(FILES completions/pintle.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${name}
            COMPONENT ${name})
endforeach()
install(FILES completions/_pintle DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT pintle)

# The unit names the program where it is installed, which is known only then.
if(PINTLE_PROGRAMS)
    install(CODE "
        set(bindir \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
        configure_file(${PROJECT_SOURCE_DIR}/packaging/systemd/pintled.service.in
                       \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/pintled.service\"
                       @ONLY NO_SOURCE_PERMISSIONS)" COMPONENT pintled)
    install(FILES packaging/systemd/pintled.conf DESTINATION lib/sysusers.d COMPONENT pintled)
endif()
