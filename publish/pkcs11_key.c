/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in tokens: opening, making, signing.  The contract is in publish/key_access.h. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/buf.h"
#include "publish/ecdsa_signature.h"
#include "publish/pkcs11_internal.h"
#include "publish/signing_key_internal.h"

#define SPKI_MAX 4096
#define RAW_SIZE 64 /* bytes of a signature, of both kinds */
#define NEW_ID_SIZE 8

/* Where a key is.  The token and the object in it are looked up when it first signs. */
struct place {
    struct pti_key_access *access;
    struct pti_pkcs11_uri uri;
    struct pti_pkcs11_token *token;
    CK_OBJECT_HANDLE object;
    bool asks_again;
};

static enum pintle_status find_object(struct place *place, struct pti_error *error)
{
    CK_BBOOL always = CK_FALSE;
    size_t size = 0;
    enum pintle_status status = PINTLE_OK;

    if (place->object != CK_INVALID_HANDLE)
        return PINTLE_OK;
    if (place->token == NULL)
        status = pti_pkcs11_token_open(place->access, &place->uri, false, &place->token, error);
    if (status == PINTLE_OK)
        status = pti_pkcs11_private_key(place->token, &place->uri, &place->object, error);
    if (status == PINTLE_OK)
        place->asks_again = pti_pkcs11_get(place->token, place->object, CKA_ALWAYS_AUTHENTICATE, &always,
                                           sizeof(always), &size) &&
                            size == sizeof(always) && always == CK_TRUE;
    return status;
}

static enum pintle_status token_signs(const struct place *place, enum pti_key_kind kind, struct pintle_bytes data,
                                      uint8_t raw[RAW_SIZE], struct pti_error *error)
{
    CK_FUNCTION_LIST *functions = place->token->functions;
    CK_MECHANISM mechanism = {kind == PTI_KEY_ECDSA_P256 ? CKM_ECDSA : CKM_EDDSA, NULL, 0};
    CK_ULONG size = RAW_SIZE;
    CK_RV rv = functions->C_SignInit(place->token->session, &mechanism, place->object);

    if (rv != CKR_OK)
        return pti_pkcs11_fail(place->token->label, "C_SignInit", rv, error);
    if (place->asks_again) {
        enum pintle_status status = pti_pkcs11_login_again(place->token, &place->uri, error);

        if (status != PINTLE_OK)
            return status;
    }
    rv = functions->C_Sign(place->token->session, (CK_BYTE_PTR)(uintptr_t)data.data, (CK_ULONG)data.size, raw, &size);
    if (rv != CKR_OK)
        return pti_pkcs11_fail(place->token->label, "C_Sign", rv, error);
    if (size != RAW_SIZE)
        return pti_fail(
            error, PINTLE_ERR_STORAGE,
            "token %s: expected a signature of %d bytes, found %lu; is it a key of the kind that its public "
            "half says?",
            place->token->label, RAW_SIZE, (unsigned long)size);
    return PINTLE_OK;
}

/* ECDSA: the digest is ours, so that a token needs no hash mechanism. */
static enum pintle_status sign(const struct pti_signing_key *key, struct pintle_bytes message,
                               struct pti_signature *signature, struct pti_error *error)
{
    struct place *place = key->place;
    uint8_t digest[SHA256_DIGEST_LENGTH], raw[RAW_SIZE];
    enum pintle_status status = find_object(place, error);

    if (status != PINTLE_OK)
        return status;
    if (key->kind == PTI_KEY_ECDSA_P256) {
        if (SHA256(message.data, message.size, digest) == NULL)
            return pti_fail(error, PINTLE_ERR_MEMORY, "OpenSSL cannot compute SHA-256; out of memory?");
        message = (struct pintle_bytes){digest, sizeof(digest)};
    }
    status = token_signs(place, key->kind, message, raw, error);
    if (status != PINTLE_OK)
        return status;
    if (key->kind == PTI_KEY_ECDSA_P256)
        return pti_ecdsa_signature_from_raw(raw, signature, error);
    memcpy(signature->data, raw, sizeof(raw));
    signature->size = sizeof(raw);
    return PINTLE_OK;
}

static const struct pti_signing_key_ops token_ops = {
    sign, free, "the key in the token is not the one of this public half, or the token is damaged"};

static struct place *place_new(struct pti_key_access *access, const struct pti_pkcs11_uri *uri, struct pti_error *error)
{
    struct place *place = calloc(1, sizeof(*place));

    if (place == NULL) {
        (void)pti_no_memory_for_key("PKCS#11", error);
        return NULL;
    }
    place->access = access;
    place->uri = *uri;
    place->object = CK_INVALID_HANDLE;
    return place;
}

/* Takes pkey over. */
static enum pintle_status make_key(struct pti_key_access *access, const struct pti_pkcs11_uri *uri,
                                   struct evp_pkey_st *pkey, const char *name, struct pti_signing_key **key,
                                   struct pti_error *error)
{
    struct place *place = place_new(access, uri, error);
    enum pintle_status status;

    if (place == NULL) {
        pti_openssl_key_free(pkey);
        return PINTLE_ERR_MEMORY;
    }
    status = pti_signing_key_new(pkey, &token_ops, place, name, key, error);
    if (status != PINTLE_OK)
        free(place);
    return status;
}

enum pintle_status pti_pkcs11_key_with_public(struct pti_key_access *access, const char *uri, struct evp_pkey_st *pkey,
                                              const char *name, struct pti_signing_key **key, struct pti_error *error)
{
    struct pti_pkcs11_uri parsed;
    enum pintle_status status = pti_pkcs11_uri_parse(uri, &parsed, error);

    *key = NULL;
    if (status != PINTLE_OK) {
        pti_openssl_key_free(pkey);
        return status;
    }
    return make_key(access, &parsed, pkey, name, key, error);
}

static enum pintle_status make_key_of_spki(struct pti_key_access *access, const struct pti_pkcs11_uri *uri,
                                           struct pintle_bytes spki, const char *name, struct pti_signing_key **key,
                                           struct pti_error *error)
{
    struct evp_pkey_st *pkey = NULL;
    enum pintle_status status = pti_public_half_from_der(spki, name, &pkey, error);

    return status == PINTLE_OK ? make_key(access, uri, pkey, name, key, error) : status;
}

enum pintle_status pti_pkcs11_key_open(struct pti_key_access *access, const char *text, struct pti_signing_key **key,
                                       struct pti_error *error)
{
    struct pti_pkcs11_token *token = NULL;
    struct pti_pkcs11_uri uri;
    struct pti_buf spki;
    enum pintle_status status = pti_pkcs11_uri_parse(text, &uri, error);

    *key = NULL;
    pti_buf_init(&spki, SPKI_MAX);
    if (status == PINTLE_OK)
        status = pti_pkcs11_token_open(access, &uri, false, &token, error);
    if (status == PINTLE_OK)
        status = pti_pkcs11_public_key(token, &uri, &spki, error);
    if (status == PINTLE_OK)
        status = make_key_of_spki(access, &uri, pti_buf_bytes(&spki), token->label, key, error);
    pti_buf_clear(&spki);
    return status;
}

/* ---- making one ---- */

static enum pintle_status check_new(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                    struct pti_error *error)
{
    const struct pintle_bytes no_id = {NULL, 0}, id = {uri->id, uri->id_size};
    struct pti_pkcs11_objects by_label, by_id = {.count = 0};
    enum pintle_status status = pti_pkcs11_find(token, CKO_PRIVATE_KEY, uri->object, no_id, &by_label, error);

    if (status == PINTLE_OK)
        status = pti_pkcs11_find(token, CKO_PRIVATE_KEY, NULL, id, &by_id, error);
    if (status == PINTLE_OK && by_label.count + by_id.count > 0)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "token %s: a key of that name (%.100s) is there already and is not replaced; choose another "
                        "object or id",
                        token->label, uri->object);
    return status;
}

static enum pintle_status generate(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                   enum pti_key_kind kind, struct pti_buf *spki, struct pti_error *error)
{
    static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    bool is_p256 = kind == PTI_KEY_ECDSA_P256;
    CK_MECHANISM mechanism = {is_p256 ? CKM_EC_KEY_PAIR_GEN : CKM_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    char label[PTI_PKCS11_TEXT_MAX];
    uint8_t id[PTI_PKCS11_ID_MAX];
    CK_ATTRIBUTE public_half[] = {{CKA_TOKEN, &yes, sizeof(yes)},
                                  {CKA_PRIVATE, &no, sizeof(no)},
                                  {CKA_VERIFY, &yes, sizeof(yes)},
                                  {CKA_LABEL, label, strlen(uri->object)},
                                  {CKA_ID, id, uri->id_size},
                                  {CKA_EC_PARAMS, is_p256 ? p256 : ed25519, is_p256 ? sizeof(p256) : sizeof(ed25519)}};
    CK_ATTRIBUTE private_half[] = {{CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)},
                                   {CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_EXTRACTABLE, &no, sizeof(no)},
                                   {CKA_SIGN, &yes, sizeof(yes)},      {CKA_LABEL, label, strlen(uri->object)},
                                   {CKA_ID, id, uri->id_size}};
    CK_OBJECT_HANDLE public_object = CK_INVALID_HANDLE, private_object = CK_INVALID_HANDLE;
    CK_RV rv;

    memcpy(label, uri->object, sizeof(label));
    memcpy(id, uri->id, sizeof(id));
    rv = token->functions->C_GenerateKeyPair(
        token->session, &mechanism, public_half, sizeof(public_half) / sizeof(public_half[0]), private_half,
        sizeof(private_half) / sizeof(private_half[0]), &public_object, &private_object);
    if (rv != CKR_OK)
        return pti_pkcs11_fail(token->label, "C_GenerateKeyPair", rv, error);
    return pti_pkcs11_public_of(token, public_object, spki, error);
}

enum pintle_status pti_pkcs11_key_generate(struct pti_key_access *access, const char *text, enum pti_key_kind kind,
                                           struct pti_signing_key **key, struct pti_error *error)
{
    struct pti_pkcs11_token *token = NULL;
    struct pti_pkcs11_uri uri;
    struct pti_buf spki;
    enum pintle_status status = pti_pkcs11_uri_parse(text, &uri, error);

    *key = NULL;
    pti_buf_init(&spki, SPKI_MAX);
    if (status == PINTLE_OK && uri.object[0] == '\0')
        status = pti_fail(
            error, PINTLE_ERR_INPUT,
            "expected object=NAME in the PKCS#11 URI of a new key, found none; say what it will be called");
    if (status == PINTLE_OK && uri.id_size == 0) {
        uri.id_size = NEW_ID_SIZE;
        if (RAND_bytes(uri.id, NEW_ID_SIZE) != 1)
            status = pti_fail(error, PINTLE_ERR_UNSUPPORTED, "OpenSSL has no random numbers");
    }
    if (status == PINTLE_OK)
        status = pti_pkcs11_token_open(access, &uri, true, &token, error);
    if (status == PINTLE_OK)
        status = pti_pkcs11_login(token, &uri, error);
    if (status == PINTLE_OK)
        status = check_new(token, &uri, error);
    if (status == PINTLE_OK)
        status = generate(token, &uri, kind, &spki, error);
    if (status == PINTLE_OK)
        status = make_key_of_spki(access, &uri, pti_buf_bytes(&spki), token->label, key, error);
    pti_buf_clear(&spki);
    return status;
}

/* ---- what is open ---- */

enum pintle_status pti_key_access_new(const struct pti_key_access_calls *calls, struct pti_key_access **access,
                                      struct pti_error *error)
{
    *access = calloc(1, sizeof(**access));
    if (*access == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for access to keys");
    (*access)->calls = *calls;
    return PINTLE_OK;
}

void pti_key_access_free(struct pti_key_access *access)
{
    if (access == NULL)
        return;
    pti_pkcs11_tokens_close(access);
    pti_pkcs11_modules_close(access);
    free(access);
}
