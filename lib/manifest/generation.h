/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation: one complete verified manifest, with the number of the root under which it was accepted.  It exists only
 * verified: timestamp, snapshot, targets, charter, and for every delegated zone its role and its zone file.
 */
#ifndef PTI_MANIFEST_GENERATION_H
#define PTI_MANIFEST_GENERATION_H

#include "pin/charter.h"
#include "pin/pinset.h"
#include "tuf/roots.h"
#include "tuf/trusted.h"

struct pti_generation_zone {
    char name[PINTLE_ZONE_NAME_MAX + 1];
    const struct pti_tuf_delegation *delegation; /* in targets */
    struct pti_tuf_metadata *role;
    struct pintle_bytes bytes; /* the zone file as received; see borrows below */
    struct pti_zone zone;
};

/* A zone that was delegated once: its version and keys are remembered, so that an old file cannot come back with it. */
struct pti_past_zone {
    char name[PINTLE_ZONE_NAME_MAX + 1];
    int64_t version;
    uint8_t (*identities)[PINTLE_SHA256_SIZE];
    size_t identity_count;
};

struct pti_generation {
    int64_t root_version;
    bool shipped;        /* came inside the app, and no poll has confirmed it yet */
    int64_t accepted_at; /* Unix seconds, local clock */
    int64_t issued;      /* the largest issue time taken so far; -1 if none */
    struct pti_tuf_metadata *timestamp;
    struct pti_tuf_metadata *snapshot;
    struct pti_tuf_metadata *targets;
    bool borrows;                      /* charter_bytes and those of the zones lie in backing; else each is owned */
    struct pintle_bytes backing;       /* owned; the body or file it was built from; or empty */
    struct pintle_bytes charter_bytes; /* as received */
    struct pti_charter charter;
    struct pti_generation_zone *zones; /* in the order of the delegations */
    size_t zone_count;
    struct pti_past_zone *past_zones;
    size_t past_zone_count;
};

enum pti_item_kind { PTI_ITEM_SNAPSHOT, PTI_ITEM_TARGETS, PTI_ITEM_CHARTER, PTI_ITEM_ROLE, PTI_ITEM_ZONE };

/* One file that building asks for.  expected says what it must be. */
struct pti_item {
    enum pti_item_kind kind;
    const char *zone; /* for ROLE and ZONE */
    const struct pti_tuf_file *expected;
    size_t size_max; /* bytes */
};

/* "snapshot.json", "targets.json", "charter.json", "roles/<zone>.json", "zones/<zone>.json": its path in a container. */
void pti_item_path(const struct pti_item *item, char out[PTI_CONTAINER_PATH_MAX + 1]);

/* Where the files come from: a body, plain files, an accepted generation.  Bytes stay valid until the next
 * call; if they last, for as long as what is built from them, which then need not copy them. */
struct pti_manifest_source {
    enum pintle_status (*get)(void *ctx, const struct pti_item *item, struct pintle_bytes *bytes,
                              struct pti_error *error);
    void *ctx;
    bool lasts;
};

/*
 * Pulls snapshot, targets, charter, roles and zones from source, in this order, and verifies each before asking for the
 * next.  set holds a root and a timestamp in force; it gives its metadata away and is empty afterwards, whatever happens.
 * Every zone that targets delegates must be listed in the snapshot.  On failure *generation is NULL.
 * The caller fills in shipped and accepted_at.
 */
enum pintle_status pti_generation_build(struct pti_trusted *set, const struct pti_manifest_source *source,
                                        struct pti_generation **generation, struct pti_error *error);
void pti_generation_free(struct pti_generation *generation);

/*
 * The same manifest under a newer timestamp that names it: held with the timestamp of set, whose root is the one that held
 * was verified under.  It shares with held all but timestamp and past zones, of which it has none; so of the two, one
 * must be freed by pti_generation_free_beside().  set is empty afterwards.  The caller fills in shipped and accepted_at.
 */
enum pintle_status pti_generation_renew(struct pti_trusted *set, const struct pti_generation *held,
                                        struct pti_generation **generation, struct pti_error *error);
/* Frees generation (NULL is legal) but what it shares with other, which may be any other or NULL. */
void pti_generation_free_beside(struct pti_generation *generation, const struct pti_generation *other);
void pti_generation_forget_past(struct pti_generation *generation); /* its past zones */

struct pti_generation_zone *pti_generation_zone(const struct pti_generation *generation, const char *name);

/* A source that reads from a container, and one that reads from a generation. */
struct pti_container;
struct pti_manifest_source pti_container_source(const struct pti_container *container);
struct pti_manifest_source pti_generation_source(const struct pti_generation *generation);

/*
 * When what stops being fresh: the earliest expiry of timestamp, snapshot, targets and (zone not NULL) that zone's role.
 * Unix seconds.
 */
int64_t pti_generation_expires(const struct pti_generation *generation, const struct pti_generation_zone *zone);

/*
 * When the hosts of zone (NULL: those of a zone without a file) start to be refused, and which bound says so:
 * stale_days after it expired (-1: never), or, of a shipped one, at the age that its charter allows.  PTI_NEVER.
 */
int64_t pti_generation_refuse_after(const struct pti_generation *generation, const struct pti_generation_zone *zone,
                                    int64_t stale_days, bool shipped, enum pintle_reason *reason);

/*
 * The generation file ("accepted" in a store, "shipped" in an app): a container of "generation.json" and its checksum,
 * "timestamp.json" and the entries of a body.  Reading verifies everything again under the root it names, expiry waived.
 * PINTLE_ERR_TRUST also if roots does not hold the root it names; see pti_generation_file_root().
 */
void pti_generation_write(const struct pti_generation *generation, struct pti_buf *out);
enum pintle_status pti_generation_read(struct pintle_bytes file, const struct pti_roots *roots, int64_t local_clock,
                                       struct pti_generation **generation, struct pti_error *error);
/* The same for bytes of the caller's, which the generation takes over on success; *file is empty then. */
enum pintle_status pti_generation_take(struct pintle_bytes *file, const struct pti_roots *roots, int64_t local_clock,
                                       struct pti_generation **generation, struct pti_error *error);
/* The root version a generation file names, without verifying anything.  PINTLE_ERR_INPUT. */
enum pintle_status pti_generation_file_root(struct pintle_bytes file, int64_t *root_version, struct pti_error *error);

/* The body of a generation: a container in the fixed order. */
void pti_generation_write_body(const struct pti_generation *generation, struct pti_buf *out);

#endif
