/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trusted set: the order of the TUF client workflow (specification 1.0.34, section 5) as a pure state machine.  It
 * takes bytes and a time, and moves from timestamp to snapshot to targets to delegated roles only when every check of that
 * step has passed.  It fetches nothing and stores nothing.
 *
 * A set starts under one root; who follows a chain of roots does that first (lib/tuf/roots) and starts the set under the
 * newest.  A previous timestamp and snapshot serve as the rollback baseline.
 */
#ifndef PTI_TUF_TRUSTED_H
#define PTI_TUF_TRUSTED_H

#include "tuf/metadata.h"

struct pti_trusted_role {
    struct pti_tuf_metadata *metadata;
    const struct pti_tuf_metadata *delegator; /* the root for targets */
    struct pintle_bytes name;                 /* lives as long as the delegator */
};

struct pti_trusted {
    struct pintle_crypto *crypto;        /* borrowed */
    const struct pti_tuf_metadata *root; /* borrowed */
    int64_t local_clock;                 /* Unix seconds, as the machine says; fixed for the whole update */
    int64_t now;                         /* metadata time: never less than local_clock nor any issue time taken */
    bool waive_expiry;                   /* nothing expires: for a generation that was accepted or shipped before */
    bool waive_delegated_expiry;         /* delegated roles do not expire: their staleness is somebody else's concern */
    const struct pti_tuf_metadata *baseline_timestamp; /* borrowed; NULL without a baseline */
    const struct pti_tuf_metadata *baseline_snapshot;  /* borrowed; NULL without a baseline */
    struct pti_tuf_metadata *timestamp;                /* NULL while the baseline's is still in force */
    struct pti_tuf_metadata *snapshot;
    struct pti_trusted_role *roles; /* targets first, then delegated roles, keyed by (delegator, role) */
    size_t role_count;
};

/* Starts under root, which is borrowed.  Its own expiry is checked by pti_trusted_check_root(). */
void pti_trusted_init(struct pti_trusted *set, struct pintle_crypto *crypto, const struct pti_tuf_metadata *root,
                      int64_t local_clock);
void pti_trusted_clear(struct pti_trusted *set);

/*
 * Offers the previous timestamp and snapshot, which are borrowed and were verified under verified_root, as baseline.  They
 * count only if both still verify under this root: a root that replaces either key lets versions start again
 * (specification 5.3.11).  issued is the largest issue time taken before (-1: none); it is a lower bound of now for as
 * long as this root accepts the timestamp.  That something does not count is no error; PINTLE_ERR_MEMORY is.
 */
enum pintle_status pti_trusted_set_baseline(struct pti_trusted *set, const struct pti_tuf_metadata *timestamp,
                                            const struct pti_tuf_metadata *snapshot, int64_t issued,
                                            int64_t verified_root, struct pti_error *error);

enum pintle_status pti_trusted_check_root(const struct pti_trusted *set, struct pti_error *error);

/* The timestamp in force: the one taken in this update, or the baseline's; NULL if there is neither. */
const struct pti_tuf_metadata *pti_trusted_timestamp(const struct pti_trusted *set);

/*
 * Each of these leaves the set as it was on failure: PINTLE_ERR_INPUT (form), PINTLE_ERR_TRUST (signature, version,
 * rollback, hash, length, expiry), PINTLE_ERR_MEMORY; PINTLE_ERR_MISUSE out of order: what a later step was verified
 * against is not replaced, and a role is taken once.
 *
 * A timestamp of equal version is discarded without error and the previous one stays in force.  The bytes of the one in
 * force are not verified a second time; expiry is.
 * Its x-pintle-issued, if it is at most a day ahead of local_clock, becomes a lower bound of now at once.
 */
enum pintle_status pti_trusted_update_timestamp(struct pti_trusted *set, struct pintle_bytes bytes,
                                                struct pti_error *error);
/*
 * Are snapshot and targets, which were verified together under this very root, what the timestamp in force names, and
 * have they not expired?  Bytes that verified once are not verified again.
 */
enum pintle_status pti_trusted_confirm(const struct pti_trusted *set, const struct pti_tuf_metadata *snapshot,
                                       const struct pti_tuf_metadata *targets, struct pti_error *error);
enum pintle_status pti_trusted_update_snapshot(struct pti_trusted *set, struct pintle_bytes bytes,
                                               struct pti_error *error);
enum pintle_status pti_trusted_update_targets(struct pti_trusted *set, struct pintle_bytes bytes,
                                              struct pti_error *error);
/* A role that delegator (of this set) delegates to. */
enum pintle_status pti_trusted_update_delegated(struct pti_trusted *set, struct pintle_bytes bytes,
                                                const struct pti_tuf_metadata *delegator, struct pintle_bytes role,
                                                struct pti_error *error);

/* What the timestamp says of the snapshot; what the snapshot says of a role ("targets", "payments"); NULL if not listed. */
const struct pti_tuf_file *pti_trusted_snapshot_file(const struct pti_trusted *set);
const struct pti_tuf_file *pti_trusted_role_file(const struct pti_trusted *set, struct pintle_bytes role);
const struct pti_tuf_metadata *pti_trusted_targets(const struct pti_trusted *set);
const struct pti_tuf_metadata *pti_trusted_role(const struct pti_trusted *set, const struct pti_tuf_metadata *delegator,
                                                struct pintle_bytes role);

#endif
