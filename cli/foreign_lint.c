/* SPDX-License-Identifier: Apache-2.0 */
/* What clients would stumble over in a repository that verifies.  The contract is in cli/foreign.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/foreign.h"

#define SOON_DAYS 3
#define DAY_S 86400

static void note(struct pti_foreign *foreign, const char *format, ...) PTI_PRINTF(2, 3);

/* Once each: many roles may share a reason. */
static void note(struct pti_foreign *foreign, const char *format, ...)
{
    char text[PTI_ERROR_DETAIL_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < foreign->note_count; i++) {
        if (strcmp(foreign->notes[i], text) == 0) {
            return;
        }
    }
    if (foreign->note_count < PTI_FOREIGN_NOTES_MAX) {
        foreign->notes[foreign->note_count] = pti_bytes_strdup(pti_bytes_text(text));
        foreign->note_count += foreign->notes[foreign->note_count] != NULL;
    }
}

static const struct pti_json_value *signed_part(const struct pti_tuf_metadata *metadata)
{
    return pti_json_member(pti_json_root(metadata->json), "signed");
}

/* ---- keys ---- */

/* The key objects that a role's keyids name: of root itself, or of what delegates. */
static const struct pti_json_value *key_objects(const struct pti_foreign *foreign, const struct pti_foreign_role *role)
{
    const struct pti_tuf_metadata *owner = foreign->updater.root;

    for (size_t i = 0; i < foreign->role_count; i++) {
        if (foreign->roles[i].metadata && &foreign->roles[i].metadata->keys == role->keys) {
            owner = foreign->roles[i].metadata;
        }
    }
    return owner->type == PTI_TUF_ROOT ? pti_json_member(signed_part(owner), "keys")
                                       : pti_json_member(pti_json_member(signed_part(owner), "delegations"), "keys");
}

static bool has_scheme(const struct pti_json_value *keys, const char *id, const char *scheme,
                       struct pintle_bytes *found)
{
    for (const struct pti_json_value *key = pti_json_first(keys); key; key = pti_json_next(key)) {
        if (pti_bytes_equal_text(pti_json_name(key), id)) {
            return pti_json_as_string(pti_json_member(key, "scheme"), found) && pti_bytes_equal_text(*found, scheme);
        }
    }
    return false;
}

static void lint_keys(struct pti_foreign *foreign, const struct pti_foreign_role *role)
{
    const struct pti_json_value *objects = key_objects(foreign, role);
    size_t p256 = 0, usable = 0;

    for (size_t i = 0; i < role->signers->count; i++) {
        const struct pti_tuf_key *key = &role->keys->items[role->signers->keys[i]];
        struct pintle_bytes scheme = {NULL, 0};

        p256 += has_scheme(objects, key->id, "ecdsa-sha2-nistp256", &scheme);
        usable += key->key != NULL;
        if (!key->key) {
            note(foreign, "%s: key %.16s cannot be used here: scheme %.*s", role->name, key->id,
                 (int)(scheme.size < 60 ? scheme.size : 60), scheme.data ? (const char *)scheme.data : "");
        }
    }
    if (usable < role->signers->threshold) {
        note(foreign, "%s: %zu of its keys can be used here, and %zu must sign: nothing of it can ever verify",
             role->name, usable, role->signers->threshold);
    }
    if (p256 < role->signers->threshold) {
        note(foreign,
             "%s: its threshold of %zu cannot be met with P-256 keys alone, which is all that many devices have",
             role->name, role->signers->threshold);
    }
}

static void lint_keyids(struct pti_foreign *foreign, const struct pti_tuf_metadata *metadata, const char *name)
{
    const struct pti_json_value *part = signed_part(metadata);
    const struct pti_json_value *keys = metadata->type == PTI_TUF_ROOT
                                            ? pti_json_member(part, "keys")
                                            : pti_json_member(pti_json_member(part, "delegations"), "keys");
    char id[PTI_KEYID_SIZE + 1];

    for (const struct pti_json_value *key = pti_json_first(keys); key; key = pti_json_next(key)) {
        if (pti_tuf_keyid(key, foreign->crypto, id, NULL) == PINTLE_OK &&
            !pti_bytes_equal_text(pti_json_name(key), id)) {
            note(foreign, "%s: the id of key %.*s is not the hash of the key: strict clients refuse it, Pintle's too",
                 name, (int)(pti_json_name(key).size < 16 ? pti_json_name(key).size : 16),
                 (const char *)pti_json_name(key).data);
        }
    }
}

/* ---- files and names ---- */

static bool is_plain_name(struct pintle_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        const char c = (char)name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._-", c))) {
            return false;
        }
    }
    return name.size > 0 && name.data[0] != '.';
}

static void lint_files(struct pti_foreign *foreign, const struct pti_foreign_role *role)
{
    size_t unhashed = 0;

    for (size_t i = 0; i < role->metadata->files.count; i++) {
        unhashed += !role->metadata->files.items[i].has_sha256;
    }
    if (unhashed == 0) {
        return;
    }
    if (role->metadata->type == PTI_TUF_TARGETS) {
        note(foreign, "%s: %zu targets have no sha256: clients that know no other hash cannot check them", role->name,
             unhashed);
    } else {
        note(foreign, "%s: what it lists has no sha256, so mirrors can mix files whose versions are equal", role->name);
    }
}

static void lint_delegations(struct pti_foreign *foreign, const struct pti_tuf_metadata *metadata)
{
    for (size_t i = 0; i < metadata->delegation_count; i++) {
        const struct pti_tuf_delegation *delegation = &metadata->delegations[i];
        const int size = (int)(delegation->name.size < PTI_KEYID_SIZE ? delegation->name.size : PTI_KEYID_SIZE);

        if (!is_plain_name(delegation->name)) {
            note(foreign,
                 "role \"%.*s\": a name of other characters than A-Z a-z 0-9 . _ - is a trap for URLs and files", size,
                 (const char *)delegation->name.data);
        }
        if (delegation->path_hash_prefixes) {
            note(foreign, "role \"%.*s\": path_hash_prefixes are compared wrongly by some clients; paths are safer",
                 size, (const char *)delegation->name.data);
        }
    }
}

static void lint_dates(struct pti_foreign *foreign, const struct pti_foreign_role *role)
{
    const int64_t left = role->metadata->expires - foreign->now;

    if (left < SOON_DAYS * DAY_S) {
        note(foreign, "%s: expires in %" PRId64 " hours", role->name, left / 3600);
    }
}

static void lint_root(struct pti_foreign *foreign)
{
    const struct pti_tuf_metadata *root = foreign->updater.root;
    struct pintle_bytes version = {NULL, 0};

    (void)pti_json_as_string(pti_json_member(signed_part(root), "spec_version"), &version);
    if (version.size < 4 || memcmp(version.data, "1.0.", 4) != 0) {
        note(foreign, "root: spec_version is not of the form 1.0.N: some clients refuse it");
    }
    if (!root->consistent_snapshot) {
        note(foreign,
             "root: without consistent_snapshot a client that reads during a publication gets files that do not "
             "belong together");
    }
    if (root->roles[PTI_TUF_ROOT].threshold == 1) {
        note(foreign, "root: one stolen key is enough to take the repository over");
    }
}

void pti_foreign_lint(struct pti_foreign *foreign)
{
    lint_root(foreign);
    for (size_t i = 0; i < foreign->role_count; i++) {
        const struct pti_foreign_role *role = &foreign->roles[i];

        lint_keys(foreign, role);
        if (role->metadata) {
            lint_keyids(foreign, role->metadata, role->name);
            lint_files(foreign, role);
            lint_delegations(foreign, role->metadata);
            lint_dates(foreign, role);
        }
    }
}
