/* SPDX-License-Identifier: Apache-2.0 */
/* One signature verified by each crypto provider, taken turn about: what a refresh is mostly made of. */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "bench.h"

enum { ROUNDS = 30, CALLS = 5 };

static const struct pintle_bytes message = {(const uint8_t *)"message", 7};

struct bench {
    struct pintle_crypto *providers[2]; /* OpenSSL, mbedTLS */
    void *keys[2];
    struct pintle_bytes signature;
};

static void require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "%s\n", what);
        exit(EXIT_FAILURE);
    }
}

static void verify(struct bench *bench, size_t provider)
{
    struct pintle_crypto *crypto = bench->providers[provider];

    require(crypto->ops->verify(crypto, bench->keys[provider], message, bench->signature) == PINTLE_OK, "not verified");
}

static void by_openssl(void *ctx)
{
    verify(ctx, 0);
}

static void by_mbedtls(void *ctx)
{
    verify(ctx, 1);
}

static void measure(struct bench *bench, enum pti_key_kind kind, EVP_PKEY *key, const char *name)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings;
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t bytes[512], identity[PINTLE_SHA256_SIZE];
    size_t size = sizeof bytes;
    struct bench_pair best;
    char *pem;
    long pem_size;

    require(EVP_DigestSignInit(ctx, &settings, EVP_sha256(), NULL, key) == 1 &&
                (kind != PTI_KEY_RSA_PSS || EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1) &&
                EVP_DigestSign(ctx, bytes, &size, message.data, message.size) == 1 &&
                PEM_write_bio_PUBKEY(bio, key) == 1,
            "OpenSSL cannot sign");
    bench->signature = (struct pintle_bytes){bytes, size};
    pem_size = BIO_get_mem_data(bio, &pem);
    for (size_t i = 0; i < 2; i++) {
        const struct pintle_bytes text = {(const uint8_t *)pem, (size_t)pem_size};

        require(bench->providers[i]->ops->key_new(bench->providers[i], kind, text, &bench->keys[i], identity, NULL) ==
                    PINTLE_OK,
                "no key");
    }
    best = bench_pair(by_mbedtls, by_openssl, bench, ROUNDS, CALLS);
    (void)printf("verify one signature, %s, mbedTLS / OpenSSL\t%.1f\t%.0f us / %.0f us\n", name, best.a_ns / best.b_ns,
                 best.a_ns / 1000, best.b_ns / 1000);
    for (size_t i = 0; i < 2; i++)
        bench->providers[i]->ops->key_free(bench->providers[i], bench->keys[i]);
    BIO_free(bio);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

int main(void)
{
    struct bench bench = {{NULL, NULL}, {NULL, NULL}, {NULL, 0}};

    require(pintle_crypto_openssl_new(&bench.providers[0]) == PINTLE_OK &&
                pintle_crypto_mbedtls_new(&bench.providers[1]) == PINTLE_OK,
            "no crypto");
    measure(&bench, PTI_KEY_ECDSA_P256, EVP_EC_gen("P-256"), "ECDSA P-256");
    measure(&bench, PTI_KEY_RSA_PSS, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), "RSA-PSS 2048");
    pintle_crypto_free(bench.providers[0]);
    pintle_crypto_free(bench.providers[1]);
    return EXIT_SUCCESS;
}
