/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reports that wait, in the store: shared by all processes on it, read as untrusted input, and never touched by a
 * handshake (docs/design/0018-reports-and-adoption.md).
 */
#ifndef PTI_CLIENT_OUTBOX_H
#define PTI_CLIENT_OUTBOX_H

#include "client/client.h"

#define PTI_STORE_REPORTS "reports"

/*
 * What a store holds.  Strict: PINTLE_ERR_INPUT for anything that pti_outbox_write() does not write, a report with a field
 * outside the allow-list among it; *reports is then empty.  Of reports only what is kept in the store is read or written.
 */
enum pintle_status pti_outbox_parse(struct pintle_bytes text, struct pti_reports *reports, struct pti_error *error);
void pti_outbox_write(const struct pti_reports *reports, struct pti_buf *out);

/* A client starts: what the store holds is its queue, and what was told in the last day is not told again. */
void pti_outbox_start(struct pintle_client *client);

/*
 * Makes the queue in memory and the one in the store the same: what is new here is written, what another process has sent
 * or told is dropped, and totals are added when they are due.  A store that cannot be read or written is told once; the
 * queue then lives in memory.  With the turn.
 */
void pti_outbox_sync(struct pintle_client *client);

/* The same for a thread of our own, which has no turn; it waits for one until deadline_ms have passed. */
void pti_outbox_keep(struct pintle_client *client, int64_t deadline_ms);

/* pti_outbox_sync() if there is something that the store does not hold. */
void pti_outbox_sync_if_changed(struct pintle_client *client);

#endif
