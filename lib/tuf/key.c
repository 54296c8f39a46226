/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json_write.h"

/* The kinds this engine knows.  "ecdsa-sha2-nistp256" as a key type is what older tools write for the same key. */
static const struct {
    const char *type;
    const char *scheme;
    enum pti_key_kind kind;
} known_kinds[] = {
    {"ed25519", "ed25519", PTI_KEY_ED25519},
    {"ecdsa", "ecdsa-sha2-nistp256", PTI_KEY_ECDSA_P256},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", PTI_KEY_ECDSA_P256},
    {"rsa", "rsassa-pss-sha256", PTI_KEY_RSA_PSS},
};

static bool find_kind(struct pintle_bytes type, struct pintle_bytes scheme, enum pti_key_kind *kind)
{
    for (size_t i = 0; i < sizeof known_kinds / sizeof known_kinds[0]; i++) {
        if (pti_bytes_equal_text(type, known_kinds[i].type) && pti_bytes_equal_text(scheme, known_kinds[i].scheme)) {
            *kind = known_kinds[i].kind;
            return true;
        }
    }
    return false;
}

enum pintle_status pti_tuf_keyid(const struct pti_json_value *key, struct pintle_crypto *crypto,
                                 char id[PTI_KEYID_SIZE + 1], struct pti_error *error)
{
    struct pti_buf canonical;
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status;

    pti_buf_init(&canonical, PTI_TARGETS_SIZE_MAX);
    pti_json_write_canonical(key, &canonical);
    status = pti_buf_check(&canonical, error, "key");
    if (status == PINTLE_OK)
        status = pti_sha256(crypto, pti_buf_bytes(&canonical), digest);
    if (status == PINTLE_OK)
        pti_hex_encode(digest, sizeof digest, id);
    else
        (void)pti_fail(error, status, "key: the keyid cannot be computed (%s)", pintle_status_name(status));
    pti_buf_clear(&canonical);
    return status;
}

/* Leaves key->key NULL for a key that cannot be used here: unknown kind, or malformed, which is its owner's problem. */
static enum pintle_status read_public_key(const struct pti_json_value *object, struct pintle_crypto *crypto,
                                          struct pti_tuf_key *key, struct pti_error *error)
{
    struct pintle_bytes type, scheme, text;
    const struct pti_json_value *value;
    uint8_t raw[PINTLE_SHA256_SIZE];
    enum pti_key_kind kind;
    struct pti_error why;
    enum pintle_status status;

    status = pti_json_get_string(object, "keytype", &type, error);
    if (status == PINTLE_OK)
        status = pti_json_get_string(object, "scheme", &scheme, error);
    if (status == PINTLE_OK)
        status = pti_json_get(object, "keyval", PTI_JSON_OBJECT, &value, error);
    if (status != PINTLE_OK || !find_kind(type, scheme, &kind) ||
        !pti_json_as_string(pti_json_member(value, "public"), &text))
        return status;
    if (kind == PTI_KEY_ED25519) {
        if (!pti_hex_decode_exact(text, raw, sizeof raw))
            return PINTLE_OK;
        text = (struct pintle_bytes){raw, sizeof raw};
    }
    status = crypto->ops->key_new(crypto, kind, text, &key->key, key->identity, &why);
    key->identified = status == PINTLE_OK || status == PINTLE_ERR_UNSUPPORTED;
    key->kind = kind;
    return status == PINTLE_ERR_MEMORY ? pti_fail(error, status, "%s", why.detail) : PINTLE_OK;
}

static enum pintle_status check_keyid(const struct pti_json_value *object, struct pintle_crypto *crypto,
                                      struct pti_error *error)
{
    struct pintle_bytes name = pti_json_name(object);
    char expected[PTI_KEYID_SIZE + 1];
    enum pintle_status status = pti_tuf_keyid(object, crypto, expected, error);

    if (status == PINTLE_OK && !pti_bytes_equal_text(name, expected))
        status = pti_fail(error, PINTLE_ERR_INPUT, "keyid %.*s does not belong to its key, expected %s",
                          (int)(name.size > PTI_KEYID_SIZE ? PTI_KEYID_SIZE : name.size), (const char *)name.data,
                          expected);
    return status;
}

static enum pintle_status read_key(const struct pti_json_value *object, enum pti_tuf_keyids keyids,
                                   struct pintle_crypto *crypto, struct pti_tuf_key *key, struct pti_error *error)
{
    struct pintle_bytes name = pti_json_name(object);
    enum pintle_status status = PINTLE_OK;

    if (pti_json_type(object) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "a key must be an object, found %s (byte %zu)",
                        pti_json_type_name(pti_json_type(object)), pti_json_offset(object));
    if (keyids == PTI_TUF_KEYIDS_HASH)
        status = check_keyid(object, crypto, error);
    else if (name.size > PTI_KEYID_SIZE || memchr(name.data, '\0', name.size) != NULL)
        status = pti_fail(error, PINTLE_ERR_INPUT, "a keyid has %zu bytes, at most %d without NUL are allowed",
                          name.size, PTI_KEYID_SIZE);
    if (status != PINTLE_OK)
        return status;
    memcpy(key->id, name.data, name.size);
    key->id[name.size] = '\0';
    return read_public_key(object, crypto, key, error);
}

enum pintle_status pti_tuf_keys_parse(const struct pti_json_value *object, enum pti_tuf_keyids keyids,
                                      struct pintle_crypto *crypto, struct pti_tuf_keys *keys, struct pti_error *error)
{
    const struct pti_json_value *member;
    size_t count = pti_json_count(object);
    enum pintle_status status = PINTLE_OK;

    *keys = (struct pti_tuf_keys){NULL, NULL, 0};
    if (count > PTI_KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "%zu keys, at most %d are allowed", count, PTI_KEYS_MAX);
    keys->items = calloc(count > 0 ? count : 1, sizeof *keys->items);
    if (keys->items == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu keys", count);
    keys->crypto = pti_crypto_ref(crypto);
    for (member = pti_json_first(object); member != NULL && status == PINTLE_OK; member = pti_json_next(member))
        status = read_key(member, keyids, crypto, &keys->items[keys->count++], error);
    if (status != PINTLE_OK)
        pti_tuf_keys_clear(keys);
    return status;
}

void pti_tuf_keys_clear(struct pti_tuf_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->items[i].key != NULL)
            keys->crypto->ops->key_free(keys->crypto, keys->items[i].key);
    free(keys->items);
    pintle_crypto_free(keys->crypto);
    *keys = (struct pti_tuf_keys){NULL, NULL, 0};
}

static bool find_key(const struct pti_tuf_keys *keys, struct pintle_bytes id, uint16_t *index)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (pti_bytes_equal_text(id, keys->items[i].id)) {
            *index = (uint16_t)i;
            return true;
        }
    }
    return false;
}

static enum pintle_status reject_duplicate_keyid(const struct pti_json_value *keyid, struct pti_error *error)
{
    struct pintle_bytes id, other;

    if (!pti_json_as_string(keyid, &id))
        return pti_fail(error, PINTLE_ERR_INPUT, "a keyid must be a string, found %s (byte %zu)",
                        pti_json_type_name(pti_json_type(keyid)), pti_json_offset(keyid));
    for (const struct pti_json_value *next = pti_json_next(keyid); next != NULL; next = pti_json_next(next))
        if (pti_json_as_string(next, &other) && pti_bytes_equal(id, other))
            return pti_fail(error, PINTLE_ERR_INPUT, "a keyid stands twice in one role (bytes %zu and %zu)",
                            pti_json_offset(keyid), pti_json_offset(next));
    return PINTLE_OK;
}

enum pintle_status pti_tuf_signers_parse(const struct pti_json_value *role, const struct pti_tuf_keys *keys,
                                         struct pti_tuf_signers *signers, struct pti_error *error)
{
    const struct pti_json_value *keyids;
    struct pintle_bytes id;
    enum pintle_status status;
    int64_t threshold = 0;

    *signers = (struct pti_tuf_signers){NULL, 0, 0};
    status = pti_json_get(role, "keyids", PTI_JSON_ARRAY, &keyids, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(role, "threshold", 1, PTI_KEYS_MAX, &threshold, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_json_count(keyids) > PTI_KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "%zu keyids in one role, at most %d are allowed",
                        pti_json_count(keyids), PTI_KEYS_MAX);
    signers->keys = calloc(pti_json_count(keyids) + 1, sizeof *signers->keys);
    if (signers->keys == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (const struct pti_json_value *keyid = pti_json_first(keyids); keyid != NULL; keyid = pti_json_next(keyid)) {
        status = reject_duplicate_keyid(keyid, error);
        if (status != PINTLE_OK) {
            pti_tuf_signers_clear(signers);
            return status;
        }
        if (pti_json_as_string(keyid, &id) && find_key(keys, id, &signers->keys[signers->count]))
            signers->count++;
    }
    signers->threshold = (size_t)threshold;
    return PINTLE_OK;
}

void pti_tuf_signers_clear(struct pti_tuf_signers *signers)
{
    free(signers->keys);
    *signers = (struct pti_tuf_signers){NULL, 0, 0};
}

static bool holds_identity(const struct pti_tuf_signers *signers, const struct pti_tuf_keys *keys, size_t limit,
                           const uint8_t identity[PINTLE_SHA256_SIZE])
{
    for (size_t i = 0; i < limit; i++) {
        const struct pti_tuf_key *key = &keys->items[signers->keys[i]];
        if (key->identified && memcmp(key->identity, identity, PINTLE_SHA256_SIZE) == 0)
            return true;
    }
    return false;
}

size_t pti_tuf_signers_shared(const struct pti_tuf_signers *a, const struct pti_tuf_keys *a_keys,
                              const struct pti_tuf_signers *b, const struct pti_tuf_keys *b_keys)
{
    size_t shared = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct pti_tuf_key *key = &a_keys->items[a->keys[i]];
        if (key->identified && !holds_identity(a, a_keys, i, key->identity) &&
            holds_identity(b, b_keys, b->count, key->identity))
            shared++;
    }
    return shared;
}
