/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's program: it sees only what is installed, and touches each of the three libraries. */
#include <stdio.h>
#include <stdlib.h>

#include <pintle/curl_transport.h>
#include <pintle/openssl.h>
#include <pintle/pintle.h>

int main(void)
{
    const struct pintle_static_pin pin = {
        "api.example.com", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    struct pintle_pinset *pinset = NULL;
    struct pintle_crypto *crypto = NULL;
    struct pintle_checker *checker = NULL;
    struct pintle_transport transport = {0};
    struct pintle_evidence evidence = {0};
    struct pintle_verdict verdict;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char detail[256] = "";
    int result = EXIT_FAILURE;

    if (ctx != NULL && pintle_crypto_openssl_new(&crypto) == PINTLE_OK &&
        pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_REFUSE, &pinset, detail, sizeof detail) == PINTLE_OK &&
        pintle_checker_new_static(pinset, crypto, &checker) == PINTLE_OK &&
        pintle_openssl_attach(ctx, checker) == PINTLE_OK && pintle_curl_transport_init(&transport, NULL) == PINTLE_OK &&
        pintle_checker_check(checker, "api.example.com", &evidence, &verdict) != PINTLE_OK) {
        result = EXIT_SUCCESS; /* no chain, no connection */
        printf("%d.%d.%d: %s\n", PINTLE_VERSION_MAJOR, PINTLE_VERSION_MINOR, PINTLE_VERSION_PATCH,
               pintle_reason_name(verdict.reason));
    } else {
        fprintf(stderr, "a call failed: %s\n", detail);
    }
    if (transport.free != NULL) {
        transport.free(transport.ctx);
    }
    SSL_CTX_free(ctx);
    pintle_checker_free(checker);
    pintle_pinset_free(pinset);
    pintle_crypto_free(crypto);
    return result;
}
