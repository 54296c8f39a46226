/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up the simulated repository; tests use sim_repository.h. */
#ifndef PTI_TESTS_SIM_SIGN_H
#define PTI_TESTS_SIM_SIGN_H

#include "publish/metadata_write.h"
#include "sim_machine.h"

#define SIM_TEXT_MAX 8000000

/* Keys that were replaced: freed at the end, for a thief may still sign with them. */
struct sim_history {
    struct pti_keyring keys;
    struct sim_signers root;           /* who signed the last root; borrowed keys */
    struct pintle_bytes targets_print; /* content of the last targets, without version and expiry */
};

struct sim_whole {
    struct sim sim;
    struct sim_history history;
};

struct sim_history *sim_history_of(struct sim *sim);
void sim_make_signers(struct sim *sim, struct sim_signers *signers, enum pti_key_kind kind, size_t count,
                      int64_t threshold);
struct pti_role_keys sim_role_keys(const struct sim_signers *signers); /* the caller clears it */
/* As pti_envelope_sign() does it, but nothing is checked, and two sets of signers may sign (root: old and new). */
struct pintle_bytes sim_sign_twice(const struct sim_signers *first, const struct sim_signers *second,
                                   struct pintle_bytes signed_json);
/* Signs the text in buf into *slot, and clears buf. */
void sim_sign_into(const struct sim_signers *signers, struct pti_buf *buf, struct pintle_bytes *slot);
/* What publish/bundle needs, borrowed from the sim; the caller frees zones and roots. */
struct pti_published sim_view(struct sim *sim);

#endif
