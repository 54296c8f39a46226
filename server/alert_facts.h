/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what the rules of server/alert_rules.h judge: from the boards, the database and the disk. */
#ifndef PTI_SERVER_ALERT_FACTS_H
#define PTI_SERVER_ALERT_FACTS_H

#include "server/alert_state.h"
#include "server/checks.h"
#include "server/database.h"
#include "server/mismatches.h"

/* Borrowed. */
struct pti_alert_sources {
    struct pti_service_status *status; /* complete before the first look */
    struct pti_database *database;
    const char *data;          /* directory */
    struct pti_checks *checks; /* which hosts there are */
};

/* One thread's; what the facts borrow lies in it. */
struct pti_alert_gatherer {
    struct pti_alert_sources from;
    struct pti_status *statuses; /* PTI_SERVED_MAX */
    struct pti_alert_repository repositories[PTI_SERVED_MAX];
    struct pti_disk_trend trend;
    struct pti_alert_edge *edges;
    struct pti_alert_edge_text *edge_texts; /* into which edges point */
    size_t edge_count, edge_room;
    struct pti_mismatches *recent, *before; /* PTI_ALERT_HOSTS_MAX each */
    struct pti_alert_traffic *traffic;      /* the same, pointing into recent */
    size_t before_count;
    int64_t before_at, before_s; /* when that was counted, 0: never; how long it is */
    int64_t now;
    bool told_traffic; /* that it cannot be read */
    bool told_edges;   /* that they cannot be read */
};

/* PINTLE_ERR_MEMORY; clear it in any case. */
enum pintle_status pti_alert_gatherer_init(struct pti_alert_gatherer *gatherer, const struct pti_alert_sources *from,
                                           struct pti_error *error);
void pti_alert_gatherer_clear(struct pti_alert_gatherer *gatherer);
/* Valid until the next call.  What cannot be read is logged and marked as not known. */
void pti_alert_gather(struct pti_alert_gatherer *gatherer, int64_t now, struct pti_alert_facts *facts);

#endif
