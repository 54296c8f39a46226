/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's program over GnuTLS: it attaches a session, whose handshake then needs a host and a certificate. */
#include <stdio.h>
#include <stdlib.h>

#include <pintle/gnutls.h>
#include <pintle/pintle.h>

int main(void)
{
    const struct pintle_static_pin pin = {
        "api.example.com", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    struct pintle_pinset *pinset = NULL;
    struct pintle_crypto *crypto = NULL;
    struct pintle_checker *checker = NULL;
    struct pintle_verdict verdict;
    gnutls_session_t session = NULL;
    int result = EXIT_FAILURE;

    if (gnutls_init(&session, GNUTLS_CLIENT) == 0 && pintle_crypto_mbedtls_new(&crypto) == PINTLE_OK &&
        pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_REFUSE, &pinset, NULL, 0) == PINTLE_OK &&
        pintle_checker_new_static(pinset, crypto, &checker) == PINTLE_OK &&
        pintle_gnutls_attach(session, checker) == PINTLE_OK &&
        pintle_gnutls_set_host(session, "api.example.com") == PINTLE_OK &&
        pintle_gnutls_verdict(session, &verdict) != PINTLE_OK) {
        result = EXIT_SUCCESS; /* no handshake, no acceptance */
        printf("%s\n", pintle_reason_name(verdict.reason));
    }
    if (session != NULL)
        gnutls_deinit(session);
    pintle_checker_free(checker);
    pintle_pinset_free(pinset);
    pintle_crypto_free(crypto);
    return result;
}
