/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verification of a plain TUF repository, made by whatever program: the client workflow of lib/tuf/updater, as
 * pintle-tuf does it, then every role that is delegated to, and what other clients would stumble over.
 */
#ifndef PTI_CLI_FOREIGN_H
#define PTI_CLI_FOREIGN_H

#include <pintle/transport.h>

#include "cli/cli.h"
#include "publish/file.h"
#include "tuf/updater.h"

#define PTI_FOREIGN_ROLES_MAX 1024
#define PTI_FOREIGN_NOTES_MAX 64

struct pti_foreign_role {
    struct pintle_bytes id, delegator_id; /* their names as they are; the updater's, or static */
    char name[PTI_KEYID_SIZE + 1], delegator[PTI_KEYID_SIZE + 1]; /* to be shown; cut short if longer */
    const struct pti_tuf_metadata *metadata;                      /* the updater's; NULL: it does not verify */
    const struct pti_tuf_signers *signers;
    const struct pti_tuf_keys *keys;
    char problem[PTI_ERROR_DETAIL_MAX];
};

struct pti_foreign {
    struct pti_cli *cli;
    struct pintle_crypto *crypto;
    struct pintle_transport transport;
    char base[PTI_PATH_MAX];  /* the URL below which metadata lie */
    int64_t now;              /* Unix seconds */
    int64_t give_up_at;       /* likewise */
    struct pintle_bytes root; /* what is trusted at first */
    bool anchored;            /* it was given with --roots */
    int64_t first_root;       /* its version */
    struct pti_updater updater;
    struct pti_foreign_role *roles; /* the top-level ones first */
    size_t role_count;
    char *notes[PTI_FOREIGN_NOTES_MAX];
    size_t note_count;
    enum pintle_status worst; /* of the delegated roles; PINTLE_OK: all verify */
};

/*
 * Is what cli's operand names a TUF repository that is none of Pintle's, that is, whose root carries no x-pintle-repo?
 * *yes is false too where nothing can be fetched or read: who verifies a repository of Pintle's says why.  Clear *foreign in any
 * case.  PINTLE_ERR_STORAGE, PINTLE_ERR_INPUT (--roots), PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_foreign_find(struct pti_foreign *foreign, struct pti_cli *cli, bool *yes);
/*
 * Verifies it.  On success roles and notes are what was found; a delegated role that does not verify is one of them, with
 * foreign->worst the status of the first.
 */
enum pintle_status pti_foreign_run(struct pti_foreign *foreign);
void pti_foreign_clear(struct pti_foreign *foreign);

/* Fills notes: what a client, this one or another, would stumble over. */
void pti_foreign_lint(struct pti_foreign *foreign);

#endif
