/* SPDX-License-Identifier: Apache-2.0 */
/* Public halves: as TUF writes them, from what OpenSSL holds, and as values.  Contract: publish/signing_key.h. */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "publish/signing_key_internal.h"

static bool public_text_ed25519(struct pti_signing_key *key)
{
    uint8_t raw[32];
    size_t size = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &size) != 1 || size != sizeof(raw))
        return false;
    pti_hex_encode(raw, sizeof(raw), key->public_text);
    return true;
}

static bool public_text_p256(struct pti_signing_key *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long size;
    bool done = false;

    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
        size = BIO_get_mem_data(bio, &text);
        done = size > 0 && (size_t)size < sizeof(key->public_text);
        if (done) {
            memcpy(key->public_text, text, (size_t)size);
            key->public_text[size] = '\0';
        }
    }
    BIO_free(bio);
    return done;
}

static void write_key_object(const struct pti_signing_key *key, struct pti_buf *out)
{
    bool p256 = key->kind == PTI_KEY_ECDSA_P256;
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "keytype", p256 ? "ecdsa" : "ed25519");
    pti_json_put_text(&writer, "scheme", p256 ? "ecdsa-sha2-nistp256" : "ed25519");
    pti_json_begin_object(&writer, "keyval");
    pti_json_put_text(&writer, "public", key->public_text);
    pti_json_end_object(&writer);
    pti_json_end_object(&writer);
}

/* keyid = SHA-256 over the canonical form of the key object. */
static enum pintle_status make_public(struct pti_signing_key *key, struct pti_error *error)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    struct pti_json *json = NULL;
    struct pti_buf text, canonical;
    enum pintle_status status;

    pti_buf_init(&text, 2 * PTI_PUBLIC_TEXT_MAX);
    pti_buf_init(&canonical, 2 * PTI_PUBLIC_TEXT_MAX);
    write_key_object(key, &text);
    status = pti_buf_check(&text, error, "public key");
    if (status == PINTLE_OK)
        status = pti_json_parse(pti_buf_bytes(&text), &json, error);
    if (status == PINTLE_OK) {
        pti_json_write_canonical(pti_json_root(json), &canonical);
        status = pti_buf_check(&canonical, error, "public key");
    }
    if (status == PINTLE_OK && EVP_Digest(canonical.data, canonical.size, digest, NULL, EVP_sha256(), NULL) != 1)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "OpenSSL cannot compute SHA-256; out of memory?");
    if (status == PINTLE_OK) {
        pti_hex_encode(digest, sizeof(digest), key->public_key.id);
        key->public_key.json = pti_bytes_strdup(pti_buf_bytes(&text));
        if (key->public_key.json == NULL)
            status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a public key");
    }
    pti_json_free(json);
    pti_buf_clear(&canonical);
    pti_buf_clear(&text);
    return status;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[64] = "";

    return EVP_PKEY_is_a(pkey, "EC") == 1 && EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
           (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, "P-256") == 0);
}

enum pintle_status pti_public_half_fill(struct pti_signing_key *key, const char *name, struct pti_error *error)
{
    const char *type = EVP_PKEY_get0_type_name(key->pkey);
    bool p256 = is_p256(key->pkey);

    if (!p256 && type == NULL && pti_openssl_memory_was_short())
        return pti_no_memory_for_key(name, error);
    if (!p256 && EVP_PKEY_is_a(key->pkey, "ED25519") != 1)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s: expected an ECDSA P-256 or an Ed25519 key, found %s%s; make one with `pintle key new`",
                        name, type != NULL ? type : "another kind",
                        EVP_PKEY_is_a(key->pkey, "EC") == 1 ? " on another curve" : "");
    key->kind = p256 ? PTI_KEY_ECDSA_P256 : PTI_KEY_ED25519;
    if (p256 ? public_text_p256(key) : public_text_ed25519(key))
        return make_public(key, error);
    if (pti_openssl_memory_was_short())
        return pti_no_memory_for_key(name, error);
    return pti_fail(error, PINTLE_ERR_INPUT, "%s: the public half of the key cannot be derived; the file is damaged",
                    name);
}

enum pintle_status pti_public_half_from_der(struct pintle_bytes der, const char *name, EVP_PKEY **pkey,
                                            struct pti_error *error)
{
    const uint8_t *at = der.data;

    *pkey = d2i_PUBKEY(NULL, &at, (long)der.size);
    if (*pkey == NULL && pti_openssl_memory_was_short())
        return pti_no_memory_for_key(name, error);
    ERR_clear_error();
    if (*pkey == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: the public key is damaged; use a copy of the file", name);
    return PINTLE_OK;
}

/* ---- as values ---- */

enum pintle_status pti_public_key_copy(const struct pti_public_key *from, struct pti_public_key *to,
                                       struct pti_error *error)
{
    *to = *from;
    to->json = pti_bytes_strdup(pti_bytes_text(from->json));
    if (to->json == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a public key");
    return PINTLE_OK;
}

enum pintle_status pti_public_key_kind(const struct pti_public_key *key, enum pti_key_kind *kind,
                                       struct pti_error *error)
{
    struct pti_json *json = NULL;
    struct pintle_bytes scheme;
    enum pintle_status status = pti_json_parse(pti_bytes_text(key->json), &json, error);

    if (status == PINTLE_OK)
        status = pti_json_get_string(pti_json_root(json), "scheme", &scheme, error);
    if (status == PINTLE_OK && pti_bytes_equal_text(scheme, "ed25519"))
        *kind = PTI_KEY_ED25519;
    else if (status == PINTLE_OK && pti_bytes_equal_text(scheme, "ecdsa-sha2-nistp256"))
        *kind = PTI_KEY_ECDSA_P256;
    else if (status == PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_INPUT, "key %.16s is neither ed25519 nor p256", key->id);
    pti_json_free(json);
    return status;
}

void pti_public_key_clear(struct pti_public_key *key)
{
    free(key->json);
    *key = (struct pti_public_key){{0}, NULL};
}

/* Of an Ed25519 key: what "public" holds as hex. */
static EVP_PKEY *from_hex(struct pintle_bytes hex)
{
    uint8_t raw[32];

    return pti_hex_decode_exact(hex, raw, sizeof(raw))
               ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw))
               : NULL;
}

static enum pintle_status put_pem(struct pintle_bytes hex, struct pti_buf *out, struct pti_error *error)
{
    EVP_PKEY *pkey = from_hex(hex);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool written = pkey != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1;

    if (written) {
        long size = BIO_get_mem_data(bio, &text);
        pti_buf_append(out, text, (size_t)size);
    }
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return written ? pti_buf_check(out, error, "a public key") : pti_no_memory_for_key("public half", error);
}

enum pintle_status pti_public_key_pem(const struct pti_public_key *key, struct pti_buf *out, struct pti_error *error)
{
    const struct pti_json_value *value = NULL;
    struct pti_json *json = NULL;
    struct pintle_bytes text = {NULL, 0};
    enum pti_key_kind kind = PTI_KEY_ECDSA_P256;
    enum pintle_status status = pti_public_key_kind(key, &kind, error);

    if (status == PINTLE_OK)
        status = pti_json_parse(pti_bytes_text(key->json), &json, error);
    if (status == PINTLE_OK)
        status = pti_json_get(pti_json_root(json), "keyval", PTI_JSON_OBJECT, &value, error);
    if (status == PINTLE_OK)
        status = pti_json_get_string(value, "public", &text, error);
    if (status == PINTLE_OK && kind == PTI_KEY_ED25519)
        status = put_pem(text, out, error);
    else if (status == PINTLE_OK)
        pti_buf_append(out, text.data, text.size);
    pti_json_free(json);
    return status == PINTLE_OK ? pti_buf_check(out, error, "a public key") : status;
}
