/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing TUF metadata (specification 1.0.31) as every client reads it: the "signed" part of each role.  Pure: times,
 * versions, keys and file hashes are arguments, and nothing here checks whether they make sense; the publisher does, by
 * asking the client library.  Errors stick to the buffer.
 */
#ifndef PTI_PUBLISH_METADATA_WRITE_H
#define PTI_PUBLISH_METADATA_WRITE_H

#include "base/buf.h"
#include "publish/signing_key.h"

#define PTI_TUF_SPEC_VERSION "1.0.31"

/* Who may sign: keys and how many of them must. */
struct pti_role_keys {
    struct pti_public_key *keys;
    size_t key_count;
    int64_t threshold;
};

/* One file as metadata list it. */
struct pti_file_meta {
    int64_t version; /* of metadata; unused for targets */
    int64_t length;  /* bytes */
    uint8_t sha256[PINTLE_SHA256_SIZE];
};

struct pti_root_fields {
    int64_t version;
    int64_t expires;        /* Unix seconds, here and below */
    const char *repository; /* x-pintle-repo; NULL leaves it out */
    struct pti_role_keys root, targets, snapshot, timestamp;
};

struct pti_timestamp_fields {
    int64_t version;
    int64_t expires;
    int64_t issued; /* x-pintle-issued; negative leaves it out */
    struct pti_file_meta snapshot;
};

struct pti_snapshot_entry {
    const char *role; /* "targets" or a zone: the file is "<role>.json" */
    struct pti_file_meta file;
};

struct pti_snapshot_fields {
    int64_t version;
    int64_t expires;
    const struct pti_snapshot_entry *entries;
    size_t entry_count;
};

struct pti_target_entry {
    const char *path; /* "charter.json", "zones/<zone>.json" */
    struct pti_file_meta file;
};

/* {"name":zone,"keyids":[..],"threshold":n,"terminating":true,"paths":["zones/<zone>.json"]} */
struct pti_delegation {
    char zone[64];
    struct pti_role_keys keys;
};

/* Of the top-level targets role (whose delegations, even none, are written: delegates) and of zone roles. */
struct pti_targets_fields {
    int64_t version;
    int64_t expires;
    const struct pti_target_entry *targets;
    size_t target_count;
    bool delegates;
    const struct pti_delegation *delegations; /* in their order */
    size_t delegation_count;
};

void pti_root_write(const struct pti_root_fields *root, struct pti_buf *out);
void pti_timestamp_write(const struct pti_timestamp_fields *timestamp, struct pti_buf *out);
void pti_snapshot_write(const struct pti_snapshot_fields *snapshot, struct pti_buf *out);
void pti_targets_write(const struct pti_targets_fields *targets, struct pti_buf *out);

/* Length and SHA-256 of bytes, with version. PINTLE_ERR_MEMORY. */
enum pintle_status pti_file_meta_of(struct pintle_crypto *crypto, struct pintle_bytes bytes, int64_t version,
                                    struct pti_file_meta *meta, struct pti_error *error);

/* Lists of keys and delegations as values. */
enum pintle_status pti_role_keys_add(struct pti_role_keys *role, const struct pti_public_key *key,
                                     struct pti_error *error); /* copies; one already there is not added twice */
enum pintle_status pti_role_keys_copy(const struct pti_role_keys *from, struct pti_role_keys *to,
                                      struct pti_error *error);
const struct pti_public_key *pti_role_keys_find(const struct pti_role_keys *role, const char *id);
/* The key whose id begins with prefix: at least 8 of its hex digits.  PINTLE_ERR_INPUT, naming role: none, or several. */
enum pintle_status pti_role_keys_find_prefix(const struct pti_role_keys *keys, const char *role, const char *prefix,
                                             const struct pti_public_key **key, struct pti_error *error);
void pti_role_keys_remove(struct pti_role_keys *role, const char *id); /* absent: nothing */
/* The same keys, in whatever order, and the same threshold. */
bool pti_role_keys_same(const struct pti_role_keys *a, const struct pti_role_keys *b);
void pti_role_keys_clear(struct pti_role_keys *role);

/*
 * Reading back what is needed to write again: the keys of a top-level role from root metadata, and the delegations from
 * targets metadata, with every field of the key objects kept.  envelope is the whole file.  PINTLE_ERR_INPUT.
 */
enum pintle_status pti_role_keys_from_root(struct pintle_bytes envelope, const char *role, struct pti_role_keys *keys,
                                           struct pti_error *error);
enum pintle_status pti_delegations_from_targets(struct pintle_bytes envelope, struct pti_delegation **delegations,
                                                size_t *count, struct pti_error *error);
void pti_delegations_free(struct pti_delegation *delegations, size_t count);

#endif
