# SPDX-License-Identifier: Apache-2.0
# Pintle::mbedcrypto, the cryptographic library of mbedTLS, if it is here: mbedTLS 2.28 brings neither a CMake package nor a
# pkg-config file.  It is installed with ours, so that who links our static library finds it too.
if(NOT TARGET Pintle::mbedcrypto)
    find_path(PINTLE_MBEDCRYPTO_INCLUDE mbedtls/ecdsa.h)
    find_library(PINTLE_MBEDCRYPTO mbedcrypto)
    mark_as_advanced(PINTLE_MBEDCRYPTO_INCLUDE PINTLE_MBEDCRYPTO)
    if(PINTLE_MBEDCRYPTO_INCLUDE AND PINTLE_MBEDCRYPTO)
        add_library(Pintle::mbedcrypto UNKNOWN IMPORTED)
        set_target_properties(Pintle::mbedcrypto PROPERTIES IMPORTED_LOCATION ${PINTLE_MBEDCRYPTO}
                              INTERFACE_INCLUDE_DIRECTORIES ${PINTLE_MBEDCRYPTO_INCLUDE})
    endif()
endif()
