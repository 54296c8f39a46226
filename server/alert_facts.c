/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alert_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/disk.h"
#include "server/edges.h"
#include "server/log.h"

#define BEFORE_S (7 * 86400)
#define STALE_S 86400 /* what was found at an edge so long ago says nothing any more */

struct pti_alert_edge_text {
    char repository[PTI_REPOSITORY_NAME_SIZE], host[PINTLE_HOST_MAX + 1], address[PTI_DIAL_ADDRESS_SIZE + 8];
};

enum pintle_status pti_alert_gatherer_init(struct pti_alert_gatherer *gatherer, const struct pti_alert_sources *from,
                                           struct pti_error *error)
{
    memset(gatherer, 0, sizeof *gatherer);
    gatherer->from = *from;
    gatherer->statuses = calloc(PTI_SERVED_MAX, sizeof *gatherer->statuses);
    gatherer->recent = calloc(PTI_ALERT_HOSTS_MAX, sizeof *gatherer->recent);
    gatherer->before = calloc(PTI_ALERT_HOSTS_MAX, sizeof *gatherer->before);
    gatherer->traffic = calloc(PTI_ALERT_HOSTS_MAX, sizeof *gatherer->traffic);
    if (!gatherer->statuses || !gatherer->recent || !gatherer->before || !gatherer->traffic)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for alerts");
    return PINTLE_OK;
}

void pti_alert_gatherer_clear(struct pti_alert_gatherer *gatherer)
{
    free(gatherer->statuses);
    free(gatherer->recent);
    free(gatherer->before);
    free(gatherer->traffic);
    free(gatherer->edges);
    free(gatherer->edge_texts);
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

/* ---- mismatches ---- */

/* A week of cells is read once in a window only. */
static enum pintle_status count_before(struct pti_alert_gatherer *gatherer, struct pti_error *error)
{
    int64_t until = gatherer->now - PTI_ALERT_WINDOW_S, oldest = until;
    enum pintle_status status;

    if (gatherer->before_at != 0 && gatherer->before_at <= gatherer->now &&
        gatherer->now - gatherer->before_at < PTI_ALERT_WINDOW_S)
        return PINTLE_OK;
    status = pti_mismatches_count(gatherer->from.database, until - BEFORE_S, until, gatherer->before,
                                  PTI_ALERT_HOSTS_MAX, &gatherer->before_count, error);
    for (size_t i = 0; i < gatherer->before_count; i++)
        oldest = gatherer->before[i].oldest < oldest ? gatherer->before[i].oldest : oldest;
    gatherer->before_s = until - oldest;
    gatherer->before_at = status == PINTLE_OK ? gatherer->now : 0;
    return status;
}

static void look_at_traffic(struct pti_alert_gatherer *gatherer, struct pti_alert_facts *facts)
{
    enum pintle_status status;
    struct pti_error error;
    size_t count = 0;

    status = count_before(gatherer, &error);
    if (status == PINTLE_OK)
        status = pti_mismatches_count(gatherer->from.database, gatherer->now - PTI_ALERT_WINDOW_S, INT64_MAX,
                                      gatherer->recent, PTI_ALERT_HOSTS_MAX, &count, &error);
    for (size_t i = 0; i < count; i++) {
        const struct pti_mismatches *recent = &gatherer->recent[i];
        const struct pti_mismatches *before = pti_mismatches_of(gatherer->before, gatherer->before_count,
                                                                recent->repository, recent->host);

        gatherer->traffic[i] = (struct pti_alert_traffic){
            recent->repository,           recent->host,       recent->reports,
            before ? before->reports : 0, gatherer->before_s, pti_checks_has(gatherer->from.checks, recent->host)};
    }
    facts->traffic = gatherer->traffic;
    facts->traffic_count = count;
    facts->traffic_known = status == PINTLE_OK;
    if (!facts->traffic_known && !gatherer->told_traffic)
        pti_log(PTI_LOG_ERROR, "alert: how many mismatches there are is not known: %s", error.detail);
    gatherer->told_traffic = !facts->traffic_known;
}

/* ---- edges ---- */

static bool make_room(struct pti_alert_gatherer *gatherer)
{
    size_t room = gatherer->edge_room > 0 ? 2 * gatherer->edge_room : 16;
    void *grown;

    if (gatherer->edge_count < gatherer->edge_room)
        return true;
    grown = realloc(gatherer->edges, room * sizeof *gatherer->edges);
    if (!grown)
        return false;
    gatherer->edges = grown;
    grown = realloc(gatherer->edge_texts, room * sizeof *gatherer->edge_texts);
    if (!grown)
        return false;
    gatherer->edge_texts = grown;
    gatherer->edge_room = room;
    return true;
}

static bool take_edge(void *ctx, const struct pti_edge *edge)
{
    struct pti_alert_gatherer *gatherer = ctx;
    struct pti_alert_edge_text *text;
    struct pti_alert_edge *taken;

    if (edge->finding.probed == 0 || gatherer->now - edge->finding.probed > STALE_S)
        return true;
    if (!make_room(gatherer))
        return false;
    text = &gatherer->edge_texts[gatherer->edge_count];
    taken = &gatherer->edges[gatherer->edge_count++];
    pti_copy_text(text->repository, sizeof text->repository, edge->key.repository);
    pti_copy_text(text->host, sizeof text->host, edge->key.host);
    snprintf(text->address, sizeof text->address, strchr(edge->key.address, ':') ? "[%s]:%u" : "%s:%u",
             edge->key.address, (unsigned)edge->key.port);
    taken->key = pti_edge_key_type(edge->key.key);
    taken->not_before = edge->finding.not_before;
    taken->not_after = edge->finding.leaf[0] ? edge->finding.not_after : 0;
    switch (edge->finding.pinned) {
    case PTI_EDGE_UNKNOWN:
        taken->served = PTI_ALERT_EDGE_UNSEEN;
        break;
    case PTI_EDGE_PINNED:
        taken->served = PTI_ALERT_EDGE_FINE;
        break;
    case PTI_EDGE_UNPINNED:
        taken->served = PTI_ALERT_EDGE_BAD;
        break;
    }
    return true;
}

static void look_at_edges(struct pti_alert_gatherer *gatherer, struct pti_alert_facts *facts)
{
    const struct pti_edge_query query = {.active = true, .limit = PTI_EDGES_MAX, .row = take_edge, .ctx = gatherer};
    struct pti_error error;

    gatherer->edge_count = 0;
    facts->edges_known = pti_edges_list(gatherer->from.database, &query, &error) == PINTLE_OK;
    if (!facts->edges_known) {
        if (!gatherer->told_edges)
            pti_log(PTI_LOG_ERROR, "alert: what edges serve is not known: %s", error.detail);
        gatherer->told_edges = true;
        return;
    }
    gatherer->told_edges = false;
    for (size_t i = 0; i < gatherer->edge_count; i++) { /* now that the texts stay where they are */
        gatherer->edges[i].repository = gatherer->edge_texts[i].repository;
        gatherer->edges[i].host = gatherer->edge_texts[i].host;
        gatherer->edges[i].address = gatherer->edge_texts[i].address;
    }
    facts->edges = gatherer->edges;
    facts->edge_count = gatherer->edge_count;
}

void pti_alert_gather(struct pti_alert_gatherer *gatherer, int64_t now, struct pti_alert_facts *facts)
{
    const struct pti_service_status *boards = gatherer->from.status;

    memset(facts, 0, sizeof *facts);
    facts->now = gatherer->now = now;
    for (size_t i = 0; i < boards->board_count; i++) {
        pti_status_board_read(boards->boards[i], &gatherer->statuses[i]);
        gatherer->repositories[i].name = boards->boards[i]->repository;
        gatherer->repositories[i].status = &gatherer->statuses[i];
    }
    facts->repositories = gatherer->repositories;
    facts->repository_count = boards->board_count;
    look_at_traffic(gatherer, facts);
    look_at_edges(gatherer, facts);
    look_at_disk(gatherer, now, &facts->disk);
}
