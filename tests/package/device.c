/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's program without OpenSSL: the core and the provider over mbedTLS. */
#include <stdio.h>
#include <stdlib.h>

#include <pintle/pintle.h>

int main(void)
{
    const struct pintle_static_pin pin = {
        "api.example.com", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    struct pintle_pinset *pinset = NULL;
    struct pintle_crypto *crypto = NULL;
    struct pintle_checker *checker = NULL;
    char detail[256] = "";
    bool made = pintle_crypto_mbedtls_new(&crypto) == PINTLE_OK &&
                pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_REFUSE, &pinset, detail, sizeof detail) ==
                    PINTLE_OK &&
                pintle_checker_new_static(pinset, crypto, &checker) == PINTLE_OK;

    if (!made)
        fprintf(stderr, "a call failed: %s\n", detail);
    pintle_checker_free(checker);
    pintle_pinset_free(pinset);
    pintle_crypto_free(crypto);
    return made ? EXIT_SUCCESS : EXIT_FAILURE;
}
