/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/envelope.h.  Signatures are verified by lib/tuf, as clients do. */
#include "publish/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "tuf/verify.h"

#define ENVELOPE_SIZE_MAX PTI_TARGETS_SIZE_MAX

/* ---- writing ---- */

static enum pintle_status write_with(const struct pti_json_value *signed_part, struct pintle_bytes signatures,
                                     struct pti_buf *out, struct pti_error *error)
{
    struct pti_json_writer writer;
    struct pti_buf compact;
    enum pintle_status status;

    pti_buf_init(&compact, ENVELOPE_SIZE_MAX);
    pti_json_write_compact(signed_part, &compact);
    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_raw(&writer, "signatures", signatures);
    pti_json_put_raw(&writer, "signed", pti_buf_bytes(&compact));
    pti_json_end_object(&writer);
    status = pti_buf_check(&compact, error, "signed metadata");
    if (status == PINTLE_OK)
        status = pti_buf_check(out, error, "an envelope");
    pti_buf_clear(&compact);
    return status;
}

enum pintle_status pti_envelope_write(struct pintle_bytes signed_json, struct pti_buf *out, struct pti_error *error)
{
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(signed_json, &json, error);

    if (status == PINTLE_OK && pti_json_type(pti_json_root(json)) != PTI_JSON_OBJECT)
        status = pti_fail(error, PINTLE_ERR_INPUT, "signed metadata must be an object, found %s",
                          pti_json_type_name(pti_json_type(pti_json_root(json))));
    if (status == PINTLE_OK)
        status = write_with(pti_json_root(json), pti_bytes_text("[]"), out, error);
    pti_json_free(json);
    return status;
}

static void put_signature(struct pti_json_writer *writer, struct pintle_bytes keyid, struct pintle_bytes hex)
{
    pti_json_begin_object(writer, NULL);
    pti_json_put_string(writer, "keyid", keyid);
    pti_json_put_string(writer, "sig", hex);
    pti_json_end_object(writer);
}

/* The old list, with the signature of keyid replaced in its place, or appended. */
static enum pintle_status write_signatures(const struct pti_json_value *old, const char *keyid, struct pintle_bytes hex,
                                           struct pti_buf *out, struct pti_error *error)
{
    struct pti_json_writer writer;
    bool placed = false;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_array(&writer, NULL);
    for (const struct pti_json_value *item = pti_json_first(old); item != NULL; item = pti_json_next(item)) {
        struct pintle_bytes id, text;
        if (pti_json_get_string(item, "keyid", &id, error) != PINTLE_OK ||
            pti_json_get_string(item, "sig", &text, error) != PINTLE_OK)
            return PINTLE_ERR_INPUT;
        if (pti_bytes_equal_text(id, keyid)) {
            text = hex;
            placed = true;
        }
        put_signature(&writer, id, text);
    }
    if (!placed)
        put_signature(&writer, pti_bytes_text(keyid), hex);
    pti_json_end_array(&writer);
    return pti_buf_check(out, error, "signatures");
}

/* The two parts of an envelope. */
static enum pintle_status take_apart(const struct pti_json_value *root, const struct pti_json_value **signatures,
                                     const struct pti_json_value **part, struct pti_error *error)
{
    enum pintle_status status = pti_json_get(root, "signatures", PTI_JSON_ARRAY, signatures, error);

    return status == PINTLE_OK ? pti_json_get(root, "signed", PTI_JSON_OBJECT, part, error) : status;
}

static enum pintle_status put_hex(const struct pti_json_value *root, const char *keyid, struct pintle_bytes hex,
                                  struct pti_buf *out, struct pti_error *error)
{
    const struct pti_json_value *old = NULL, *part = NULL;
    struct pti_buf list;
    enum pintle_status status = take_apart(root, &old, &part, error);

    pti_buf_init(&list, ENVELOPE_SIZE_MAX);
    if (status == PINTLE_OK)
        status = write_signatures(old, keyid, hex, &list, error);
    if (status == PINTLE_OK)
        status = write_with(part, pti_buf_bytes(&list), out, error);
    pti_buf_clear(&list);
    return status;
}

enum pintle_status pti_envelope_put(struct pintle_bytes envelope, const char *keyid, struct pintle_bytes hex,
                                    struct pti_buf *out, struct pti_error *error)
{
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(envelope, &json, error);

    if (status == PINTLE_OK)
        status = put_hex(pti_json_root(json), keyid, hex, out, error);
    pti_json_free(json);
    return status;
}

/* What is signed. */
static enum pintle_status canonical_part(const struct pti_json_value *root, struct pti_buf *canonical,
                                         struct pti_error *error)
{
    const struct pti_json_value *old = NULL, *part = NULL;
    enum pintle_status status = take_apart(root, &old, &part, error);

    pti_buf_init(canonical, ENVELOPE_SIZE_MAX);
    if (status != PINTLE_OK)
        return status;
    pti_json_write_canonical(part, canonical);
    return pti_buf_check(canonical, error, "signed metadata");
}

enum pintle_status pti_envelope_digest(struct pintle_bytes envelope, struct pintle_crypto *crypto,
                                       uint8_t sha256[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct pti_json *json = NULL;
    struct pti_buf canonical;
    enum pintle_status status = pti_json_parse(envelope, &json, error);

    if (status != PINTLE_OK)
        return status;
    status = canonical_part(pti_json_root(json), &canonical, error);
    if (status == PINTLE_OK && pti_sha256(crypto, pti_buf_bytes(&canonical), sha256) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "signed metadata cannot be hashed");
    pti_buf_clear(&canonical);
    pti_json_free(json);
    return status;
}

static enum pintle_status add_signature(const struct pti_json_value *root, const struct pti_signing_key *key,
                                        struct pti_buf *out, struct pti_error *error)
{
    char hex[PTI_HEX_SIZE(PTI_SIGNATURE_SIZE_MAX) + 1];
    struct pti_signature signature;
    struct pti_buf canonical;
    enum pintle_status status = canonical_part(root, &canonical, error);

    if (status == PINTLE_OK)
        status = pti_signing_key_sign(key, pti_buf_bytes(&canonical), &signature, error);
    if (status == PINTLE_OK) {
        pti_hex_encode(signature.data, signature.size, hex);
        status = put_hex(root, pti_signing_key_public(key)->id, pti_bytes_text(hex), out, error);
    }
    pti_buf_clear(&canonical);
    return status;
}

enum pintle_status pti_envelope_sign(struct pintle_bytes envelope, const struct pti_signing_key *key,
                                     struct pintle_crypto *crypto, struct pti_buf *out, struct pti_error *error)
{
    const struct pti_public_key *public_key = pti_signing_key_public(key);
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(envelope, &json, error);
    bool good = false;

    if (status == PINTLE_OK)
        status = add_signature(pti_json_root(json), key, out, error);
    pti_json_free(json);
    if (status == PINTLE_OK)
        status = pti_envelope_signed_by(pti_buf_bytes(out), public_key, crypto, &good, error);
    if (status == PINTLE_OK && !good)
        status = pti_fail(error, PINTLE_ERR_TRUST,
                          "the signature just made with key %.16s does not verify; the key file "
                          "or the machine is damaged",
                          public_key->id);
    if (status != PINTLE_OK)
        pti_buf_clear(out);
    return status;
}

/* ---- verifying ---- */

/* Parses as whatever type the envelope says it is. */
static enum pintle_status parse_any(struct pintle_bytes envelope, struct pintle_crypto *crypto,
                                    struct pti_tuf_metadata **metadata, struct pti_error *error)
{
    const struct pti_json_value *part;
    struct pti_json *json = NULL;
    struct pintle_bytes name = {NULL, 0};
    enum pintle_status status = pti_json_parse(envelope, &json, error);
    int type = 0;

    *metadata = NULL;
    if (status == PINTLE_OK)
        status = pti_json_get(pti_json_root(json), "signed", PTI_JSON_OBJECT, &part, error);
    if (status == PINTLE_OK)
        status = pti_json_get_string(part, "_type", &name, error);
    if (status == PINTLE_OK) {
        while (type < PTI_TUF_TYPES && !pti_bytes_equal_text(name, pti_tuf_type_name((enum pti_tuf_type)type)))
            type++;
        status = type < PTI_TUF_TYPES
                     ? pti_tuf_metadata_parse(envelope, (enum pti_tuf_type)type, crypto, metadata, error)
                     : pti_fail(error, PINTLE_ERR_INPUT, "\"_type\" names no type of TUF metadata");
    }
    pti_json_free(json);
    return status;
}

/* {"<id>":<key>,...}, as lib/tuf reads it. */
static enum pintle_status parse_keys(const struct pti_public_key *keys, size_t count, struct pintle_crypto *crypto,
                                     struct pti_tuf_keys *parsed, struct pti_error *error)
{
    struct pti_json_writer writer;
    struct pti_json *json = NULL;
    struct pti_buf text;
    enum pintle_status status;

    pti_buf_init(&text, PTI_TARGETS_SIZE_MAX);
    pti_json_writer_init(&writer, &text, false);
    pti_json_begin_object(&writer, NULL);
    for (size_t i = 0; i < count; i++)
        pti_json_put_raw(&writer, keys[i].id, pti_bytes_text(keys[i].json));
    pti_json_end_object(&writer);
    status = pti_buf_check(&text, error, "public keys");
    if (status == PINTLE_OK)
        status = pti_json_parse(pti_buf_bytes(&text), &json, error);
    if (status == PINTLE_OK)
        status = pti_tuf_keys_parse(pti_json_root(json), PTI_TUF_KEYIDS_HASH, crypto, parsed, error);
    pti_json_free(json);
    pti_buf_clear(&text);
    return status;
}

/* Has this one key signed? */
static enum pintle_status signed_by(const struct pti_tuf_metadata *metadata, const struct pti_tuf_keys *keys,
                                    uint16_t index, bool *good, struct pti_error *error)
{
    const struct pti_tuf_signers signer = {&index, 1, 1};
    struct pti_error ignored;
    enum pintle_status status = pti_tuf_verify(metadata, &signer, keys, "key", &ignored);

    *good = status == PINTLE_OK;
    if (status != PINTLE_OK && status != PINTLE_ERR_TRUST)
        return pti_fail(error, status, "%s", ignored.detail);
    return PINTLE_OK;
}

enum pintle_status pti_envelope_signers(struct pintle_bytes envelope, const struct pti_role_keys *role,
                                        struct pintle_crypto *crypto, bool *has_signed, int64_t *count,
                                        struct pti_error *error)
{
    struct pti_tuf_metadata *metadata = NULL;
    struct pti_tuf_keys keys = {NULL, NULL, 0};
    enum pintle_status status = parse_any(envelope, crypto, &metadata, error);

    *count = 0;
    if (status == PINTLE_OK)
        status = parse_keys(role->keys, role->key_count, crypto, &keys, error);
    for (size_t i = 0; i < role->key_count; i++)
        has_signed[i] = false;
    for (size_t i = 0; i < keys.count && status == PINTLE_OK; i++) {
        bool good = false, seen = false;
        status = signed_by(metadata, &keys, (uint16_t)i, &good, error);
        for (size_t k = 0; k < role->key_count && good; k++)
            has_signed[k] = has_signed[k] || strcmp(role->keys[k].id, keys.items[i].id) == 0;
        for (size_t j = 0; j < i && good && !seen; j++) {
            bool other = false;
            seen = memcmp(keys.items[j].identity, keys.items[i].identity, PINTLE_SHA256_SIZE) == 0 &&
                   signed_by(metadata, &keys, (uint16_t)j, &other, error) == PINTLE_OK && other;
        }
        if (good && !seen)
            (*count)++;
    }
    pti_tuf_keys_clear(&keys);
    pti_tuf_metadata_free(metadata);
    return status;
}

enum pintle_status pti_envelope_signed_by(struct pintle_bytes envelope, const struct pti_public_key *key,
                                          struct pintle_crypto *crypto, bool *good, struct pti_error *error)
{
    struct pti_public_key copy = *key;
    struct pti_role_keys role = {&copy, 1, 1};
    int64_t count = 0;

    *good = false;
    return pti_envelope_signers(envelope, &role, crypto, good, &count, error);
}

enum pintle_status pti_envelope_count(struct pintle_bytes envelope, const struct pti_role_keys *role,
                                      struct pintle_crypto *crypto, int64_t *count, struct pti_error *error)
{
    bool has_signed[PTI_KEYS_MAX];

    *count = 0;
    if (role->key_count > PTI_KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "a role has at most %d keys", PTI_KEYS_MAX);
    return pti_envelope_signers(envelope, role, crypto, has_signed, count, error);
}

enum pintle_status pti_envelope_dates(struct pintle_bytes envelope, int64_t *version, int64_t *expires,
                                      struct pti_error *error)
{
    const struct pti_json_value *part = NULL;
    struct pti_json *json = NULL;
    struct pintle_bytes text;
    enum pintle_status status = pti_json_parse(envelope, &json, error);

    *version = *expires = 0;
    if (status == PINTLE_OK)
        status = pti_json_get(pti_json_root(json), "signed", PTI_JSON_OBJECT, &part, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(part, "version", 1, PTI_JSON_INTEGER_MAX, version, error);
    if (status == PINTLE_OK)
        status = pti_json_get_string(part, "expires", &text, error);
    if (status == PINTLE_OK && !pti_datetime_parse(text, expires))
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"expires\" must look like 2026-11-21T20:00:00Z");
    pti_json_free(json);
    return status;
}
