/* SPDX-License-Identifier: Apache-2.0 */
/* A provider that passes everything on to another, and counts and times the verifications of signatures. */
#ifndef PTI_TESTS_COUNTING_CRYPTO_H
#define PTI_TESTS_COUNTING_CRYPTO_H

#include "base/crypto.h"

struct counting_crypto {
    struct pintle_crypto base; /* first; it is what a configuration takes */
    struct pintle_crypto *real;
    unsigned verifications;
    int64_t verify_ns;
};

/* real is borrowed.  counting is never freed by its users. */
void counting_crypto_init(struct counting_crypto *counting, struct pintle_crypto *real);

#endif
