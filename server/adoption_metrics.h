/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pintle_adoption_ratio: which share of the registered releases holds what is published now, over the last seven
 * days.
 */
#ifndef PTI_SERVER_ADOPTION_METRICS_H
#define PTI_SERVER_ADOPTION_METRICS_H

#include "server/answer.h"

/* Of every zone of every repository of which anything was counted; nothing if the database cannot be read. */
void pti_adoption_write_metrics(const struct pti_routes *routes, int64_t now, struct pti_buf *out);

#endif
