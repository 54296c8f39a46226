# SPDX-License-Identifier: Apache-2.0
# How every C file is compiled and linked.  Warnings become errors through CMAKE_COMPILE_WARNING_AS_ERROR, which the
# presets set, so that a packager with a newer compiler is not stopped by it.
include(CheckPIESupported)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
check_pie_supported(LANGUAGES C)

add_compile_definitions(_POSIX_C_SOURCE=200809L)
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wvla -Walloca -Wpointer-arith -Wwrite-strings
    -Wformat=2 -Wimplicit-fallthrough
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
    $<$<COMPILE_LANGUAGE:C>:-Wold-style-definition> $<$<COMPILE_LANGUAGE:C>:-Wnested-externs>)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # Messages are cut to their fixed buffers on purpose; where a cut text would be wrong, the code asks snprintf's result.
    add_compile_options(-Wno-format-truncation -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()

# Hardening.  Sanitizers bring their own checks, which FORTIFY would hide; FORTIFY needs optimisation.
add_compile_options(-fstack-protector-strong -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$")
    add_compile_options(-fcf-protection=full) # indirect branch tracking and shadow stack
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    add_compile_options(-mbranch-protection=standard)
endif()
if(NOT PINTLE_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(NOT APPLE)
    add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:--as-needed)
endif()

# Only what is reached goes into a library.  Unwind tables stay: a crash reporter in an app must see through us.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT PINTLE_SANITIZE)
    add_compile_options(-ffunction-sections -fdata-sections)
    if(NOT APPLE)
        add_link_options(LINKER:--gc-sections)
    endif()
endif()

if(PINTLE_SANITIZE)
    add_compile_options(-fsanitize=${PINTLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${PINTLE_SANITIZE})
endif()
