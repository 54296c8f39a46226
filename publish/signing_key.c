/* SPDX-License-Identifier: Apache-2.0 */
/* A key that signs, wherever its private half is.  The contract is in publish/signing_key.h. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "publish/signing_key_internal.h"

const char *pti_key_kind_name(enum pti_key_kind kind)
{
    switch (kind) {
    case PTI_KEY_ED25519:
        return "ed25519";
    case PTI_KEY_ECDSA_P256:
        return "p256";
    case PTI_KEY_RSA_PSS:
        return "rsa";
    }
    return "unknown";
}

bool pti_key_kind_parse(const char *text, enum pti_key_kind *kind)
{
    static const enum pti_key_kind kinds[] = {PTI_KEY_ECDSA_P256, PTI_KEY_ED25519};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(text, pti_key_kind_name(kinds[i])) == 0) {
            *kind = kinds[i];
            return true;
        }
    return false;
}

void pti_openssl_key_free(EVP_PKEY *pkey)
{
    EVP_PKEY_free(pkey);
}

bool pti_openssl_memory_was_short(void)
{
    bool was_short = false;

    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
        was_short = was_short || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return was_short;
}

enum pintle_status pti_no_memory_for_key(const char *name, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_MEMORY, "%s: out of memory for a key", name);
}

enum pintle_status pti_signing_key_new(EVP_PKEY *pkey, const struct pti_signing_key_ops *ops, void *place,
                                       const char *name, struct pti_signing_key **out, struct pti_error *error)
{
    struct pti_signing_key *key = calloc(1, sizeof(*key));
    enum pintle_status status;

    *out = NULL;
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return pti_no_memory_for_key(name, error);
    }
    key->pkey = pkey;
    key->ops = ops;
    status = pti_public_half_fill(key, name, error);
    if (status != PINTLE_OK) {
        pti_signing_key_free(key);
        return status;
    }
    key->place = place;
    *out = key;
    return PINTLE_OK;
}

void pti_signing_key_free(struct pti_signing_key *key)
{
    if (key == NULL)
        return;
    if (key->place != NULL)
        key->ops->free(key->place);
    EVP_PKEY_free(key->pkey);
    pti_public_key_clear(&key->public_key);
    free(key);
}

enum pti_key_kind pti_signing_key_kind(const struct pti_signing_key *key)
{
    return key->kind;
}

const struct pti_public_key *pti_signing_key_public(const struct pti_signing_key *key)
{
    return &key->public_key;
}

struct pintle_bytes pti_signing_key_public_bytes(const struct pti_signing_key *key)
{
    return pti_bytes_text(key->public_text);
}

static enum pintle_status verify(const struct pti_signing_key *key, struct pintle_bytes message,
                                 const struct pti_signature *signature, struct pti_error *error)
{
    const EVP_MD *digest = key->kind == PTI_KEY_ECDSA_P256 ? EVP_sha256() : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key->pkey) == 1 &&
                EVP_DigestVerify(ctx, signature->data, signature->size, message.data, message.size) == 1;
    bool memory = ctx == NULL || pti_openssl_memory_was_short();

    EVP_MD_CTX_free(ctx);
    if (good)
        return PINTLE_OK;
    if (memory)
        return pti_fail(error, PINTLE_ERR_MEMORY, "a signature of key %.16s cannot be verified; out of memory?",
                        key->public_key.id);
    return pti_fail(error, PINTLE_ERR_TRUST, "the signature just made with key %.16s does not verify; %s",
                    key->public_key.id, key->ops->blame);
}

enum pintle_status pti_signing_key_sign(const struct pti_signing_key *key, struct pintle_bytes message,
                                        struct pti_signature *signature, struct pti_error *error)
{
    enum pintle_status status = key->ops->sign(key, message, signature, error);

    if (status == PINTLE_OK)
        status = verify(key, message, signature, error);
    if (status != PINTLE_OK)
        signature->size = 0;
    return status;
}
