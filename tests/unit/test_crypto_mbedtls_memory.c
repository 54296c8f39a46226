/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider over mbedTLS while memory is short, and what it allocates.  This program is linked with mbedTLS's static
 * library, so that the injector reaches its allocations as well as ours.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "faults.h"

static const struct pintle_bytes message = {(const uint8_t *)"message", 7}, other_message = {(const uint8_t *)"no", 2};

/* A key as text, and a signature of message under it. */
struct scene {
    enum pti_key_kind kind;
    char pem[1024];
    uint8_t bytes[512];
    struct pintle_bytes signature;
};

static void write_pem(EVP_PKEY *key, point_conversion_form_t form, char *text, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int count;

    if (form == POINT_CONVERSION_COMPRESSED)
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    count = BIO_read(bio, text, (int)size - 1);
    assert_true(count > 0);
    text[count] = '\0';
    BIO_free(bio);
}

static void scene_init(struct scene *scene, enum pti_key_kind kind, point_conversion_form_t form)
{
    EVP_PKEY *key = kind == PTI_KEY_RSA_PSS ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) : EVP_EC_gen("P-256");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings;
    size_t size = sizeof scene->bytes;

    scene->kind = kind;
    assert_int_equal(EVP_DigestSignInit(ctx, &settings, EVP_sha256(), NULL, key), 1);
    if (kind == PTI_KEY_RSA_PSS)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_DigestSign(ctx, scene->bytes, &size, message.data, message.size), 1);
    scene->signature = (struct pintle_bytes){scene->bytes, size};
    write_pem(key, form, scene->pem, sizeof scene->pem);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static struct pintle_crypto *new_provider(void)
{
    struct pintle_crypto *crypto;

    assert_int_equal(pintle_crypto_mbedtls_new(&crypto), PINTLE_OK);
    return crypto;
}

static void *new_key(struct pintle_crypto *crypto, const struct scene *scene, uint8_t identity[PINTLE_SHA256_SIZE])
{
    void *key;

    assert_int_equal(crypto->ops->key_new(crypto, scene->kind, pti_bytes_text(scene->pem), &key, identity, NULL),
                     PINTLE_OK);
    return key;
}

enum step { PROVIDER_NEW, KEY_NEW, RIGHT_SIGNATURE, WRONG_SIGNATURE, STEPS };

/* With a provider that has no spare group yet, one step while the n-th allocation fails. */
static enum pintle_status take_step(const struct scene *scene, enum step step, long n, enum faults_how how, bool *met)
{
    enum pintle_status status = PINTLE_ERR_MISUSE;
    struct pintle_crypto *crypto = new_provider(), *keys = new_provider(), *other = NULL;
    uint8_t identity[PINTLE_SHA256_SIZE], other_identity[PINTLE_SHA256_SIZE];
    void *key = new_key(keys, scene, identity), *made = NULL;

    faults_arm(FAULTS_MEMORY, n, how, ENOMEM);
    switch (step) {
    case PROVIDER_NEW:
        status = pintle_crypto_mbedtls_new(&other);
        break;
    case KEY_NEW:
        status = crypto->ops->key_new(crypto, scene->kind, pti_bytes_text(scene->pem), &made, other_identity, NULL);
        if (status == PINTLE_OK)
            assert_memory_equal(identity, other_identity, sizeof identity);
        break;
    case RIGHT_SIGNATURE:
        status = crypto->ops->verify(crypto, key, message, scene->signature);
        break;
    case WRONG_SIGNATURE:
        status = crypto->ops->verify(crypto, key, other_message, scene->signature);
        break;
    case STEPS:
        break;
    }
    *met = faults_disarm();
    if (*met) /* what failed half-way does no harm to what comes next */
        assert_int_equal(crypto->ops->verify(crypto, key, message, scene->signature), PINTLE_OK);
    crypto->ops->key_free(crypto, made);
    keys->ops->key_free(keys, key);
    pintle_crypto_free(other);
    pintle_crypto_free(keys);
    pintle_crypto_free(crypto);
    return status;
}

/*
 * Whatever allocation fails: PINTLE_ERR_MEMORY, or done without it.  A lack of memory never makes a right signature or key
 * look wrong, nor a wrong signature right, nor a key another.
 */
static void test_short_of_memory(void **state)
{
    static const struct {
        enum pti_key_kind kind;
        point_conversion_form_t form;
    } kinds[] = {{PTI_KEY_ECDSA_P256, POINT_CONVERSION_UNCOMPRESSED},
                 {PTI_KEY_ECDSA_P256, POINT_CONVERSION_COMPRESSED},
                 {PTI_KEY_RSA_PSS, POINT_CONVERSION_UNCOMPRESSED}};
    long first = getenv("PINTLE_LONG") != NULL ? LONG_MAX
                                               : 40; /* then in strides: a verification allocates thousands of times */

    (void)state;
    if (!faults_available())
        skip();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct scene scene;

        scene_init(&scene, kinds[i].kind, kinds[i].form);
        for (enum step step = PROVIDER_NEW; step < STEPS; step++)
            for (enum faults_how how = FAULTS_FAIL; how <= FAULTS_FAIL_ON; how++) {
                enum pintle_status without = step == WRONG_SIGNATURE ? PINTLE_ERR_TRUST : PINTLE_OK;
                bool met = true;

                for (long n = 0; met; n += n < first ? 1 : 1 + n / 3) {
                    enum pintle_status status = take_step(&scene, step, n, how, &met);

                    if (status != without && (!met || status != PINTLE_ERR_MEMORY))
                        fail_msg("kind %zu, step %d, allocation %ld: %s", i, (int)step, n, pintle_status_name(status));
                }
            }
    }
}

static void test_hashing_allocates_nothing(void **state)
{
    struct pintle_crypto *crypto = new_provider();
    uint8_t data[300] = {0x5a}, digests[3][PINTLE_SHA256_SIZE];
    const struct pintle_bytes parts[] = {{data, 300}, {data, 91}, {NULL, 0}};

    (void)state;
    if (!faults_available())
        skip();
    faults_arm(FAULTS_MEMORY, 0, FAULTS_FAIL, ENOMEM);
    assert_int_equal(crypto->ops->sha256(crypto, parts, 3, digests), PINTLE_OK);
    assert_string_equal(faults_trace(), "");
    assert_false(faults_disarm());
    pintle_crypto_free(crypto);
}

struct sharer {
    struct pintle_crypto *crypto;
    void *key;
    const struct scene *scene;
    bool good;
};

static void *share(void *argument)
{
    struct sharer *sharer = argument;
    struct pintle_crypto *crypto = sharer->crypto;

    sharer->good = true;
    for (int i = 0; i < 8 && sharer->good; i++)
        sharer->good = crypto->ops->verify(crypto, sharer->key, message, sharer->scene->signature) == PINTLE_OK &&
                       crypto->ops->verify(crypto, sharer->key, other_message, sharer->scene->signature) ==
                           PINTLE_ERR_TRUST;
    return NULL;
}

/* A key of each kind, used by four threads from its first moment on, when nothing about it has been computed yet. */
static void test_threads_share_a_key(void **state)
{
    static const enum pti_key_kind kinds[] = {PTI_KEY_ECDSA_P256, PTI_KEY_RSA_PSS};
    enum { THREADS = 4 };

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct pintle_crypto *crypto = new_provider();
        struct sharer sharers[THREADS];
        pthread_t threads[THREADS];
        uint8_t identity[PINTLE_SHA256_SIZE];
        struct scene scene;
        void *key;

        scene_init(&scene, kinds[k], POINT_CONVERSION_UNCOMPRESSED);
        key = new_key(crypto, &scene, identity);
        for (size_t i = 0; i < THREADS; i++) {
            sharers[i] = (struct sharer){crypto, key, &scene, false};
            assert_int_equal(pthread_create(&threads[i], NULL, share, &sharers[i]), 0);
        }
        for (size_t i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_true(sharers[i].good);
        }
        crypto->ops->key_free(crypto, key);
        pintle_crypto_free(crypto);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_of_memory),
        cmocka_unit_test(test_hashing_allocates_nothing),
        cmocka_unit_test(test_threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
