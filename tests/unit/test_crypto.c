/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "providers.h"

/* OpenSSL's allocations (or BoringSSL's: tests/boringssl) are counted, and can be made to fail. */
enum shortage {
    ONCE,    /* the one with this number */
    ON,      /* and all later ones */
    AT_MOST, /* each that would make more than this number of blocks at a time */
};
static _Atomic long allocations;
static _Atomic long blocks;
static _Atomic long fail_at = -1;
static enum shortage shortage;

static atomic_bool denied;

static bool may_allocate(void)
{
    long number = atomic_fetch_add(&allocations, 1);
    bool may = true;

    if (fail_at < 0)
        return true;
    switch (shortage) {
    case ONCE:
        may = number != fail_at;
        break;
    case ON:
        may = number < fail_at;
        break;
    case AT_MOST:
        may = blocks < fail_at;
        break;
    }
    denied = denied || !may;
    return may;
}

#ifdef OPENSSL_IS_BORINGSSL

/* BoringSSL takes its memory from these if the program has them; it wants to know the size of what it gives back. */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *memory);
size_t OPENSSL_memory_get_size(void *memory);

union block {
    size_t size;
    max_align_t aligned;
};

void *OPENSSL_memory_alloc(size_t size)
{
    union block *block = may_allocate() ? malloc(sizeof *block + size) : NULL;

    if (block == NULL)
        return NULL;
    atomic_fetch_add(&blocks, 1);
    block->size = size;
    return block + 1;
}

void OPENSSL_memory_free(void *memory)
{
    if (memory == NULL)
        return;
    atomic_fetch_sub(&blocks, 1);
    free((union block *)memory - 1);
}

size_t OPENSSL_memory_get_size(void *memory)
{
    return memory != NULL ? ((union block *)memory - 1)->size : 0;
}

static bool count_allocations(void)
{
    return true;
}

#define ERR_raise(library, reason) ERR_put_error(library, 0, reason, __FILE__, __LINE__)
#define FEWEST_ALLOCATIONS 0 /* of a key or a verification; Ed25519 needs none at all */

#else

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!may_allocate())
        return NULL;
    atomic_fetch_add(&blocks, 1);
    return malloc(size);
}

static void *counted_realloc(void *block, size_t size, const char *file, int line)
{
    if (block == NULL)
        return counted_malloc(size, file, line);
    return may_allocate() ? realloc(block, size) : NULL;
}

static void counted_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    if (block != NULL)
        atomic_fetch_sub(&blocks, 1);
    free(block);
}

static bool count_allocations(void)
{
    return CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;
}

#define FEWEST_ALLOCATIONS 3

#endif

static void allocate_normally(void)
{
    fail_at = -1;
}

static struct pintle_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    return provider_new(&crypto) == PINTLE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pintle_crypto_free(crypto);
    return 0;
}

/* An entry of somebody else's, which every call must leave where it is and alone. */
static void put_foreign_error(void)
{
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 77);
}

static void assert_foreign_error_alone(void)
{
#ifdef OPENSSL_IS_BORINGSSL /* which forgets all errors when it reads a compressed point */
    if (ERR_peek_error() == 0)
        return;
#endif
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
    assert_int_equal(ERR_get_error(), 0);
}

static struct pintle_bytes from_hex(const char *hex, uint8_t *out, size_t max)
{
    size_t size = 0;
    assert_true(pti_hex_decode(pti_bytes_text(hex), out, max, &size));
    return (struct pintle_bytes){out, size};
}

/* RFC 6979, A.2.5: one key, its point uncompressed and compressed. */
#define P256_UNCOMPRESSED                                                                                              \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"                                               \
    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"                                                   \
    "-----END PUBLIC KEY-----\n"
#define P256_COMPRESSED                                                                                                \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0xjVtaMBJuJI7\n"                                               \
    "Yfps5mliLmDyn7Y=\n"                                                                                               \
    "-----END PUBLIC KEY-----\n"
#define ED25519_1 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

struct signature_case {
    const char *name;
    const char *key; /* PEM, or hex for Ed25519 */
    const char *message;
    const char *signature; /* hex */
    enum pintle_status want;
};

static const struct signature_case p256_cases[] = {
    {"RFC 6979 A.2.5, sample", P256_UNCOMPRESSED, "sample",
     "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     PINTLE_OK},
    {"RFC 6979 A.2.5, sample, compressed key", P256_COMPRESSED, "sample",
     "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     PINTLE_OK},
    {"RFC 6979 A.2.5, test", P256_UNCOMPRESSED, "test",
     "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_OK},
    {"another message", P256_UNCOMPRESSED, "tesu",
     "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"no message", P256_UNCOMPRESSED, "",
     "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"one bit of s", P256_UNCOMPRESSED, "test",
     "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0082",
     PINTLE_ERR_TRUST},
    {"empty", P256_UNCOMPRESSED, "test", "", PINTLE_ERR_TRUST},
    {"one byte", P256_UNCOMPRESSED, "test", "30", PINTLE_ERR_TRUST},
    {"empty sequence", P256_UNCOMPRESSED, "test", "3000", PINTLE_ERR_TRUST},
    {"zero and zero", P256_UNCOMPRESSED, "test", "3006020100020100", PINTLE_ERR_TRUST},
    {"one and one", P256_UNCOMPRESSED, "test", "3006020101020101", PINTLE_ERR_TRUST},
    {"r is the order", P256_UNCOMPRESSED, "test",
     "3045022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"256 bits of ones", P256_UNCOMPRESSED, "test",
     "3046022100ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "022100ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     PINTLE_ERR_TRUST},
    {"r negative", P256_UNCOMPRESSED, "test",
     "30440220f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"s padded with a zero", P256_UNCOMPRESSED, "test",
     "3046022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "022100019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"257 bits", P256_UNCOMPRESSED, "test",
     "304602210101abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367ff"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"byte after", P256_UNCOMPRESSED, "test",
     "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f008300",
     PINTLE_ERR_TRUST},
    {"byte after, inside", P256_UNCOMPRESSED, "test",
     "3046022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f008300",
     PINTLE_ERR_TRUST},
    {"cut short", P256_UNCOMPRESSED, "test",
     "3044022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f00",
     PINTLE_ERR_TRUST},
    {"length in two bytes", P256_UNCOMPRESSED, "test",
     "308145022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
    {"r and s raw", P256_UNCOMPRESSED, "test",
     "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
     "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
     PINTLE_ERR_TRUST},
};

/* RFC 8032, section 7.1. */
static const struct signature_case ed25519_cases[] = {
    {"TEST 1", ED25519_1, "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
     PINTLE_OK},
    {"TEST 2", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
     PINTLE_OK},
    {"TEST 3", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "\xaf\x82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
     PINTLE_OK},
    {"another message", ED25519_1, "x",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
     PINTLE_ERR_TRUST},
    {"one bit of R", ED25519_1, "",
     "e4564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
     PINTLE_ERR_TRUST},
    {"S not reduced", ED25519_1, "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b",
     PINTLE_ERR_TRUST},
    {"key that is no point", "0200000000000000000000000000000000000000000000000000000000000000", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
     PINTLE_ERR_TRUST},
    {"63 bytes", ED25519_1, "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a10",
     PINTLE_ERR_TRUST},
    {"65 bytes", ED25519_1, "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b00",
     PINTLE_ERR_TRUST},
    {"empty", ED25519_1, "", "", PINTLE_ERR_TRUST},
};

static void *new_key(enum pti_key_kind kind, const char *text, uint8_t identity[PINTLE_SHA256_SIZE])
{
    uint8_t raw[32];
    struct pintle_bytes public_key = kind == PTI_KEY_ED25519 ? from_hex(text, raw, sizeof raw) : pti_bytes_text(text);
    void *key = NULL;
    struct pti_error error;
    enum pintle_status want = provider_takes(kind) ? PINTLE_OK : PINTLE_ERR_UNSUPPORTED;
    if (crypto->ops->key_new(crypto, kind, public_key, &key, identity, &error) != want) {
        fail_msg("%s: %s", text, error.detail);
    }
    assert_true((key != NULL) == (want == PINTLE_OK));
    return key;
}

static void verify_cases(enum pti_key_kind kind, const struct signature_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t identity[PINTLE_SHA256_SIZE];
        uint8_t signature[128];
        put_foreign_error();
        void *key = new_key(kind, cases[i].key, identity);
        for (int again = 0; again < 2; again++) { /* a refusal leaves nothing behind in the key */
            enum pintle_status status = crypto->ops->verify(crypto, key, pti_bytes_text(cases[i].message),
                                                            from_hex(cases[i].signature, signature, sizeof signature));
            if (status != cases[i].want) {
                fail_msg("%s: %s", cases[i].name, pintle_status_name(status));
            }
        }
        crypto->ops->key_free(crypto, key);
        assert_foreign_error_alone();
    }
}

static void p256_signatures(void **state)
{
    (void)state;
    verify_cases(PTI_KEY_ECDSA_P256, p256_cases, sizeof p256_cases / sizeof p256_cases[0]);
}

/* A provider that cannot verify them says so, and what to do. */
static void ed25519_is_unusable(void)
{
    struct pti_error error;
    uint8_t raw[32], identity[PINTLE_SHA256_SIZE];
    void *key;
    assert_int_equal(
        crypto->ops->key_new(crypto, PTI_KEY_ED25519, from_hex(ED25519_1, raw, sizeof raw), &key, identity, &error),
        PINTLE_ERR_UNSUPPORTED);
    assert_null(key);
    assert_string_equal(error.detail, "mbedTLS cannot verify Ed25519, so that such keys are unusable here; use ECDSA "
                                      "P-256 keys");
    provider_leaves_out("signatures of Ed25519", "it has no Ed25519");
}

static void ed25519_signatures(void **state)
{
    (void)state;
    if (!provider_takes(PTI_KEY_ED25519)) {
        ed25519_is_unusable();
        return;
    }
    verify_cases(PTI_KEY_ED25519, ed25519_cases, sizeof ed25519_cases / sizeof ed25519_cases[0]);
}

/* FIPS 180-4, examples. */
static void sha256_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
         "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    struct pintle_bytes parts[COUNT];
    uint8_t digests[COUNT][PINTLE_SHA256_SIZE];
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    for (size_t i = 0; i < COUNT; i++) {
        parts[i] = pti_bytes_text(cases[i].text);
        assert_int_equal(pti_sha256(crypto, parts[i], digests[0]), PINTLE_OK);
        pti_hex_encode(digests[0], PINTLE_SHA256_SIZE, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    parts[0] = (struct pintle_bytes){NULL, 0};
    assert_int_equal(crypto->ops->sha256(crypto, parts, COUNT, digests), PINTLE_OK);
    for (size_t i = 0; i < COUNT; i++) {
        pti_hex_encode(digests[i], PINTLE_SHA256_SIZE, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    assert_int_equal(pti_sha256(crypto, (struct pintle_bytes){(uint8_t *)million, 1000000}, digests[0]), PINTLE_OK);
    free(million);
    pti_hex_encode(digests[0], PINTLE_SHA256_SIZE, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void *hash_in_thread(void *result)
{
    uint8_t data[300];
    memset(data, 0x5a, sizeof data);
    struct pintle_bytes parts[] = {{data, 300}, {data, 91}, {data, 0}};
    uint8_t first[3][PINTLE_SHA256_SIZE];
    uint8_t digests[3][PINTLE_SHA256_SIZE];
    bool *same = result;
    *same = crypto->ops->sha256(crypto, parts, 3, first) == PINTLE_OK;
    for (int i = 0; i < 2000 && *same; i++) {
        *same = crypto->ops->sha256(crypto, parts, 3, digests) == PINTLE_OK &&
                memcmp(first, digests, sizeof first) == 0;
    }
    return NULL;
}

static void hashing_allocates_nothing(void **state)
{
    (void)state;
    enum { THREADS = 16 };
    pthread_t threads[THREADS];
    bool same[THREADS];
    long before = allocations;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, &same[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(same[i]);
    }
    assert_int_equal(allocations - before, 0);
}

struct shared_key {
    void *key;
    const struct signature_case *right;
    bool good;
};

static void *verify_in_thread(void *argument)
{
    struct shared_key *shared = argument;
    uint8_t bytes[128];
    struct pintle_bytes signature = from_hex(shared->right->signature, bytes, sizeof bytes);
    struct pintle_bytes message = pti_bytes_text(shared->right->message);
    shared->good = true;
    for (int i = 0; i < 50 && shared->good; i++) {
        shared->good = crypto->ops->verify(crypto, shared->key, message, signature) == PINTLE_OK &&
                       crypto->ops->verify(crypto, shared->key, pti_bytes_text("no"), signature) == PINTLE_ERR_TRUST;
    }
    return NULL;
}

static void threads_share_a_key(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    uint8_t identity[PINTLE_SHA256_SIZE];
    void *keys[] = {new_key(PTI_KEY_ED25519, ed25519_cases[1].key, identity),
                    new_key(PTI_KEY_ECDSA_P256, p256_cases[0].key, identity)};
    for (int kind = 0; kind < 2; kind++) {
        if (keys[kind] == NULL) {
            provider_leaves_out("threads that share an Ed25519 key", "it has no Ed25519");
            continue;
        }
        pthread_t threads[THREADS];
        struct shared_key shared[THREADS];
        for (int i = 0; i < THREADS; i++) {
            shared[i] = (struct shared_key){keys[kind], kind == 0 ? &ed25519_cases[1] : &p256_cases[0], false};
            assert_int_equal(pthread_create(&threads[i], NULL, verify_in_thread, &shared[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_true(shared[i].good);
        }
        crypto->ops->key_free(crypto, keys[kind]);
    }
}

/* One key has one identity, however it is spelled, and whether it can be used or not; kinds and keys differ. */
static void identities(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum pti_key_kind kind;
        int same_as;
    } cases[] = {
        {P256_UNCOMPRESSED, PTI_KEY_ECDSA_P256, 0},
        {P256_COMPRESSED, PTI_KEY_ECDSA_P256, 0},
        {"-----BEGIN PUBLIC KEY-----\r\n"
         "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\r\n"
         "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\r\n"
         "-----END PUBLIC KEY-----\r\n",
         PTI_KEY_ECDSA_P256, 0},
        {"-----BEGIN PUBLIC KEY-----\n"
         "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y=\n"
         "-----END PUBLIC KEY-----",
         PTI_KEY_ECDSA_P256, 0},
        /* The other point with this x is another key. */
        {"-----BEGIN PUBLIC KEY-----\n"
         "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
         "Yfps5mliLmDyn7Y=\n"
         "-----END PUBLIC KEY-----\n",
         PTI_KEY_ECDSA_P256, 4},
        {ED25519_1, PTI_KEY_ED25519, 5},
        {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", PTI_KEY_ED25519, 6},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    uint8_t identity[COUNT][PINTLE_SHA256_SIZE];
    for (int i = 0; i < COUNT; i++) {
        crypto->ops->key_free(crypto, new_key(cases[i].kind, cases[i].text, identity[i]));
        for (int j = 0; j <= i; j++) {
            bool same = memcmp(identity[i], identity[j], PINTLE_SHA256_SIZE) == 0;
            assert_int_equal(same, cases[i].same_as == cases[j].same_as);
        }
    }
    /* Stored and compared across versions: SHA-256 of 00 and the raw key. */
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t raw[33] = {0};
    uint8_t want[PINTLE_SHA256_SIZE];
    from_hex(ED25519_1, raw + 1, 32);
    assert_int_equal(pti_sha256(crypto, (struct pintle_bytes){raw, sizeof raw}, want), PINTLE_OK);
    assert_memory_equal(identity[5], want, sizeof want);
    pti_hex_encode(identity[0], PINTLE_SHA256_SIZE, hex);
    assert_string_equal(hex, "3ba421cf2d1a2117dcb912a43d5f9852023f6f2225e4379a16c65ce387129af2");
}

static void refused_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *pem; /* or, without a dash in front, hex of an Ed25519 key */
    } cases[] = {
        {"empty", ""},
        {"not PEM", "-x"},
        {"private", "-----BEGIN PRIVATE KEY-----\n"
                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                    "-----END PRIVATE KEY-----\n"},
        {"two blocks", P256_UNCOMPRESSED P256_UNCOMPRESSED},
        {"text after", P256_UNCOMPRESSED "x"},
        {"empty line after", P256_UNCOMPRESSED "\n"},
        {"header fields", "-----BEGIN PUBLIC KEY-----\n"
                          "Comment: mine\n\n"
                          "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                          "Yfps5mliLmDyn7Y=\n"
                          "-----END PUBLIC KEY-----\n"},
        {"bad base64", "-----BEGIN PUBLIC KEY-----\n"
                       "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                       "Yfps5mliLmDyn7Z=\n"
                       "-----END PUBLIC KEY-----\n"},
        {"no body", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"},
        {"no end", "-----BEGIN PUBLIC KEY-----\n"
                   "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                   "Yfps5mliLmDyn7Y=\n"},
        {"P-384", "-----BEGIN PUBLIC KEY-----\n"
                  "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEV5mK5XV/DayG+Bd+zAdojxay7dWr9ORd\n"
                  "2Ju3pJFHpa8710RF8qXfy8OEoK8z6lJbwKqiLWJ2x36bKVxzSTts0qE4w9BnDJAh\n"
                  "Z3WAsc6CkG6cu+5LONVgb8roVjwSdvC5\n"
                  "-----END PUBLIC KEY-----\n"},
        {"Ed25519 as PEM", "-----BEGIN PUBLIC KEY-----\n"
                           "MCowBQYDK2VwAyEAfee7zSEK4dcg1F1rqjqIieIz/kEkUREXIg9eMDGbMEQ=\n"
                           "-----END PUBLIC KEY-----\n"},
        {"not on the curve", "-----BEGIN PUBLIC KEY-----\n"
                             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                             "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimA==\n"
                             "-----END PUBLIC KEY-----\n"},
        {"hybrid point", "-----BEGIN PUBLIC KEY-----\n"
                         "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAHYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                         "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                         "-----END PUBLIC KEY-----\n"},
        {"compressed, no such point", "-----BEGIN PUBLIC KEY-----\n"
                                      "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                                      "Yfps5mliLmDyn7c=\n"
                                      "-----END PUBLIC KEY-----\n"},
        {"compressed, x past the field", "-----BEGIN PUBLIC KEY-----\n"
                                         "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC/////wAAAAEAAAAAAAAAAAAAAAEA\n"
                                         "AAAAAAAAAAAAAAQ=\n"
                                         "-----END PUBLIC KEY-----\n"},
        {"31 bytes", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751"},
        {"33 bytes", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00"},
        {"order 1", "0100000000000000000000000000000000000000000000000000000000000000"},
        {"order 1, other sign", "0100000000000000000000000000000000000000000000000000000000000080"},
        {"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
        {"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
        {"order 8, other sign", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
        {"order 8, the other", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
        {"0 not reduced", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"3 not reduced", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t raw[64];
        uint8_t identity[PINTLE_SHA256_SIZE];
        bool ed25519 = cases[i].pem[0] != '-' && cases[i].pem[0] != '\0';
        struct pintle_bytes text = ed25519 ? from_hex(cases[i].pem, raw, sizeof raw) : pti_bytes_text(cases[i].pem);
        void *key = &crypto;
        struct pti_error error;
        pti_error_clear(&error);
        put_foreign_error();
        enum pintle_status status = crypto->ops->key_new(crypto, ed25519 ? PTI_KEY_ED25519 : PTI_KEY_ECDSA_P256, text,
                                                         &key, identity, &error);
        if (status != PINTLE_ERR_INPUT || key != NULL || error.status != status || error.detail[0] == '\0') {
            fail_msg("%s: %s, \"%s\"", cases[i].name, pintle_status_name(status), error.detail);
        }
        assert_foreign_error_alone();
    }
    /* Nobody need listen. */
    void *key = NULL;
    uint8_t identity[PINTLE_SHA256_SIZE];
    assert_int_equal(crypto->ops->key_new(crypto, PTI_KEY_ED25519, pti_bytes_text("x"), &key, identity, NULL),
                     PINTLE_ERR_INPUT);
    crypto->ops->key_free(crypto, NULL);
}

enum step { KEY_NEW, RIGHT_SIGNATURE, WRONG_SIGNATURE };

struct shortage_case {
    enum pti_key_kind kind;
    const struct signature_case *right;
    struct pintle_bytes text, signature;
    void *key;
};

/* One step with the n-th allocation failing; true while there was something to fail. */
static bool step_fails(const struct shortage_case *row, enum step step, long n)
{
    const enum pintle_status want = step == WRONG_SIGNATURE ? PINTLE_ERR_TRUST : PINTLE_OK;
    enum pintle_status status = PINTLE_ERR_MISUSE;
    uint8_t identity[PINTLE_SHA256_SIZE];
    struct pti_error error;
    void *other = NULL;

    put_foreign_error();
    allocations = 0;
    denied = false;
    fail_at = shortage == AT_MOST ? blocks + n : n;
    switch (step) {
    case KEY_NEW:
        status = crypto->ops->key_new(crypto, row->kind, row->text, &other, identity, &error);
        break;
    case RIGHT_SIGNATURE:
        status = crypto->ops->verify(crypto, row->key, pti_bytes_text(row->right->message), row->signature);
        break;
    case WRONG_SIGNATURE:
        status = crypto->ops->verify(crypto, row->key, pti_bytes_text("no"), row->signature);
        break;
    }
    allocate_normally();
    crypto->ops->key_free(crypto, other);
    if (status != want && (status != PINTLE_ERR_MEMORY || !denied))
        fail_msg("kind %d, step %d, shortage %d, allocation %ld: %s", (int)row->kind, (int)step, (int)shortage, n,
                 pintle_status_name(status));
    assert_foreign_error_alone();
    return denied;
}

/*
 * Whatever allocation of OpenSSL's fails: PINTLE_ERR_MEMORY, or done without it.  A lack of memory never makes a right
 * signature or key look wrong, nor a wrong one right.
 */
static void allocation_failures(void **state)
{
    struct shortage_case cases[] = {{.kind = PTI_KEY_ED25519, .right = &ed25519_cases[1]},
                                    {.kind = PTI_KEY_ECDSA_P256, .right = &p256_cases[0]},
                                    {.kind = PTI_KEY_ECDSA_P256, .right = &p256_cases[1]}};

    (void)state;
    if (!provider_takes(PTI_KEY_ED25519)) {
        provider_leaves_out("lack of memory", "test_crypto_mbedtls_memory does that");
        return;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct shortage_case *row = &cases[i];
        uint8_t raw[32], bytes[128], identity[PINTLE_SHA256_SIZE];

        row->text = row->kind == PTI_KEY_ED25519 ? from_hex(row->right->key, raw, sizeof raw)
                                                 : pti_bytes_text(row->right->key);
        row->signature = from_hex(row->right->signature, bytes, sizeof bytes);
        row->key = new_key(row->kind, row->right->key, identity); /* what OpenSSL caches is cached now */
        for (shortage = ONCE; shortage <= AT_MOST; shortage++)
            for (enum step step = KEY_NEW; step <= WRONG_SIGNATURE; step++) {
                long n = 0;

                while (step_fails(row, step, n))
                    n++;
                assert_true(n >= FEWEST_ALLOCATIONS);
            }
        crypto->ops->key_free(crypto, row->key);
    }
}

static void references_keep_it_alive(void **state)
{
    (void)state;
    struct pintle_crypto *other = NULL;
    uint8_t digest[PINTLE_SHA256_SIZE];
    assert_int_equal(provider_new(&other), PINTLE_OK);
    assert_ptr_equal(pti_crypto_ref(other), other);
    pintle_crypto_free(other);
    assert_int_equal(pti_sha256(other, pti_bytes_text("x"), digest), PINTLE_OK);
    pintle_crypto_free(other);
    assert_int_equal(provider_new(NULL), PINTLE_ERR_MISUSE);
    pintle_crypto_free(NULL);
}

int main(void)
{
    if (!count_allocations())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(hashing_allocates_nothing),
        cmocka_unit_test(p256_signatures),
        cmocka_unit_test(ed25519_signatures),
        cmocka_unit_test(threads_share_a_key),
        cmocka_unit_test(identities),
        cmocka_unit_test(refused_keys),
        cmocka_unit_test(allocation_failures),
        cmocka_unit_test(references_keep_it_alive),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
