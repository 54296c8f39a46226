/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/reports for clients, GET /v1/reports for administrators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "pin/host.h"
#include "server/answer.h"
#include "server/limits.h"
#include "server/page.h"
#include "server/storage.h"

#define MEDIA_TYPE "application/json"

/* Who waits for the answer. */
struct pending {
    const struct pti_listener *listener;
    struct pti_http_exchange *exchange;
};

static const char *why_not_stored(enum pti_intake_result result)
{
    switch (result) {
    case PTI_INTAKE_STORED:
        break;
    case PTI_INTAKE_FULL:
        return "too many reports are waiting to be stored; send these again later";
    case PTI_INTAKE_FAILED:
        return "the reports could not be stored; send them again later";
    case PTI_INTAKE_STOPPED:
        return "the server is stopping; send the report again later";
    }
    return NULL;
}

static void reports_done(void *ctx, enum pti_intake_result result)
{
    struct pending *pending = ctx;
    struct pti_http_response accepted = PTI_HTTP_RESPONSE(202);

    accepted.cache_control = "no-store";
    if (result == PTI_INTAKE_STORED)
        pti_answer(pending->listener, pending->exchange, PTI_ROUTE_REPORTS, &accepted);
    else
        pti_answer_error(pending->listener, pending->exchange, PTI_ROUTE_REPORTS, result == PTI_INTAKE_FULL ? 429 : 503,
                         why_not_stored(result));
    free(pending);
}

static void refuse(const struct pti_listener *listener, struct pti_http_exchange *exchange, unsigned code,
                   enum pti_report_drop drop, const char *detail)
{
    pti_metrics_count_report(listener->routes->metrics, PTI_REPORT_INVALID);
    pti_metrics_count_drop(listener->routes->metrics, drop, 1);
    pti_answer_error(listener, exchange, PTI_ROUTE_REPORTS, code, detail);
}

static void submit(const struct pti_listener *listener, struct pti_http_exchange *exchange, struct pti_report *reports,
                   size_t count)
{
    const struct pti_routes *routes = listener->routes;
    struct pending *pending = malloc(sizeof *pending);
    const char *path;

    if (!pending) {
        for (size_t i = 0; i < count; i++)
            pti_report_clear(&reports[i]);
        pti_answer_error(listener, exchange, PTI_ROUTE_REPORTS, 503, "out of memory; send the report again later");
        return;
    }
    *pending = (struct pending){listener, exchange};
    pti_http_defer(exchange);
    pti_intake_submit(routes->intake,
                      &(struct pti_intake_request){
                          .repository = pti_routes_find(routes, pti_http_request(exchange)->path, &path)->name,
                          .reports = reports,
                          .count = count,
                          .done = reports_done,
                          .ctx = pending});
}

static bool is_too_large(const struct pti_http_request *request)
{
    return request->too_large || (request->body.size > PTI_REPORT_SIZE_MAX && request->body.data[0] != '[');
}

void pti_answer_report(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const struct pti_http_request *request = pti_http_request(exchange);
    enum pintle_status status = PINTLE_ERR_INPUT;
    struct pti_report reports[PTI_REPORT_BATCH_MAX];
    struct pti_error error;
    char too_large[96];
    size_t count;

    if (is_too_large(request)) {
        snprintf(too_large, sizeof too_large, "a report has at most %d bytes, an array of reports at most %d",
                 PTI_REPORT_SIZE_MAX, PTI_REPORT_BATCH_SIZE_MAX);
        refuse(listener, exchange, 413, PTI_DROP_TOO_LARGE, too_large);
        return;
    }
    if (!pti_is_json(request->content_type)) {
        refuse(listener, exchange, 415, PTI_DROP_MEDIA_TYPE, "expected Content-Type: " MEDIA_TYPE);
        return;
    }
    status = pti_report_parse_batch(request->body, reports, &count, &error);
    if (status == PINTLE_OK)
        submit(listener, exchange, reports, count);
    else if (status == PINTLE_ERR_MEMORY)
        pti_answer_error(listener, exchange, PTI_ROUTE_REPORTS, 503, "out of memory; send the report again later");
    else
        refuse(listener, exchange, 400, PTI_DROP_SCHEMA, error.detail);
}

/* ---- the list ---- */

/* One element: the report as stored, with the time of its arrival put first. */
static bool write_row(void *ctx, const struct pti_report_row *row)
{
    struct pti_list *list = ctx;
    char received[PTI_DATETIME_SIZE + 1];
    struct pti_buf item;

    if (!pti_list_wants_number(list, row->number))
        return true;
    pti_datetime_format(row->received, received);
    pti_buf_init(&item, PTI_STORED_REPORT_MAX);
    pti_buf_printf(&item, "{\"received\":\"%s\",", received);
    if (row->document.size > 0)
        pti_buf_append(&item, row->document.data + 1, row->document.size - 1); /* its "{" is written already */
    pti_json_put_raw(&list->json, NULL, pti_buf_bytes(&item));
    pti_buf_clear(&item);
    return item.status == PINTLE_OK && pti_list_sound(list);
}

void pti_answer_report_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"host", "reason", NULL};
    const char *host = pti_http_query(exchange, "host"), *reason = pti_http_query(exchange, "reason");
    struct pti_report_query query = {"", reason ? reason : "", INT64_MAX, 0, write_row, NULL};
    enum pintle_status status;
    struct pti_host parsed;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_REPORT_LIST, names, &page) ||
        !pti_page_after_number(listener, exchange, PTI_ROUTE_REPORT_LIST, &page, &query.before))
        return;
    if (host && pti_host_parse(host, &parsed, &error) != PINTLE_OK) {
        pti_answer_error(listener, exchange, PTI_ROUTE_REPORT_LIST, 400, error.detail);
        return;
    }
    query.host = host ? parsed.name : "";
    query.limit = page.limit + 1;
    query.ctx = &list;
    pti_list_begin(&list, &page);
    status = pti_storage_list_reports(listener->routes->storage, &query, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_REPORT_LIST, status, &error);
}
