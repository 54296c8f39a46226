/* SPDX-License-Identifier: Apache-2.0 */
/* Edges for Prometheus.  Labels are those of active edges, of which there are at most PTI_EDGES_MAX. */
#ifndef PTI_SERVER_EDGES_METRICS_H
#define PTI_SERVER_EDGES_METRICS_H

#include "server/database.h"

/* What cannot be read is left out. */
void pti_edges_write_metrics(struct pti_database *database, struct pti_buf *out);

#endif
