/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/cells: how many reports came of what, when; minutes first, then what was rolled up into hours and days. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "pin/host.h"
#include "server/answer.h"
#include "server/cells.h"
#include "server/page.h"

#define KEY_HEX_SIZE PTI_HEX_SIZE(PTI_SERIES_KEY_SIZE)

static void write_cursor(const struct pti_cell_row *row, char out[PTI_CURSOR_MAX + 1])
{
    char hex[KEY_HEX_SIZE + 1];

    pti_hex_encode(row->series.data, PTI_SERIES_KEY_SIZE, hex);
    snprintf(out, PTI_CURSOR_MAX + 1, "%" PRId64 ".%" PRId64 ".%s", row->span, row->start, hex);
}

/* The digits up to a full stop, which it steps over. */
static bool read_number(const char **text, int64_t *number)
{
    const char *from = *text;

    for (*number = 0; **text >= '0' && **text <= '9' && *text - from < 15; (*text)++)
        *number = *number * 10 + (**text - '0');
    return *text > from && *(*text)++ == '.';
}

static bool read_cursor(const char *text, struct pti_cell_query *query)
{
    if (!text)
        return true;
    return read_number(&text, &query->after_span) && read_number(&text, &query->after_start) &&
           pti_hex_decode_exact(pti_bytes_text(text), query->after_series.bytes, sizeof query->after_series.bytes);
}

static void put_labels(struct pti_json_writer *json, const struct pti_cell_row *row)
{
    pti_json_put_string(json, "repository", row->repository);
    pti_json_put_string(json, "host", row->host);
    pti_json_put_string(json, "reason", row->reason);
    pti_json_put_string(json, "leaf", row->leaf);
    pti_json_put_string(json, "zone", row->zone);
    pti_json_put_integer(json, "zone_version", row->zone_version);
    pti_json_put_string(json, "app", row->app);
    pti_json_put_string(json, "app_version", row->app_version);
    pti_json_put_string(json, "os", row->os);
}

static bool put_cell(void *ctx, const struct pti_cell_row *row)
{
    struct pti_list *list = ctx;
    char cursor[PTI_CURSOR_MAX + 1], start[PTI_DATETIME_SIZE + 1];

    write_cursor(row, cursor);
    if (!pti_list_wants(list, cursor))
        return true;
    pti_datetime_format(row->start, start);
    pti_json_begin_object(&list->json, NULL);
    pti_json_put_text(&list->json, "start", start);
    pti_json_put_integer(&list->json, "seconds", row->span);
    put_labels(&list->json, row);
    pti_json_put_integer(&list->json, "reports", row->reports);
    pti_json_put_integer(&list->json, "weight", row->weight);
    pti_json_put_integer(&list->json, "successes", row->successes);
    pti_json_put_integer(&list->json, "recovery_tried", row->tried);
    pti_json_put_integer(&list->json, "recovered", row->recovered);
    pti_json_put_integer(&list->json, "devices", row->devices);
    pti_json_put_integer(&list->json, "networks", row->networks);
    pti_json_end_object(&list->json);
    return pti_list_sound(list);
}

static bool read_time(const char *text, int64_t *seconds)
{
    return !text || pti_datetime_parse(pti_bytes_text(text), seconds);
}

/* Whether its times are times. */
static bool read_filters(const struct pti_http_exchange *exchange, struct pti_cell_query *query)
{
    const char *repository = pti_http_query(exchange, "repository");

    query->repository = repository ? pti_repository_read(repository) : NULL;
    query->host = pti_http_query(exchange, "host");
    return read_time(pti_http_query(exchange, "since"), &query->since) &&
           read_time(pti_http_query(exchange, "until"), &query->until);
}

void pti_answer_cells(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", "host", "since", "until", NULL};
    struct pti_cell_query query = {.until = INT64_MAX, .row = put_cell};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_CELLS, names, &page))
        return;
    if (!read_filters(exchange, &query)) {
        pti_answer_error(listener, exchange, PTI_ROUTE_CELLS, 400,
                         "since and until must be times like 2026-11-21T20:00:00Z");
        return;
    }
    if (!read_cursor(page.after, &query)) {
        pti_page_refuse(listener, exchange, PTI_ROUTE_CELLS);
        return;
    }
    query.limit = page.limit + 1;
    query.ctx = &list;
    pti_list_begin(&list, &page);
    status = pti_cells_list(listener->routes->storage, &query, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_CELLS, status, &error);
}
