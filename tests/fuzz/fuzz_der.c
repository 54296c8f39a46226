/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate walk: a SubjectPublicKeyInfo that it finds is a SEQUENCE that lies inside the certificate; and if
 * OpenSSL finds a key in the same bytes, it is the same key.
 */
#include <string.h>

#include <openssl/x509.h>

#include "fuzz.h"
#include "pin/der.h"

/* The key as OpenSSL would write it; NULL if it is none to it. */
static uint8_t *rewritten(X509_PUBKEY *key, int *size)
{
    uint8_t *out = NULL;

    *size = key != NULL ? i2d_X509_PUBKEY(key, &out) : 0;
    return out;
}

static void same_as_openssl(const uint8_t *data, size_t size, struct pintle_bytes spki)
{
    const uint8_t *at = data, *key_at = spki.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)size);

    if (certificate != NULL && at == data + size) {
        X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &key_at, (long)spki.size);
        int their_size, our_size;
        uint8_t *theirs = rewritten(X509_get_X509_PUBKEY(certificate), &their_size);
        uint8_t *ours = rewritten(key, &our_size);

        REQUIRE(theirs != NULL && ours != NULL);
        REQUIRE(their_size == our_size && memcmp(theirs, ours, (size_t)our_size) == 0);
        OPENSSL_free(theirs);
        OPENSSL_free(ours);
        X509_PUBKEY_free(key);
    }
    X509_free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_bytes spki = {NULL, 0};

    if (pti_der_certificate_spki((struct pintle_bytes){data, size}, &spki)) {
        REQUIRE(spki.size >= 2 && spki.data > data && spki.data[0] == 0x30);
        REQUIRE(spki.size < size && (size_t)(spki.data - data) <= size - spki.size);
        same_as_openssl(data, size, spki);
    }
    return 0;
}
