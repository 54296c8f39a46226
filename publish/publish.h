/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing: from a signed stage to files that clients take.
 *
 * It promises that nothing is written unless the client's own code accepts the complete new generation, over the one
 * published before and as a fresh client, and would ignore nothing in it; that files appear in an order in which no
 * client ever sees a reference to a missing one; and that a crash at any instruction leaves the old publication or the
 * new one (heads that lag behind are completed by the next writer).  Versions only rise; old versioned files stay.
 */
#ifndef PTI_PUBLISH_PUBLISH_H
#define PTI_PUBLISH_PUBLISH_H

#include "manifest/generation.h"
#include "publish/output.h"
#include "publish/repository.h"

struct pti_publish_input {
    const struct pti_published *current; /* empty (root_count 1, no timestamp) for the first publication */
    const struct pti_stage *stage;       /* over current */
    const struct pti_keyring *keys;      /* snapshot and timestamp keys, at their thresholds, are among them */
    int64_t now;                         /* Unix seconds */
    struct pintle_crypto *crypto;
    const struct pti_file_source *source; /* of public/: which file names are taken; NULL: none beyond current */
    bool clock_is_right;                  /* though it is far behind the last publication */
};

/*
 * Pure: the files of the next publication, in publish order: zone files, charter, zone roles, targets, snapshot, body,
 * the new root, timestamp, app/roots, app/shipped, heads.  PINTLE_ERR_TRUST: a threshold is missing ("targets: 1 of 2 signatures;
 * ...") or a client would reject it; PINTLE_ERR_INPUT: a client would ignore part of it; each says what and what to do.
 */
enum pintle_status pti_publish_assemble(const struct pti_publish_input *input, struct pti_output *output,
                                        struct pti_error *error);

/*
 * Verifies next with the client's own code, as a fresh client and over current (if that has a timestamp), and refuses
 * what a client would ignore.  On success the caller owns *generation.
 */
enum pintle_status pti_publish_check(const struct pti_published *current, const struct pti_published *next, int64_t now,
                                     bool clock_is_right, struct pintle_crypto *crypto,
                                     struct pti_generation **generation, struct pti_error *error);
/* PINTLE_ERR_INPUT: what is published is dated further ahead of now than clients believe, so the clock is wrong. */
enum pintle_status pti_publish_check_clock(const struct pti_tuf_metadata *timestamp, int64_t now,
                                           struct pti_error *error);
/*
 * Appends what follows from a checked state: body, roots after version roots_before, timestamp, app files, heads.  The
 * head of the newest root is the last.
 */
enum pintle_status pti_publish_bundles(const struct pti_published *next, size_t roots_before,
                                       struct pti_generation *generation, struct pintle_crypto *crypto,
                                       struct pti_output *output, struct pti_error *error);

struct pti_publish_result {
    size_t root_version;
    int64_t timestamp_version, snapshot_version, targets_version, charter_version;
    size_t file_count; /* written */
};

/*
 * Signs the drafts with whatever keys fit, assembles, writes and empties the stage; with repository->only those of some
 * roles, and the others stay.  Without drafts it renews snapshot and timestamp.  Needs PTI_REPOSITORY_WRITE.  On success repository->published and ->stage are the new ones.
 */
enum pintle_status pti_publish(struct pti_repository *repository, const struct pti_keyring *keys, int64_t now,
                               struct pti_publish_result *result, struct pti_error *error);

/*
 * Completes what an interrupted publication left undone (body, heads, app files that lag behind timestamp.json).
 * pti_repository_open() for writing has done this already.  One that ended right after a root with other online keys
 * needs these keys: it is left as it is, clients see the state before, and publishing completes it.
 */
enum pintle_status pti_publish_repair(struct pti_repository *repository, int64_t now, struct pti_error *error);

#endif
