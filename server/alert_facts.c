/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alert_facts.h"

#include <stdlib.h>
#include <string.h>

#include "server/disk.h"

enum pintle_status pti_alert_gatherer_init(struct pti_alert_gatherer *gatherer, const struct pti_alert_sources *from,
                                           struct pti_error *error)
{
    memset(gatherer, 0, sizeof *gatherer);
    gatherer->from = *from;
    gatherer->statuses = calloc(PTI_SERVED_MAX, sizeof *gatherer->statuses);
    if (!gatherer->statuses)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for alerts");
    return PINTLE_OK;
}

void pti_alert_gatherer_clear(struct pti_alert_gatherer *gatherer)
{
    free(gatherer->statuses);
    memset(gatherer, 0, sizeof *gatherer);
}

static void look_at_disk(struct pti_alert_gatherer *gatherer, int64_t now, struct pti_alert_disk *disk)
{
    struct pti_disk_use use;

    disk->size = 0;
    disk->full_in_s = -1;
    if (!pti_disk_look(gatherer->from.data, &use))
        return;
    disk->size = use.size;
    disk->available = use.available;
    pti_disk_trend_note(&gatherer->trend, now, use.available);
    disk->full_in_s = pti_disk_trend_full_in(&gatherer->trend, now, use.available);
}

void pti_alert_gather(struct pti_alert_gatherer *gatherer, int64_t now, struct pti_alert_facts *facts)
{
    const struct pti_service_status *boards = gatherer->from.status;

    memset(facts, 0, sizeof *facts);
    facts->now = now;
    for (size_t i = 0; i < boards->board_count; i++) {
        pti_status_board_read(boards->boards[i], &gatherer->statuses[i]);
        gatherer->repositories[i].name = boards->boards[i]->repository;
        gatherer->repositories[i].status = &gatherer->statuses[i];
    }
    facts->repositories = gatherer->repositories;
    facts->repository_count = boards->board_count;
    look_at_disk(gatherer, now, &facts->disk);
}
