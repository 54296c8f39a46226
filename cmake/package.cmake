# SPDX-License-Identifier: Apache-2.0
# Debian packages by CPack, one a component of cmake/install.cmake: `make package`, or cpack in a build directory.
#   pintle         the command line              pintled       the server, its unit, user and configuration
#   libpintle0     core, OpenSSL and libcurl     libpintle-dev headers, static libraries, manual pages of section 3
# The adapters of the other TLS libraries are in none of them: who uses one builds it, and nobody else gets its library.

# pintle_library_component(LIBRARY OUT): the package of a shared library.
function(pintle_library_component library out)
    if(library MATCHES "mbedtls|gnutls|boringssl")
        set(${out} adapters PARENT_SCOPE)
    else()
        set(${out} libpintle0 PARENT_SCOPE)
    endif()
endfunction()

# pintle_page_component(PAGE SECTION OUT): the package of a manual page.
function(pintle_page_component page section out)
    if(section EQUAL 3)
        set(${out} libpintle-dev PARENT_SCOPE)
    elseif(page MATCHES "^pintled")
        set(${out} pintled PARENT_SCOPE)
    else()
        set(${out} pintle PARENT_SCOPE)
    endif()
endfunction()

# pintle_package(NAME SECTION SUMMARY): what a component's package says of itself.
macro(pintle_package name section summary)
    list(APPEND CPACK_COMPONENTS_ALL ${name})
    string(TOUPPER ${name} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
    set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
    set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${ARGN}")
    set(CPACK_DEBIAN_${upper}_FILE_NAME DEB-DEFAULT)
    install(FILES ${PROJECT_BINARY_DIR}/packaging/changelog.Debian.gz packaging/debian/copyright
            DESTINATION /usr/share/doc/${name} COMPONENT ${name} EXCLUDE_FROM_ALL)
endmacro()

macro(pintle_packages)
    set(CPACK_GENERATOR DEB)
    set(CPACK_PACKAGE_NAME pintle)
    set(CPACK_PACKAGE_VENDOR "The Pintle authors")
    set(CPACK_PACKAGE_CONTACT "The Pintle authors <maintainers@users.noreply.github.com>")
    set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
    set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
    set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
    set(CPACK_DEB_COMPONENT_INSTALL ON)
    set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
    set(CPACK_STRIP_FILES ON)
    set(CPACK_SET_DESTDIR ON) # absolute places: the configuration is in /etc
    set(CPACK_INSTALL_PREFIX /usr)
    set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                    WORLD_READ WORLD_EXECUTE)
    set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
    set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/debian/compress.cmake)
    set(CPACK_VERBATIM_VARIABLES ON)

    configure_file(packaging/debian/changelog packaging/changelog @ONLY)
    execute_process(COMMAND gzip -9nc ${PROJECT_BINARY_DIR}/packaging/changelog
                    OUTPUT_FILE ${PROJECT_BINARY_DIR}/packaging/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)

    pintle_package(pintle utils "certificate pinning: command line"
                   "Makes, signs, publishes and checks repositories of pins that turn with the\ncertificates.")
    pintle_package(pintled httpd "certificate pinning: server"
                   "Serves repositories of pins, keeps their timestamps fresh, and takes the\nreports of clients.")
    pintle_package(libpintle0 libs "certificate pinning: libraries"
                   "The core, and what OpenSSL and libcurl need to enforce its pins.")
    set(CPACK_DEBIAN_LIBPINTLE0_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/libpintle0/triggers)
    pintle_package(libpintle-dev libdevel "certificate pinning: development files"
                   "Headers, static libraries and manual pages of libpintle.")
    set(CPACK_DEBIAN_LIBPINTLE-DEV_PACKAGE_DEPENDS "libpintle0 (= ${PROJECT_VERSION}-1)")
    set(CPACK_DEBIAN_PINTLED_PACKAGE_DEPENDS passwd)
    set(CPACK_DEBIAN_PINTLED_PACKAGE_RECOMMENDS pintle)
    foreach(script IN ITEMS postinst prerm postrm)
        list(APPEND CPACK_DEBIAN_PINTLED_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/pintled/${script})
    endforeach()
    file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles "/etc/pintle/pintled.conf\n")
    list(APPEND CPACK_DEBIAN_PINTLED_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/conffiles)
    install(FILES packaging/debian/pintled.conf DESTINATION /etc/pintle COMPONENT pintled EXCLUDE_FROM_ALL)
    install(FILES docs/openapi.yaml docs/guides/operate.md docs/guides/alerts.md docs/guides/api.md
            DESTINATION /usr/share/doc/pintled COMPONENT pintled EXCLUDE_FROM_ALL)
    install(FILES packaging/nginx/pintle-files.conf packaging/nginx/pintled-proxy.conf
                  packaging/prometheus/pintle.rules.yml packaging/grafana/pintle.json
            DESTINATION /usr/share/doc/pintled/examples COMPONENT pintled EXCLUDE_FROM_ALL)
    include(CPack)
endmacro()
