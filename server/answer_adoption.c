/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/adoption: what was counted, which share of it holds a version, and counts from access logs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/datetime.h"
#include "server/adoption.h"
#include "server/adoption_batch.h"
#include "server/limits.h"
#include "server/page.h"

#define DAY_S 86400
#define DAYS_DEFAULT 7
#define MILLION 1000000

/* "" of the repository at the root; a name that is not served has been answered. */
static bool take_repository(const struct pti_listener *listener, struct pti_http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < listener->routes->served_count; i++)
        if (strcmp(listener->routes->served[i].name, name) == 0)
            return true;
    pti_answer_error(listener, exchange, PTI_ROUTE_ADOPTION, 404, "there is no repository of that name here");
    return false;
}

/* The last `days` days, today among them. */
static bool take_query(const struct pti_listener *listener, struct pti_http_exchange *exchange,
                       struct pti_adoption_query *query)
{
    const char *repository = pti_http_query(exchange, "repository");
    int64_t days = DAYS_DEFAULT;

    query->repository = repository ? pti_repository_read(repository) : "";
    query->to = (int64_t)time(NULL) / DAY_S;
    if (!pti_query_number(listener, exchange, PTI_ROUTE_ADOPTION, "days", 1, PTI_ADOPTION_DAYS_KEPT, &days) ||
        !take_repository(listener, exchange, query->repository))
        return false;
    query->from = query->to - days + 1;
    return true;
}

static void put_zone(struct pti_json_writer *json, struct pintle_bytes zone)
{
    if (zone.size > 0)
        pti_json_put_string(json, "zone", zone);
    else
        pti_json_put_null(json, "zone");
}

static void put_counts(struct pti_json_writer *json, int64_t hits, int64_t days, int64_t weeks)
{
    pti_json_put_integer(json, "hits", hits);
    pti_json_put_integer(json, "d", days);
    pti_json_put_integer(json, "w", weeks);
}

/* ---- GET /v1/adoption ---- */

#define CURSOR_PARTS 6

/* The key of a row; no part of one holds a '/'. */
static void write_cursor(const struct pti_adoption_row *row, struct pti_buf *out)
{
    const struct pintle_bytes parts[] = {row->app, row->app_version, row->os, row->source};

    pti_buf_append(out, row->zone.data, row->zone.size);
    pti_buf_printf(out, "/%" PRId64, row->version);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        pti_buf_text(out, "/");
        pti_buf_append(out, parts[i].data, parts[i].size);
    }
}

/* row borrows from cursor. */
static bool read_cursor(const char *cursor, struct pti_adoption_row *row)
{
    struct pintle_bytes parts[CURSOR_PARTS];
    char *end = NULL;
    size_t count = 0;

    for (;; cursor++) {
        size_t length = strcspn(cursor, "/");

        if (count == CURSOR_PARTS)
            return false;
        parts[count++] = (struct pintle_bytes){(const uint8_t *)cursor, length};
        cursor += length;
        if (*cursor == '\0')
            break;
    }
    if (count != CURSOR_PARTS || parts[1].size == 0 || parts[1].size > 16)
        return false;
    *row = (struct pti_adoption_row){
        .zone = parts[0], .app = parts[2], .app_version = parts[3], .os = parts[4], .source = parts[5]};
    row->version = strtoll((const char *)parts[1].data, &end, 10);
    return (const uint8_t *)end == parts[1].data + parts[1].size;
}

static bool put_row(void *ctx, const struct pti_adoption_row *row)
{
    struct pti_list *list = ctx;
    struct pti_buf cursor;
    const char *text;

    pti_buf_init(&cursor, PTI_CURSOR_MAX);
    write_cursor(row, &cursor);
    text = pti_buf_cstr(&cursor);
    if (text && pti_list_wants(list, text)) {
        pti_json_begin_object(&list->json, NULL);
        put_zone(&list->json, row->zone);
        pti_json_put_integer(&list->json, "version", row->version);
        pti_json_put_string(&list->json, "app", row->app);
        pti_json_put_string(&list->json, "app_version", row->app_version);
        pti_json_put_string(&list->json, "os", row->os);
        pti_json_put_string(&list->json, "source", row->source);
        put_counts(&list->json, row->hits, row->days, row->weeks);
        pti_json_end_object(&list->json);
    }
    pti_buf_clear(&cursor);
    return text && pti_list_sound(list);
}

void pti_answer_adoption(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", "days", NULL};
    struct pti_adoption_query query;
    struct pti_adoption_row after;
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_ADOPTION, names, &page) || !take_query(listener, exchange, &query))
        return;
    if (page.after && !read_cursor(page.after, &after)) {
        pti_page_refuse(listener, exchange, PTI_ROUTE_ADOPTION);
        return;
    }
    pti_list_begin(&list, &page);
    status = pti_adoption_list(listener->routes->storage, &query, page.after ? &after : NULL, page.limit + 1, put_row,
                               &list, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_ADOPTION, status, &error);
}

/* ---- GET /v1/adoption/zones ---- */

struct sums {
    int64_t hits, days, weeks;
};

struct zones {
    struct pti_list *list;
    const struct pti_holding *published;
    const char *after;                   /* zones up to this one were on the pages before */
    int64_t at_least;                    /* -1: each zone's published version */
    char zone[PINTLE_ZONE_NAME_MAX + 2]; /* the one being written; "/" before the first */
    bool wanted;
    int64_t threshold;
    struct sums all, holding, registered, registered_holding;
};

static int64_t published_version(const struct pti_holding *published, const char *zone)
{
    for (size_t i = 0; zone[0] != '\0' && i < published->zone_count; i++)
        if (strcmp(published->zones[i].name, zone) == 0)
            return published->zones[i].version;
    return zone[0] == '\0' ? published->charter : 0;
}

static void add_sums(struct sums *sums, const struct pti_adoption_version *version)
{
    sums->hits = pti_tally_sum(sums->hits, version->hits);
    sums->days = pti_tally_sum(sums->days, version->days);
    sums->weeks = pti_tally_sum(sums->weeks, version->weeks);
}

/* Out of a million; null of nothing. */
static void put_share(struct pti_json_writer *json, const char *name, int64_t part, int64_t whole)
{
    if (whole == 0)
        pti_json_put_null(json, name);
    else
        pti_json_put_integer(json, name,
                             part > INT64_MAX / MILLION ? part / (whole / MILLION) : part * MILLION / whole);
}

static void put_shares(struct pti_json_writer *json, const char *name, const struct sums *part,
                       const struct sums *whole)
{
    pti_json_begin_object(json, name);
    put_counts(json, whole->hits, whole->days, whole->weeks);
    put_share(json, "hits_ppm", part->hits, whole->hits);
    put_share(json, "d_ppm", part->days, whole->days);
    put_share(json, "w_ppm", part->weeks, whole->weeks);
    pti_json_end_object(json);
}

static void end_zone(struct zones *zones)
{
    if (zones->zone[0] == '/' || !zones->wanted)
        return;
    pti_json_end_array(&zones->list->json);
    put_shares(&zones->list->json, "all", &zones->holding, &zones->all);
    put_shares(&zones->list->json, "registered", &zones->registered_holding, &zones->registered);
    pti_json_end_object(&zones->list->json);
}

/* A cursor is never empty: that of the charter, which has no name and comes first, is "/". */
static void begin_zone(struct zones *zones, struct pintle_bytes name)
{
    struct pti_json_writer *json = &zones->list->json;
    int64_t published;

    end_zone(zones);
    if (name.size > 0)
        memcpy(zones->zone, name.data, name.size);
    zones->zone[name.size] = '\0';
    zones->all = zones->holding = zones->registered = zones->registered_holding = (struct sums){0, 0, 0};
    published = published_version(zones->published, zones->zone);
    zones->threshold = zones->at_least >= 0 ? zones->at_least : published;
    zones->wanted = (!zones->after || (zones->zone[0] != '\0' && strcmp(zones->zone, zones->after) > 0)) &&
                    pti_list_wants(zones->list, zones->zone[0] != '\0' ? zones->zone : "/");
    if (!zones->wanted)
        return;
    pti_json_begin_object(json, NULL);
    put_zone(json, name);
    pti_json_put_integer(json, "published", published);
    pti_json_put_integer(json, "at_least", zones->threshold);
    pti_json_begin_array(json, "versions");
}

static bool put_version(void *ctx, const struct pti_adoption_version *version)
{
    struct zones *zones = ctx;
    struct pti_json_writer *json = &zones->list->json;

    if (version->zone.size > PINTLE_ZONE_NAME_MAX)
        return true; /* we never wrote it */
    if (!pti_bytes_equal_text(version->zone, zones->zone))
        begin_zone(zones, version->zone);
    add_sums(&zones->all, version);
    if (version->version >= zones->threshold)
        add_sums(&zones->holding, version);
    if (version->registered)
        add_sums(&zones->registered, version);
    if (version->registered && version->version >= zones->threshold)
        add_sums(&zones->registered_holding, version);
    if (!zones->wanted)
        return true;
    pti_json_begin_object(json, NULL);
    pti_json_put_integer(json, "version", version->version);
    pti_json_put_bool(json, "registered", version->registered);
    put_counts(json, version->hits, version->days, version->weeks);
    pti_json_end_object(json);
    return pti_list_sound(zones->list);
}

void pti_answer_adoption_zones(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", "days", "version", NULL};
    struct pti_holding published;
    struct zones zones = {.published = &published, .at_least = -1, .zone = "/"};
    struct pti_adoption_query query;
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_ADOPTION, names, &page) ||
        !pti_query_number(listener, exchange, PTI_ROUTE_ADOPTION, "version", 0, PTI_JSON_INTEGER_MAX,
                          &zones.at_least) ||
        !take_query(listener, exchange, &query))
        return;
    pti_census_published(listener->routes->census, query.repository, &published);
    zones.list = &list;
    zones.after = page.after;
    pti_list_begin(&list, &page);
    status = pti_adoption_versions(listener->routes->storage, &query, put_version, &zones, &error);
    if (status == PINTLE_OK)
        end_zone(&zones);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_ADOPTION, status, &error);
}

/* ---- POST /v1/adoption ---- */

struct pending {
    const struct pti_listener *listener;
    struct pti_http_exchange *exchange;
};

static void answer_counted(const struct pending *pending, bool known, int64_t counted, int64_t refused)
{
    struct pti_json_writer json;
    struct pti_buf body;

    pti_buf_init(&body, 256);
    pti_json_writer_init(&json, &body, false);
    pti_json_begin_object(&json, NULL);
    pti_json_put_bool(&json, "known", known);
    pti_json_put_integer(&json, "counted", counted);
    pti_json_put_integer(&json, "refused", refused);
    pti_json_end_object(&json);
    pti_answer_body(pending->listener, pending->exchange, PTI_ROUTE_ADOPTION, 200, "application/json", &body);
}

static void batch_done(void *ctx, enum pti_census_result result, int64_t counted, int64_t refused)
{
    struct pending *pending = ctx;

    switch (result) {
    case PTI_CENSUS_ADDED:
    case PTI_CENSUS_KNOWN:
        answer_counted(pending, result == PTI_CENSUS_KNOWN, counted, refused);
        break;
    case PTI_CENSUS_FULL:
        pti_answer_error(pending->listener, pending->exchange, PTI_ROUTE_ADOPTION, 503,
                         "too many batches are waiting to be stored; send this one again later");
        break;
    case PTI_CENSUS_FAILED:
        pti_answer_error(pending->listener, pending->exchange, PTI_ROUTE_ADOPTION, 503,
                         "the batch could not be stored; send it again later");
        break;
    }
    free(pending);
}

static void submit(const struct pti_listener *listener, struct pti_http_exchange *exchange,
                   struct pti_adoption_batch *batch)
{
    struct pending *pending = malloc(sizeof *pending);
    const struct pti_census_batch asked = {batch->id, batch->repository, &batch->tally, batch_done, pending};

    if (!pending) {
        pti_tally_clear(&batch->tally);
        pti_answer_error(listener, exchange, PTI_ROUTE_ADOPTION, 503, "out of memory; send the batch again later");
        return;
    }
    *pending = (struct pending){listener, exchange};
    pti_http_defer(exchange);
    pti_census_submit(listener->routes->census, &asked);
}

void pti_answer_adoption_add(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const none[] = {NULL};
    struct pti_adoption_batch batch;
    struct pti_error error;
    enum pintle_status status;

    if (!pti_query_is(listener, exchange, PTI_ROUTE_ADOPTION, none) ||
        !pti_body_is_json(listener, exchange, PTI_ROUTE_ADOPTION))
        return;
    status = pti_adoption_batch_parse(pti_http_request(exchange)->body, &batch, &error);
    if (status != PINTLE_OK)
        pti_answer_error(listener, exchange, PTI_ROUTE_ADOPTION, status == PINTLE_ERR_INPUT ? 400 : 503, error.detail);
    else if (!take_repository(listener, exchange, batch.repository))
        pti_tally_clear(&batch.tally);
    else
        submit(listener, exchange, &batch);
}
