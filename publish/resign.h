/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewing timestamp and snapshot before they expire, for a signer process that holds two keys and nothing else.  It
 * signs what it has itself parsed and verified under the root: same content, later dates, higher versions.  What it
 * renews may have expired already: a server that was down for a week recovers.
 */
#ifndef PTI_PUBLISH_RESIGN_H
#define PTI_PUBLISH_RESIGN_H

#include "publish/publish.h"

struct pti_resign_input {
    struct pintle_bytes root;     /* newest root metadata; trusted by the caller */
    struct pintle_bytes snapshot; /* current metadata, as published */
    struct pintle_bytes timestamp;
    const struct pti_keyring *keys; /* timestamp keys; snapshot keys too when the snapshot is renewed */
    int64_t timestamp_version;      /* allocated by the caller: above the current one; 0: current + 1 */
    int64_t snapshot_version;       /* likewise */
    bool renew_snapshot;            /* see struct pti_resign_dates */
    struct pti_expiry_days days;
    int64_t now; /* Unix seconds */
    struct pintle_crypto *crypto;
};

struct pti_resigned {
    struct pintle_bytes timestamp; /* owned */
    struct pintle_bytes snapshot;  /* owned; empty unless renewed */
};

/*
 * Pure.  PINTLE_ERR_TRUST: snapshot or timestamp do not verify under root, do not belong together, or a key is missing.
 * PINTLE_ERR_INPUT: malformed, or a version that does not rise.
 */
enum pintle_status pti_resign(const struct pti_resign_input *input, struct pti_resigned *resigned,
                              struct pti_error *error);
void pti_resigned_clear(struct pti_resigned *resigned);

struct pti_resign_dates {
    int64_t timestamp_at; /* Unix seconds: renew from then on (half of its life is over) */
    int64_t snapshot_at;
    int64_t targets_expires; /* Unix seconds; and of the earliest zone: for warnings, offline people renew these */
    int64_t zone_expires;
    char zone[64]; /* the earliest */
};

/* When renewal is due, from the published state. PINTLE_ERR_INPUT. */
enum pintle_status pti_resign_dates_of(const struct pti_published *published, const struct pti_expiry_days *days,
                                       struct pti_resign_dates *dates, struct pti_error *error);

/*
 * Renews what is due at now, or the timestamp in any case (always), with the keys of ring; nothing due is PINTLE_OK with
 * neither renewed.  The stage is not looked at.  Where only the snapshot's keys are missing, and it has not expired, the
 * timestamp is renewed alone and *lacking says what is missing.  Needs PTI_REPOSITORY_PUBLISHED or _WRITE.
 * PINTLE_ERR_INPUT: the last publication is dated more than a day ahead of now.  Otherwise as the functions here.
 */
struct pti_renewed {
    bool timestamp, snapshot;
    struct pti_error lacking; /* PINTLE_OK: nothing */
};
enum pintle_status pti_resign_repository(struct pti_repository *repository, const struct pti_keyring *ring, bool always,
                                         int64_t now, struct pti_renewed *renewed, struct pti_error *error);

/*
 * Verifies with the client's own code that resigned fits the published state, then writes <n>.snapshot.json and body
 * if renewed, timestamp.json, every head/<n> and app/shipped.  Needs PTI_REPOSITORY_WRITE.
 */
enum pintle_status pti_publish_resigned(struct pti_repository *repository, const struct pti_resigned *resigned,
                                        int64_t now, struct pti_error *error);

#endif
