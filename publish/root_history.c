/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/root_history.h. */
#include "publish/root_history.h"

#include "tuf/verify.h"

/* ---- the root of the manifest ---- */

static enum pintle_status accepts(struct pintle_bytes root, const struct pti_tuf_metadata *timestamp,
                                  const struct pti_tuf_metadata *snapshot, struct pintle_crypto *crypto, bool *accepted,
                                  struct pti_error *error)
{
    struct pti_tuf_metadata *parsed = NULL;
    enum pintle_status status = pti_tuf_metadata_parse(root, PTI_TUF_ROOT, crypto, &parsed, error);

    if (status == PINTLE_OK)
        status = pti_tuf_verify(timestamp, &parsed->roles[PTI_TUF_TIMESTAMP], &parsed->keys, "timestamp", error);
    if (status == PINTLE_OK)
        status = pti_tuf_verify(snapshot, &parsed->roles[PTI_TUF_SNAPSHOT], &parsed->keys, "snapshot", error);
    pti_tuf_metadata_free(parsed);
    *accepted = status == PINTLE_OK;
    return status == PINTLE_ERR_TRUST ? PINTLE_OK : status;
}

enum pintle_status pti_root_history_accepting(const struct pti_published *published, struct pintle_crypto *crypto,
                                              size_t *version, struct pti_error *error)
{
    struct pti_tuf_metadata *timestamp = NULL, *snapshot = NULL;
    bool accepted = false;
    enum pintle_status status = pti_tuf_metadata_parse(published->timestamp, PTI_TUF_TIMESTAMP, crypto, &timestamp,
                                                       error);

    *version = 0;
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse(published->snapshot, PTI_TUF_SNAPSHOT, crypto, &snapshot, error);
    for (size_t n = published->root_count; n > 0 && status == PINTLE_OK && !accepted; n--) {
        status = accepts(published->roots[n - 1], timestamp, snapshot, crypto, &accepted, error);
        if (accepted)
            *version = n;
    }
    pti_tuf_metadata_free(timestamp);
    pti_tuf_metadata_free(snapshot);
    return status;
}

/* ---- where numbers start again ---- */

static bool keeps_a_key(const struct pti_tuf_metadata *before, const struct pti_tuf_metadata *after,
                        enum pti_tuf_type role)
{
    return pti_tuf_signers_shared(&before->roles[role], &before->keys, &after->roles[role], &after->keys) > 0;
}

bool pti_root_history_restarts(const struct pti_tuf_metadata *before, const struct pti_tuf_metadata *after)
{
    return !keeps_a_key(before, after, PTI_TUF_TIMESTAMP) && !keeps_a_key(before, after, PTI_TUF_SNAPSHOT);
}

enum pintle_status pti_root_history_epoch(const struct pti_published *published, struct pintle_crypto *crypto,
                                          size_t *version, struct pti_error *error)
{
    struct pti_tuf_metadata *before = NULL, *root = NULL;
    enum pintle_status status = PINTLE_OK;

    *version = 1;
    for (size_t n = 1; n <= published->root_count && status == PINTLE_OK; n++) {
        status = pti_tuf_metadata_parse(published->roots[n - 1], PTI_TUF_ROOT, crypto, &root, error);
        if (status == PINTLE_OK && before != NULL && pti_root_history_restarts(before, root))
            *version = n;
        pti_tuf_metadata_free(before);
        before = root;
    }
    pti_tuf_metadata_free(before);
    return status;
}

/* ---- keys that are gone ---- */

/* Whether root names the key for role, and whether it names it at all. */
static enum pintle_status names(struct pintle_bytes root, enum pti_tuf_type role, const char *keyid, bool *for_role,
                                bool *at_all, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    *for_role = *at_all = false;
    for (int i = 0; i < PTI_TUF_TYPES && status == PINTLE_OK; i++) {
        struct pti_role_keys keys;
        status = pti_role_keys_from_root(root, pti_tuf_type_name((enum pti_tuf_type)i), &keys, error);
        if (status == PINTLE_OK && pti_role_keys_find(&keys, keyid) != NULL) {
            *at_all = true;
            *for_role = *for_role || i == (int)role;
        }
        pti_role_keys_clear(&keys);
    }
    return status;
}

enum pintle_status pti_root_history_removed(const struct pti_published *published, enum pti_tuf_type role,
                                            const char *keyid, bool *removed, struct pti_error *error)
{
    bool for_role = false, at_all = false;
    enum pintle_status status = names(pti_published_root(published), role, keyid, &for_role, &at_all, error);

    *removed = false;
    for (size_t i = 0; i + 1 < published->root_count && status == PINTLE_OK && !*removed; i++) {
        bool once_for_role, once;
        status = names(published->roots[i], role, keyid, &once_for_role, &once, error);
        *removed = (once_for_role && !for_role) || (once && !at_all);
    }
    return status;
}
