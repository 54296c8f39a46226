/* SPDX-License-Identifier: Apache-2.0 */
/* Several keys.  The contract is in publish/signing_key.h. */
#include <stdlib.h>
#include <string.h>

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
