/* SPDX-License-Identifier: Apache-2.0 */
/* From what a probe saw to what is kept of it: pure. */
#ifndef PTI_SERVER_EDGE_FINDING_H
#define PTI_SERVER_EDGE_FINDING_H

#include "publish/fleet.h"
#include "server/edges.h"

/* What one generation's verdict says of the edge: a bound in time that refuses every key says nothing of this one. */
enum pti_edge_pinned pti_edge_pinned_by(enum pintle_reason reason);

/*
 * Fills everything of *finding but failures.  result counts if outcome is PTI_PROBE_SERVED, why (one line) if not;
 * document is empty before and receives what finding borrows, a JSON object.  PINTLE_ERR_MEMORY, PINTLE_ERR_INPUT (it
 * would be larger than PTI_EDGE_DOCUMENT_MAX).
 */
enum pintle_status pti_edge_find(enum pti_probe_outcome outcome, const struct pti_probe_result *result, const char *why,
                                 const struct pti_fleet *held, const char *host, int64_t now, struct pti_buf *document,
                                 struct pti_edge_finding *finding, struct pti_error *error);

#endif
