/* SPDX-License-Identifier: Apache-2.0 */
/* Several keys, and public keys as values.  The contract is in publish/signing_key.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "publish/signing_key.h"

enum pintle_status pti_keyring_take(struct pti_keyring *ring, struct pti_signing_key *key, struct pti_error *error)
{
    struct pti_signing_key **grown;

    if (pti_keyring_find(ring, pti_signing_key_public(key)->id) != NULL) {
        pti_signing_key_free(key);
        return PINTLE_OK;
    }
    grown = realloc(ring->keys, (ring->count + 1) * sizeof(struct pti_signing_key *));
    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu keys", ring->count + 1);
    ring->keys = grown;
    ring->keys[ring->count++] = key;
    return PINTLE_OK;
}

const struct pti_signing_key *pti_keyring_find(const struct pti_keyring *ring, const char *id)
{
    for (size_t i = 0; i < ring->count; i++)
        if (strcmp(pti_signing_key_public(ring->keys[i])->id, id) == 0)
            return ring->keys[i];
    return NULL;
}

void pti_keyring_clear(struct pti_keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        pti_signing_key_free(ring->keys[i]);
    free(ring->keys);
    *ring = (struct pti_keyring){NULL, 0};
}

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
