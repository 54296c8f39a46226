/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checker is what a TLS adapter is given.  It stands for a fixed pinset (pintle_checker_new_static) or follows a client
 * and always uses its newest pins (pintle_client_checker).  Any thread; a check never waits for an update.
 */
#ifndef PINTLE_CHECKER_H
#define PINTLE_CHECKER_H

#include <pintle/pinset.h>

PINTLE_BEGIN_DECLS

struct pintle_checker;

/*
 * A checker of one pinset: it reports to nobody and heals nothing.  Takes its own references to pinset and crypto.
 * On success *checker is owned by the caller.  PINTLE_ERR_MISUSE (a NULL argument), PINTLE_ERR_MEMORY,
 * PINTLE_ERR_UNSUPPORTED: the pinset comes from a client and is bounded in time, which a checker without a clock cannot
 * keep; use pintle_client_checker().
 */
PINTLE_API enum pintle_status pintle_checker_new_static(struct pintle_pinset *pinset, struct pintle_crypto *crypto,
                                                        struct pintle_checker **checker);

/* Takes another reference and returns it; adapters keep one while a TLS context may call back.  NULL is legal. */
PINTLE_API struct pintle_checker *pintle_checker_ref(struct pintle_checker *checker);

/* Drops a reference; the last one frees.  NULL is legal.  A checker may outlive its client: it keeps the last pins. */
PINTLE_API void pintle_checker_free(struct pintle_checker *checker);

/*
 * Extracts what the pinset of this moment needs from a verified chain; see pintle_evidence_init() for the contract.
 */
PINTLE_API enum pintle_status pintle_checker_evidence(struct pintle_checker *checker, const struct pintle_bytes *chain,
                                                      size_t count, struct pintle_evidence *evidence);

/*
 * Decides on a full handshake.  The checker of a client also emits events, queues a report and, on a mismatch, asks for
 * one rate-limited refresh: the status is then PINTLE_ERR_RETRY (pintle_client_heal() makes it).  None of this blocks.  Always fills *verdict and
 * returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_checker_check(struct pintle_checker *checker, const char *host,
                                                   const struct pintle_evidence *evidence,
                                                   struct pintle_verdict *verdict);

/*
 * Would a session with this evidence be accepted for host under today's pins?  For resumption: no event, no report, no
 * refresh.  Fills *verdict like pintle_checker_check().
 */
PINTLE_API enum pintle_status pintle_checker_peek(struct pintle_checker *checker, const char *host,
                                                  const struct pintle_evidence *evidence,
                                                  struct pintle_verdict *verdict);

PINTLE_END_DECLS

#endif
