/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole chains for a collector that has never seen a leaf key: only if the charter allows it, only of connections whose
 * report this collector has just taken, and only when the same key is met again.  In memory, a few at a time; a chain that
 * cannot be kept is left alone.  Under the lock of the reports.
 */
#ifndef PTI_CLIENT_CHAIN_H
#define PTI_CLIENT_CHAIN_H

#include "client/report.h"

#define PTI_CHAINS_MAX 4

struct pti_chains {
    struct pti_chains_one {
        char host[PINTLE_HOST_MAX + 1];
        uint8_t leaf[PINTLE_SHA256_SIZE];
        struct pintle_bytes json; /* an array of certificates in base64, owned; empty: not met yet */
    } all[PTI_CHAINS_MAX];
    size_t count;
};

/*
 * Reads what a collector answered to the reports in body.  {"want-chain":["<base64 of a leaf's SPKI hash>"]}; whatever
 * else it says is ignored.
 */
void pti_chains_ask(struct pti_chains *chains, struct pintle_bytes answer, struct pintle_bytes body);
/* How many are asked for and not met yet. */
unsigned pti_chains_missing(const struct pti_chains *chains);
/* A chain was met whose evidence is this. */
void pti_chains_meet(struct pti_chains *chains, const struct pintle_bytes *chain, size_t count,
                     const struct pintle_evidence *evidence);
/* The report of the first that was met, for the wire; false if there is none. */
bool pti_chains_compose(const struct pti_chains *chains, const struct pti_report_settings *settings,
                        const struct pti_report_moment *moment, struct pti_buf *out);
/* That one was sent, or refused. */
void pti_chains_drop(struct pti_chains *chains);
void pti_chains_clear(struct pti_chains *chains);

#endif
