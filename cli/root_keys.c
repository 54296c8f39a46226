/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/root_keys.h"

#include <string.h>

#include "publish/pkcs11_uri.h"

enum pintle_status pti_cli_root_role(struct pti_cli *cli, enum pti_tuf_type *role)
{
    const char *name = pti_cli_text(cli, "role");

    *role = PTI_TUF_ROOT;
    for (int i = 0; i < PTI_TUF_TYPES; i++) {
        if (!name || strcmp(name, pti_tuf_type_name((enum pti_tuf_type)i)) == 0) {
            *role = name ? (enum pti_tuf_type)i : *role;
            return PINTLE_OK;
        }
    }
    return pti_cli_usage(cli,
                         "--role needs root, targets, snapshot or timestamp, found \"%.40s\"; the keys of a zone are "
                         "replaced by `pintle zone rotate`",
                         name);
}

/* Whether text can only be a key id: a file of that name would have to be a strange one. */
static bool looks_like_id(const char *text)
{
    size_t length = strlen(text);

    return length >= 8 && strspn(text, "0123456789abcdef") == length && !pti_file_exists(text);
}

enum pintle_status pti_cli_root_key(struct pti_cli *cli, const struct pti_stage *stage, enum pti_tuf_type role,
                                    const char *text, char keyid[PTI_KEYID_SIZE + 1])
{
    return pti_cli_role_key(cli, &stage->root_keys[role], pti_tuf_type_name(role), text, keyid);
}

enum pintle_status pti_cli_role_key(struct pti_cli *cli, const struct pti_role_keys *keys, const char *role,
                                    const char *text, char keyid[PTI_KEYID_SIZE + 1])
{
    const struct pti_public_key *key = NULL;
    struct pti_public_key loaded;
    enum pintle_status status = PINTLE_OK;

    if (!pti_pkcs11_uri_is(text) && (looks_like_id(text) || !pti_file_exists(text))) {
        status = pti_role_keys_find_prefix(keys, role, text, &key, &cli->error);
        if (status == PINTLE_OK) {
            (void)pti_copy_text(keyid, PTI_KEYID_SIZE + 1, key->id);
        }
        return status;
    }
    status = pti_session_load_public_key(cli, text, &loaded);
    if (status == PINTLE_OK) {
        (void)pti_copy_text(keyid, PTI_KEYID_SIZE + 1, loaded.id);
    }
    pti_public_key_clear(&loaded);
    return status;
}

static void warn(struct pti_cli *cli, const struct pti_public_key *key, const char *kind, const char *other)
{
    fprintf(cli->err,
            "warning: key %.16s signs %s%s too, so whoever takes it has both; `pintle key new FILE` makes one for this "
            "alone\n",
            key->id, kind, other);
}

void pti_cli_warn_of_second_role(struct pti_cli *cli, const struct pti_stage *stage, const char *role,
                                 const struct pti_public_key *key)
{
    static const enum pti_tuf_type offline[] = {PTI_TUF_ROOT, PTI_TUF_TARGETS};

    for (size_t i = 0; i < 2; i++) {
        const char *other = pti_tuf_type_name(offline[i]);

        if (strcmp(other, role) != 0 && pti_role_keys_find(&stage->root_keys[offline[i]], key->id)) {
            warn(cli, key, "", other);
        }
    }
    for (size_t i = 0; i < stage->zone_count; i++) {
        if (strcmp(stage->zones[i].name, role) != 0 && pti_role_keys_find(&stage->zones[i].keys, key->id)) {
            warn(cli, key, "zone ", stage->zones[i].name);
        }
    }
}
