/* SPDX-License-Identifier: Apache-2.0 */
/* What is staged and to be signed, as every command says it: "targets: 1 of 2 signatures, waiting for one of: ...". */
#ifndef PTI_CLI_DRAFTS_H
#define PTI_CLI_DRAFTS_H

#include "cli/session.h"

#define PTI_WAITING_MAX 2048 /* bytes of "waiting for ..." with terminator; longer lists end in "..." */

/* "waiting for one of: alice (P-256 1a2b3c4d), bob (P-256 5e6f7a8b)"; "" if nothing is missing. */
void pti_drafts_waiting(const struct pti_role_state *role, const struct pti_key_names *names, char *out, size_t size);

/*
 * Appends the list "drafts", one line per draft in text, and, for JSON, the list "waiting" of keys that could sign and
 * have not.  dates: with version and expiry.  *missing, if not NULL, is the number of drafts that lack signatures.
 */
enum pintle_status pti_drafts_put(struct pti_printout *printout, struct pti_cli *cli, const struct pti_session *session,
                                  const char *title, bool dates, size_t *missing);
/* The list "waiting" alone, of roles. */
void pti_drafts_put_waiting(struct pti_printout *printout, const struct pti_role_state *roles, size_t count,
                            const struct pti_key_names *names);
/* After signing or merging: the drafts, and in one line what comes next. */
enum pintle_status pti_drafts_print(struct pti_session *session, struct pti_cli *cli, struct pti_printout *printout);

#endif
