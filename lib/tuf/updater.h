/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole client workflow of the TUF specification 1.0.34, section 5: roots, timestamp, snapshot, targets, and the search
 * through delegations for one target.  What is verified is decided by lib/tuf/trusted and lib/tuf/roots; this file knows the
 * order, what is asked for, and what is kept: each file as soon as it is verified, and never before.
 *
 * For whoever wants plain TUF.  Pintle's own client takes whole manifests instead (lib/manifest), over the same set.
 */
#ifndef PTI_TUF_UPDATER_H
#define PTI_TUF_UPDATER_H

#include "tuf/delegation.h"
#include "tuf/trusted.h"

#define PTI_TUF_DELEGATIONS_MAX 32 /* delegated roles looked at for one target */

/*
 * What the workflow is done with.  Names of roles are what metadata say, any bytes: whoever makes a URL or a file of them
 * escapes them (tuf/escape.h).  Bytes go into out, which is empty and has room for what may come.
 */
struct pti_updater_io {
    void *ctx;
    /* The file of a role; version 0 asks for the name without one.  *found false: it is not there.  PINTLE_ERR_NETWORK. */
    enum pintle_status (*fetch)(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error);
    /* What was kept last, "root" included.  PINTLE_ERR_STORAGE. */
    enum pintle_status (*load)(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                               struct pti_error *error);
    enum pintle_status (*keep)(void *ctx, struct pintle_bytes role, struct pintle_bytes bytes, struct pti_error *error);
    enum pintle_status (*forget)(void *ctx, struct pintle_bytes role, struct pti_error *error);
};

struct pti_updater {
    struct pti_updater_io io;
    enum pti_tuf_keyids keyids;
    struct pintle_crypto *crypto; /* borrowed */
    int64_t now;                  /* Unix seconds; one time for the whole update (5.1) */
    struct pti_tuf_metadata *root;
    struct pti_tuf_metadata *kept_timestamp, *kept_snapshot; /* NULL where nothing that verifies was kept */
    struct pti_trusted set;
    bool refreshed;
};

/* Nothing is asked for.  crypto is borrowed. */
void pti_updater_init(struct pti_updater *updater, const struct pti_updater_io *io, enum pti_tuf_keyids keyids,
                      struct pintle_crypto *crypto, int64_t now);
void pti_updater_clear(struct pti_updater *updater);

/*
 * Sections 5.2 to 5.6, up to the top-level targets.  Once per updater.  On failure what had been verified stays kept.
 * PINTLE_ERR_TRUST, PINTLE_ERR_INPUT, PINTLE_ERR_NETWORK, PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY; PINTLE_ERR_MISUSE.
 */
enum pintle_status pti_updater_refresh(struct pti_updater *updater, struct pti_error *error);

/*
 * The role that delegator (the top-level targets, or a role had from here) delegates to, fetched and verified for it.  For
 * who wants to see all of a repository.  *metadata belongs to the updater; NULL on failure.
 */
enum pintle_status pti_updater_role(struct pti_updater *updater, const struct pti_tuf_metadata *delegator,
                                    struct pintle_bytes role, const struct pti_tuf_metadata **metadata,
                                    struct pti_error *error);

/*
 * Section 5.6.7: looks for path in targets and then, in pre-order, through the delegations that cover it.  *file belongs to
 * the updater; NULL if no role that is trusted with the path has it.  After pti_updater_refresh().
 */
enum pintle_status pti_updater_find(struct pti_updater *updater, struct pintle_bytes path,
                                    const struct pti_tuf_file **file, struct pti_error *error);

#endif
