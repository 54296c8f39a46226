# SPDX-License-Identifier: Apache-2.0
# Pintle::mbedcrypto and Pintle::mbedtls, the cryptographic and the TLS library of mbedTLS, if they are here: mbedTLS 2.28
# brings neither a CMake package nor a pkg-config file.  It is installed with ours, so that who links our libraries finds
# them too.
if(NOT TARGET Pintle::mbedcrypto)
    find_path(PINTLE_MBEDTLS_INCLUDE mbedtls/ssl.h)
    find_library(PINTLE_MBEDCRYPTO mbedcrypto)
    find_library(PINTLE_MBEDX509 mbedx509)
    find_library(PINTLE_MBEDTLS_LIBRARY mbedtls)
    mark_as_advanced(PINTLE_MBEDTLS_INCLUDE PINTLE_MBEDCRYPTO PINTLE_MBEDX509 PINTLE_MBEDTLS_LIBRARY)
    if(PINTLE_MBEDTLS_INCLUDE AND PINTLE_MBEDCRYPTO)
        add_library(Pintle::mbedcrypto UNKNOWN IMPORTED)
        set_target_properties(Pintle::mbedcrypto PROPERTIES IMPORTED_LOCATION ${PINTLE_MBEDCRYPTO}
                              INTERFACE_INCLUDE_DIRECTORIES ${PINTLE_MBEDTLS_INCLUDE})
    endif()
    if(TARGET Pintle::mbedcrypto AND PINTLE_MBEDX509 AND PINTLE_MBEDTLS_LIBRARY)
        add_library(Pintle::mbedtls UNKNOWN IMPORTED)
        set_target_properties(Pintle::mbedtls PROPERTIES IMPORTED_LOCATION ${PINTLE_MBEDTLS_LIBRARY}
                              INTERFACE_INCLUDE_DIRECTORIES ${PINTLE_MBEDTLS_INCLUDE})
        target_link_libraries(Pintle::mbedtls INTERFACE ${PINTLE_MBEDX509} Pintle::mbedcrypto)
    endif()
endif()
