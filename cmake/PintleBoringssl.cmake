# SPDX-License-Identifier: Apache-2.0
# Pintle::boringssl and Pintle::boringcrypto, if BoringSSL is here: it brings neither a CMake package nor a pkg-config file,
# and its libraries have the names of OpenSSL's, so it is looked for in its own places only.  Elsewhere:
# -DPINTLE_BORINGSSL_INCLUDE=... -DPINTLE_BORINGSSL_LIBDIR=...  It is installed with ours, so that who links us finds it too.
if(NOT TARGET Pintle::boringssl)
    find_path(PINTLE_BORINGSSL_INCLUDE openssl/is_boringssl.h PATHS /usr/include/android NO_DEFAULT_PATH)
    find_path(PINTLE_BORINGSSL_LIBDIR NAMES libssl.so libssl.a
              PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/android /usr/lib/android NO_DEFAULT_PATH)
    find_library(PINTLE_BORINGSSL_SSL ssl PATHS ${PINTLE_BORINGSSL_LIBDIR} NO_DEFAULT_PATH)
    find_library(PINTLE_BORINGSSL_CRYPTO crypto PATHS ${PINTLE_BORINGSSL_LIBDIR} NO_DEFAULT_PATH)
    mark_as_advanced(PINTLE_BORINGSSL_INCLUDE PINTLE_BORINGSSL_LIBDIR PINTLE_BORINGSSL_SSL PINTLE_BORINGSSL_CRYPTO)
    if(PINTLE_BORINGSSL_INCLUDE AND PINTLE_BORINGSSL_SSL AND PINTLE_BORINGSSL_CRYPTO)
        add_library(Pintle::boringcrypto UNKNOWN IMPORTED)
        set_target_properties(Pintle::boringcrypto PROPERTIES IMPORTED_LOCATION ${PINTLE_BORINGSSL_CRYPTO}
                              INTERFACE_INCLUDE_DIRECTORIES ${PINTLE_BORINGSSL_INCLUDE})
        add_library(Pintle::boringssl UNKNOWN IMPORTED)
        set_target_properties(Pintle::boringssl PROPERTIES IMPORTED_LOCATION ${PINTLE_BORINGSSL_SSL}
                              INTERFACE_INCLUDE_DIRECTORIES ${PINTLE_BORINGSSL_INCLUDE}
                              INTERFACE_LINK_LIBRARIES Pintle::boringcrypto)
    endif()
endif()
