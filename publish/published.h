/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repository serves now, in memory: the exact bytes of the newest generation and of every root.  Filled from a
 * source of files (a directory, or a map in a test) and checked against the hashes that its own metadata list.
 */
#ifndef PTI_PUBLISH_PUBLISHED_H
#define PTI_PUBLISH_PUBLISHED_H

#include "publish/metadata_write.h"

struct pti_published_zone {
    char name[64];
    bool delegated;           /* false: withdrawn, but listed by the snapshot for ever */
    int64_t role_version;     /* of the TUF role */
    struct pintle_bytes role; /* exact bytes, owned */
    struct pintle_bytes file; /* zones/<zone>.json */
};

struct pti_published {
    char repository[64];        /* x-pintle-repo */
    struct pintle_bytes *roots; /* version 1 first */
    size_t root_count;
    struct pintle_bytes timestamp, snapshot, targets, charter;
    int64_t timestamp_version, snapshot_version, targets_version;
    int64_t snapshot_floor; /* the highest <n>.snapshot.json there is: one above snapshot_version was left by a crash */
    struct pti_published_zone *zones; /* delegated ones in delegation order, then withdrawn ones by name */
    size_t zone_count;
};

/* Reads a path relative to public/ ("metadata/timestamp.json"); absent is PINTLE_OK with *found false. */
struct pti_file_source {
    enum pintle_status (*read)(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                               struct pti_error *error);
    void *ctx;
};

/*
 * Follows timestamp -> snapshot -> targets -> zones.  On failure *published is empty.  PINTLE_ERR_STORAGE: a file is
 * missing or does not have the hash its metadata lists ("restore it from a copy").  PINTLE_ERR_INPUT.  Signatures are
 * not looked at here; publishing verifies them.
 */
enum pintle_status pti_published_load(const struct pti_file_source *source, struct pintle_crypto *crypto,
                                      struct pti_published *published, struct pti_error *error);
/* The state before the first publication: root 1 (copied) and nothing else. */
enum pintle_status pti_published_init(struct pti_published *published, const char *repository, struct pintle_bytes root,
                                      struct pti_error *error);
void pti_published_clear(struct pti_published *published);
const struct pti_published_zone *pti_published_zone(const struct pti_published *published, const char *zone);
struct pintle_bytes pti_published_root(const struct pti_published *published); /* the newest */

/* The lowest n of which there is no <n>.snapshot.json. */
enum pintle_status pti_published_free_snapshot(const struct pti_file_source *source, int64_t *version,
                                               struct pti_error *error);

/* Whether any published targets metadata, 1 to the newest, ever delegated zone (NULL: any) to a key with this id. */
enum pintle_status pti_published_key_was_used(const struct pti_file_source *source,
                                              const struct pti_published *published, const char *zone,
                                              const char *keyid, bool *used, struct pti_error *error);

#endif
