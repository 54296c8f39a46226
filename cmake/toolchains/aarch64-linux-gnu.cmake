# SPDX-License-Identifier: Apache-2.0
# Builds for 64-bit ARM under Linux with Debian's cross compiler (gcc-aarch64-linux-gnu), and runs what it has built under
# qemu-aarch64 (qemu-user).  Libraries of that architecture are taken from PINTLE_SYSROOT, if there is such a directory
# (tools/cross/sysroot makes one); without it there is libc alone, which is all that the core needs:
#   cmake -B build-aarch64 --toolchain cmake/toolchains/aarch64-linux-gnu.cmake -DPINTLE_OPENSSL=OFF -DPINTLE_MBEDTLS=OFF \
#         -DPINTLE_GNUTLS=OFF -DPINTLE_BORINGSSL=OFF -DPINTLE_CURL=OFF -DPINTLE_PROGRAMS=OFF
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

get_filename_component(default_sysroot "${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot-aarch64" ABSOLUTE)
set(PINTLE_SYSROOT "${default_sysroot}" CACHE PATH "Libraries and headers of the target")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PINTLE_SYSROOT)
if(IS_DIRECTORY "${PINTLE_SYSROOT}/usr/include")
    set(CMAKE_SYSROOT "${PINTLE_SYSROOT}")
    set(ENV{PKG_CONFIG_SYSROOT_DIR} "${PINTLE_SYSROOT}")
    set(ENV{PKG_CONFIG_LIBDIR}
        "${PINTLE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${PINTLE_SYSROOT}/usr/share/pkgconfig")
    set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L "${PINTLE_SYSROOT}")
else()
    set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
    set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
endif()
