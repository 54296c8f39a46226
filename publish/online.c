/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/online.h. */
#include "publish/online.h"

#include <inttypes.h>

/* One more signature; envelope is replaced. */
static enum pintle_status sign_once(struct pti_buf *envelope, const struct pti_signing_key *key,
                                    struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_buf next;
    enum pintle_status status;

    pti_buf_init(&next, PTI_TARGETS_SIZE_MAX);
    status = pti_envelope_sign(pti_buf_bytes(envelope), key, crypto, &next, error);
    if (status != PINTLE_OK) {
        pti_buf_clear(&next);
        return status;
    }
    pti_buf_clear(envelope);
    *envelope = next;
    return PINTLE_OK;
}

static enum pintle_status sign_with_ring(struct pti_buf *envelope, const char *name, const struct pti_role_keys *role,
                                         const struct pti_keyring *ring, struct pintle_crypto *crypto,
                                         struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    int64_t made = 0;

    for (size_t i = 0; i < role->key_count && made < role->threshold && status == PINTLE_OK; i++) {
        const struct pti_signing_key *key = pti_keyring_find(ring, role->keys[i].id);
        if (key == NULL)
            continue;
        status = sign_once(envelope, key, crypto, error);
        made++;
    }
    if (status == PINTLE_OK && made < role->threshold)
        status = pti_fail(error, PINTLE_ERR_TRUST,
                          "%s: %" PRId64 " of %" PRId64
                          " keys are at hand; put the online key (%.16s...) into the keys "
                          "directory, or name it with --key",
                          name, made, role->threshold, role->key_count > 0 ? role->keys[0].id : "none");
    return status;
}

static enum pintle_status finish(struct pti_buf *text, const char *name, struct pintle_bytes root,
                                 const struct pti_keyring *ring, struct pintle_crypto *crypto, struct pintle_bytes *out,
                                 struct pti_error *error)
{
    struct pti_role_keys role = {NULL, 0, 0};
    struct pti_buf envelope;
    enum pintle_status status = pti_buf_check(text, error, name);

    *out = (struct pintle_bytes){NULL, 0};
    pti_buf_init(&envelope, PTI_TARGETS_SIZE_MAX);
    if (status == PINTLE_OK)
        status = pti_role_keys_from_root(root, name, &role, error);
    if (status == PINTLE_OK)
        status = pti_envelope_write(pti_buf_bytes(text), &envelope, error);
    if (status == PINTLE_OK)
        status = sign_with_ring(&envelope, name, &role, ring, crypto, error);
    if (status == PINTLE_OK && pti_bytes_copy(pti_buf_bytes(&envelope), out) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %s", name);
    pti_role_keys_clear(&role);
    pti_buf_clear(&envelope);
    pti_buf_clear(text);
    return status;
}

enum pintle_status pti_online_snapshot(const struct pti_snapshot_fields *fields, struct pintle_bytes root,
                                       const struct pti_keyring *ring, struct pintle_crypto *crypto,
                                       struct pintle_bytes *out, struct pti_error *error)
{
    struct pti_buf text;

    pti_buf_init(&text, PTI_SNAPSHOT_SIZE_MAX);
    pti_snapshot_write(fields, &text);
    return finish(&text, "snapshot", root, ring, crypto, out, error);
}

enum pintle_status pti_online_timestamp(const struct pti_timestamp_fields *fields, struct pintle_bytes root,
                                        const struct pti_keyring *ring, struct pintle_crypto *crypto,
                                        struct pintle_bytes *out, struct pti_error *error)
{
    struct pti_buf text;

    pti_buf_init(&text, PTI_TIMESTAMP_SIZE_MAX);
    pti_timestamp_write(fields, &text);
    return finish(&text, "timestamp", root, ring, crypto, out, error);
}
