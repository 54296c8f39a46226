/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verification of a repository: a real client, without any store, takes it from its first root to its newest
 * generation; once as clients poll it, by head and body, and once by the plain TUF files.
 */
#ifndef PTI_CLI_VERIFICATION_H
#define PTI_CLI_VERIFICATION_H

#include "base/json.h"
#include "cli/agreement.h"
#include "cli/cli.h"
#include "publish/file.h"

#define PTI_VERIFICATION_NOTICES_MAX 64

struct pti_verification {
    struct pti_cli *cli;
    struct pintle_crypto *crypto; /* during the verification */
    int64_t timeout_ms;
    bool remote;                                 /* a URL; else a directory */
    const char *url;                             /* the base URL */
    const char *ca;                              /* --ca, or NULL */
    char directory[PTI_PATH_MAX];                /* public/, unless remote */
    char repository[PTI_PATH_MAX];               /* the directory above it with app/ in it; "" if that was not given */
    struct pintle_bytes roots;                   /* the trust anchor, owned */
    bool anchored;                               /* it was given, not taken from the repository itself */
    char *notices[PTI_VERIFICATION_NOTICES_MAX]; /* what the clients said has no effect; owned */
    size_t notice_count;
    struct pti_json *info; /* pintle_client_info() of the client that followed head and body */
    struct pti_agreement agreement;
};

/*
 * Verifies what the operand of cli names, with its --roots, --ca and --timeout.  roots are the bytes of --roots, taken
 * over, for a pipe is read once; empty without it.  Clear *verification afterwards in any
 * case.  The status and the detail in cli->error are those of the first client or file that failed.
 */
enum pintle_status pti_verification_run(struct pti_verification *verification, struct pti_cli *cli,
                                        struct pintle_bytes roots);
void pti_verification_clear(struct pti_verification *verification);

#endif
