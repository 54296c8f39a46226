/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: the entry point, a property that must hold, and a crypto provider that says yes. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of whatever was accepted; libFuzzer keeps the input that breaks it. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/*
 * A provider for which every digest is 32 zero bytes, every key usable and every signature right, so that mutated bytes
 * get past the cryptography to the code behind it.  Static, never freed.
 */
struct pintle_crypto *fuzz_crypto(void);

#endif
