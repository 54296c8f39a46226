/* SPDX-License-Identifier: Apache-2.0 */
#include "providers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#ifdef OPENSSL_IS_BORINGSSL /* tests/boringssl: it is the one that was linked */
#define DEFAULT "boringssl"
#define default_new pintle_crypto_boringssl_new
#else
#define DEFAULT "openssl"
#define default_new pintle_crypto_openssl_new
#endif

static const char *name(void)
{
    const char *given = getenv("PINTLE_TEST_CRYPTO");

    return given != NULL ? given : DEFAULT;
}

enum pintle_status provider_new(struct pintle_crypto **crypto)
{
    if (strcmp(name(), DEFAULT) == 0)
        return default_new(crypto);
    if (strcmp(name(), "mbedtls") == 0)
        return pintle_crypto_mbedtls_new(crypto);
    (void)fprintf(stderr, "PINTLE_TEST_CRYPTO: expected " DEFAULT " or mbedtls, found \"%s\"\n", name());
    abort();
}

bool provider_takes(enum pti_key_kind kind)
{
    return kind != PTI_KEY_ED25519 || strcmp(name(), "mbedtls") != 0;
}

enum pti_key_kind provider_kind(enum pti_key_kind kind)
{
    return provider_takes(kind) ? kind : PTI_KEY_ECDSA_P256;
}

void provider_leaves_out(const char *what, const char *why)
{
    (void)printf("LEFT OUT with %s: %s: %s\n", name(), what, why);
}
