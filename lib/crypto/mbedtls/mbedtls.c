/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider over mbedTLS 2.28 and 3: P-256 and RSA.  mbedTLS knows no Ed25519.
 *
 * mbedTLS's contexts are written to even while they verify: a group keeps the multiples of its generator that it has
 * computed, an RSA context what it needs to reduce by its modulus.  Whether that is safe in threads depends on how mbedTLS was
 * built.  So no context of a key is ever used itself: each verification copies what it needs.
 */
#include <stdlib.h>
#include <string.h>

#include <mbedtls/bignum.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "base/crypto.h"
#include "crypto/public_key.h"

struct provider {
    struct pintle_crypto base;
    const mbedtls_md_info_t *sha256;
    /*
     * A group that nobody uses just now, or NULL: it holds multiples of the generator, without which a verification takes
     * a third longer or more.  Whoever needs a group takes it away, and puts it back afterwards.
     */
    _Atomic(mbedtls_ecp_group *) spare;
};

struct key {
    enum pti_key_kind kind;
    mbedtls_ecp_point point; /* PTI_KEY_ECDSA_P256 */
    mbedtls_rsa_context rsa; /* PTI_KEY_RSA_PSS */
    size_t signature_size;   /* the same */
};

/* The bytes that identify a key: its kind, then its one encoding. */
struct identifying {
    uint8_t bytes[1 + PTI_RSA_SPKI_MAX];
    size_t size;
};

static struct provider *provider_of(struct pintle_crypto *crypto)
{
    return (struct provider *)crypto; /* base is the first member */
}

/* A high-level code may carry a low-level one in its last seven bits. */
static bool is_lack_of_memory(int code)
{
    int low = -(-code & 0x7f), high = -(-code & ~0x7f);

    return low == MBEDTLS_ERR_MPI_ALLOC_FAILED || high == MBEDTLS_ERR_ECP_ALLOC_FAILED ||
           high == MBEDTLS_ERR_MD_ALLOC_FAILED;
}

static enum pintle_status provider_sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                          uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    const struct provider *provider = provider_of(crypto);

    for (size_t i = 0; i < count; i++)
        if (mbedtls_md(provider->sha256, parts[i].data, parts[i].size, digests[i]) != 0)
            return PINTLE_ERR_UNSUPPORTED; /* only hardware fails */
    return PINTLE_OK;
}

/* ---- the curve ---- */

static void group_free(mbedtls_ecp_group *group)
{
    if (group != NULL)
        mbedtls_ecp_group_free(group);
    free(group);
}

/* Owned by the caller; NULL without memory. */
static mbedtls_ecp_group *group_take(struct provider *provider)
{
    mbedtls_ecp_group *group = atomic_exchange(&provider->spare, NULL);

    if (group != NULL || (group = malloc(sizeof *group)) == NULL)
        return group;
    mbedtls_ecp_group_init(group);
    if (mbedtls_ecp_group_load(group, MBEDTLS_ECP_DP_SECP256R1) != 0) {
        group_free(group);
        group = NULL;
    }
    return group;
}

/* After a lack of memory (code) it may be half made. */
static void group_give_back(struct provider *provider, mbedtls_ecp_group *group, int code)
{
    group_free(is_lack_of_memory(code) ? group : atomic_exchange(&provider->spare, group));
}

/* SEC 1, section 2.3.4: y is the even or odd root of x^3 - 3x + b.  If there is none, the point is on no curve. */
static int uncompress(const mbedtls_ecp_group *group, struct pti_p256_point *point)
{
    mbedtls_mpi x, y, power;
    int code;

    mbedtls_mpi_init(&x);
    mbedtls_mpi_init(&y);
    mbedtls_mpi_init(&power);
    code = mbedtls_mpi_read_binary(&x, point->bytes + 1, PTI_P256_NUMBER_SIZE);
    if (code == 0)
        code = mbedtls_mpi_mul_mpi(&y, &x, &x);
    if (code == 0)
        code = mbedtls_mpi_sub_int(&y, &y, 3);
    if (code == 0)
        code = mbedtls_mpi_mul_mpi(&y, &y, &x);
    if (code == 0)
        code = mbedtls_mpi_add_mpi(&y, &y, &group->B);
    if (code == 0)
        code = mbedtls_mpi_mod_mpi(&y, &y, &group->P);
    if (code == 0) /* the prime is 3 modulo 4 */
        code = mbedtls_mpi_add_int(&power, &group->P, 1);
    if (code == 0)
        code = mbedtls_mpi_shift_r(&power, 2);
    if (code == 0)
        code = mbedtls_mpi_exp_mod(&y, &y, &power, &group->P, NULL);
    if (code == 0 && mbedtls_mpi_get_bit(&y, 0) != (point->bytes[0] & 1))
        code = mbedtls_mpi_sub_mpi(&y, &group->P, &y);
    if (code == 0)
        code = mbedtls_mpi_write_binary(&y, point->bytes + 1 + PTI_P256_NUMBER_SIZE, PTI_P256_NUMBER_SIZE);
    point->bytes[0] = 4;
    point->size = PTI_P256_POINT_SIZE;
    mbedtls_mpi_free(&x);
    mbedtls_mpi_free(&y);
    mbedtls_mpi_free(&power);
    return code;
}

static enum pintle_status read_p256(struct provider *provider, struct pintle_bytes text, struct key *key,
                                    struct identifying *identifying, struct pti_error *error)
{
    struct pti_p256_point point;
    mbedtls_ecp_group *group;
    enum pintle_status status = pti_p256_read_pem(text, &point, error);
    int code = 0;

    if (status != PINTLE_OK)
        return status;
    group = group_take(provider);
    if (group == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
    if (point.size != PTI_P256_POINT_SIZE)
        code = uncompress(group, &point);
    if (code == 0)
        code = mbedtls_ecp_point_read_binary(group, &key->point, point.bytes, point.size);
    if (code == 0)
        code = mbedtls_ecp_check_pubkey(group, &key->point);
    group_give_back(provider, group, code);
    memcpy(identifying->bytes + 1, point.bytes, point.size);
    identifying->size = 1 + point.size;
    if (is_lack_of_memory(code))
        return pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
    if (code != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a P-256 key, found a point that is not on the curve");
    return PINTLE_OK;
}

static enum pintle_status verify_p256(struct provider *provider, const struct key *key,
                                      const uint8_t digest[PINTLE_SHA256_SIZE], struct pintle_bytes signature)
{
    struct pti_p256_signature parsed;
    mbedtls_ecp_group *group;
    mbedtls_mpi r, s;
    int code;

    if (!pti_p256_signature_read(signature, &parsed))
        return PINTLE_ERR_TRUST;
    group = group_take(provider);
    if (group == NULL)
        return PINTLE_ERR_MEMORY;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    code = mbedtls_mpi_read_binary(&r, parsed.r, sizeof parsed.r);
    if (code == 0)
        code = mbedtls_mpi_read_binary(&s, parsed.s, sizeof parsed.s);
    if (code == 0)
        code = mbedtls_ecdsa_verify(group, digest, PINTLE_SHA256_SIZE, &key->point, &r, &s);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    group_give_back(provider, group, code);
    return code == 0 ? PINTLE_OK : is_lack_of_memory(code) ? PINTLE_ERR_MEMORY : PINTLE_ERR_TRUST;
}

/* ---- RSA ---- */

static void rsa_init(mbedtls_rsa_context *rsa)
{
#if MBEDTLS_VERSION_MAJOR < 3
    mbedtls_rsa_init(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
#else
    mbedtls_rsa_init(rsa);
    (void)mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
#endif
}

static int verify_pss(mbedtls_rsa_context *rsa, const uint8_t digest[PINTLE_SHA256_SIZE], const uint8_t *signature)
{
#if MBEDTLS_VERSION_MAJOR < 3
    return mbedtls_rsa_rsassa_pss_verify_ext(rsa, NULL, NULL, MBEDTLS_RSA_PUBLIC, MBEDTLS_MD_SHA256, PINTLE_SHA256_SIZE,
                                             digest, MBEDTLS_MD_SHA256, MBEDTLS_RSA_SALT_LEN_ANY, signature);
#else
    return mbedtls_rsa_rsassa_pss_verify_ext(rsa, MBEDTLS_MD_SHA256, PINTLE_SHA256_SIZE, digest, MBEDTLS_MD_SHA256,
                                             MBEDTLS_RSA_SALT_LEN_ANY, signature);
#endif
}

static enum pintle_status read_rsa(struct pintle_bytes text, struct key *key, struct identifying *identifying,
                                   struct pti_error *error)
{
    struct pti_rsa_key rsa;
    enum pintle_status status = pti_rsa_read_pem(text, &rsa, error);
    int code;

    if (status != PINTLE_OK)
        return status;
    memcpy(identifying->bytes + 1, rsa.der, rsa.size);
    identifying->size = 1 + rsa.size;
    if (rsa.bits > MBEDTLS_MPI_MAX_BITS)
        return pti_fail(
            error, PINTLE_ERR_UNSUPPORTED,
            "expected an RSA key of at most %d bits, which is what this mbedTLS was built for, found one of "
            "%zu; use ECDSA P-256 keys",
            MBEDTLS_MPI_MAX_BITS, rsa.bits);
    code = mbedtls_rsa_import_raw(&key->rsa, rsa.modulus.data, rsa.modulus.size, NULL, 0, NULL, 0, NULL, 0,
                                  rsa.exponent.data, rsa.exponent.size);
    if (code == 0)
        code = mbedtls_rsa_complete(&key->rsa);
    if (is_lack_of_memory(code))
        return pti_fail(error, PINTLE_ERR_MEMORY, "RSA key: out of memory");
    if (code != 0)
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this mbedTLS takes no such RSA key (-0x%04x)", (unsigned)-code);
    key->signature_size = rsa.modulus.size;
    return PINTLE_OK;
}

static enum pintle_status verify_rsa(const struct key *key, const uint8_t digest[PINTLE_SHA256_SIZE],
                                     struct pintle_bytes signature)
{
    mbedtls_rsa_context rsa;
    int code;

    if (signature.size != key->signature_size)
        return PINTLE_ERR_TRUST;
    rsa_init(&rsa);
    code = mbedtls_rsa_copy(&rsa, &key->rsa);
    if (code == 0)
        code = verify_pss(&rsa, digest, signature.data);
    mbedtls_rsa_free(&rsa);
    return code == 0 ? PINTLE_OK : is_lack_of_memory(code) ? PINTLE_ERR_MEMORY : PINTLE_ERR_TRUST;
}

/* ---- keys ---- */

static void provider_key_free(struct pintle_crypto *crypto, void *opaque)
{
    struct key *key = opaque;

    (void)crypto;
    if (key != NULL) {
        mbedtls_ecp_point_free(&key->point);
        mbedtls_rsa_free(&key->rsa);
        free(key);
    }
}

static enum pintle_status read_key(struct provider *provider, enum pti_key_kind kind, struct pintle_bytes text,
                                   struct key *key, struct identifying *identifying, struct pti_error *error)
{
    enum pintle_status status;

    switch (kind) {
    case PTI_KEY_ED25519:
        status = pti_ed25519_check(text, error);
        if (status != PINTLE_OK)
            return status;
        memcpy(identifying->bytes + 1, text.data, text.size);
        identifying->size = 1 + text.size;
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED,
                        "mbedTLS cannot verify Ed25519, so that such keys are unusable here; use ECDSA P-256 keys");
    case PTI_KEY_ECDSA_P256:
        return read_p256(provider, text, key, identifying, error);
    case PTI_KEY_RSA_PSS:
        return read_rsa(text, key, identifying, error);
    }
    return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "expected an ECDSA P-256 or RSA key, found kind %d", (int)kind);
}

static enum pintle_status provider_key_new(struct pintle_crypto *crypto, enum pti_key_kind kind,
                                           struct pintle_bytes public_key, void **key,
                                           uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct identifying identifying;
    struct key *made = malloc(sizeof *made);
    enum pintle_status status;

    *key = NULL;
    memset(identity, 0, PINTLE_SHA256_SIZE);
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "public key: out of memory");
    made->kind = kind;
    mbedtls_ecp_point_init(&made->point);
    rsa_init(&made->rsa);
    identifying.bytes[0] = (uint8_t)kind;
    identifying.size = 0;
    status = read_key(provider_of(crypto), kind, public_key, made, &identifying, error);
    if ((status == PINTLE_OK || status == PINTLE_ERR_UNSUPPORTED) && identifying.size > 0)
        (void)pti_sha256(crypto, (struct pintle_bytes){identifying.bytes, identifying.size}, identity);
    if (status == PINTLE_OK)
        *key = made;
    else
        provider_key_free(crypto, made);
    return status;
}

static enum pintle_status provider_verify(struct pintle_crypto *crypto, void *opaque, struct pintle_bytes message,
                                          struct pintle_bytes signature)
{
    const struct key *key = opaque;
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status = pti_sha256(crypto, message, digest);

    if (status != PINTLE_OK)
        return status;
    return key->kind == PTI_KEY_RSA_PSS ? verify_rsa(key, digest, signature)
                                        : verify_p256(provider_of(crypto), key, digest, signature);
}

static void provider_destroy(struct pintle_crypto *crypto)
{
    struct provider *provider = provider_of(crypto);

    group_free(atomic_load(&provider->spare));
    free(provider);
}

static const struct pti_crypto_ops ops = {
    .name = "mbedtls",
    .sha256 = provider_sha256,
    .key_new = provider_key_new,
    .key_free = provider_key_free,
    .verify = provider_verify,
    .destroy = provider_destroy,
};

enum pintle_status pintle_crypto_mbedtls_new(struct pintle_crypto **crypto)
{
    struct provider *provider;

    if (crypto == NULL)
        return PINTLE_ERR_MISUSE;
    *crypto = NULL;
    provider = calloc(1, sizeof *provider);
    if (provider == NULL)
        return PINTLE_ERR_MEMORY;
    provider->base.ops = &ops;
    atomic_init(&provider->base.references, 1);
    atomic_init(&provider->spare, NULL);
    provider->sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    if (provider->sha256 == NULL || mbedtls_ecp_curve_info_from_grp_id(MBEDTLS_ECP_DP_SECP256R1) == NULL) {
        free(provider);
        return PINTLE_ERR_UNSUPPORTED;
    }
    *crypto = &provider->base;
    return PINTLE_OK;
}
