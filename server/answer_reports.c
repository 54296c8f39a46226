/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/reports for clients, GET /v1/reports for administrators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/datetime.h"
#include "pin/host.h"
#include "report/report_batch.h"
#include "server/answer.h"
#include "server/limits.h"
#include "server/page.h"
#include "server/source.h"
#include "server/steady.h"
#include "server/storage.h"
#include "sys/curl/gunzip.h"

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

static void submit(const struct pti_listener *listener, struct pti_http_exchange *exchange, uint64_t network,
                   struct pti_report_batch *batch)
{
    const struct pti_routes *routes = listener->routes;
    struct pending *pending = malloc(sizeof *pending);
    const char *path;

    if (!pending) {
        pti_report_batch_clear(batch);
        pti_answer_error(listener, exchange, PTI_ROUTE_REPORTS, 503, "out of memory; send the report again later");
        return;
    }
    *pending = (struct pending){listener, exchange};
    pti_http_defer(exchange);
    pti_intake_submit(routes->intake,
                      &(struct pti_intake_request){
                          .repository = pti_routes_find(routes, pti_http_request(exchange)->path, &path)->name,
                          .network = network,
                          .batch = batch,
                          .done = reports_done,
                          .ctx = pending});
}

/* ---- what is refused before it costs much ---- */

static bool is_over_limit(const struct pti_listener *listener, struct pti_http_exchange *exchange, uint64_t network)
{
    struct pti_http_response head = PTI_HTTP_RESPONSE(429);

    if (pti_source_is_here(listener, exchange))
        return false;
    head.retry_after_s = pti_limiter_wait_s(listener->routes->limiter, network, pti_steady_ms());
    if (head.retry_after_s == 0)
        return false;
    pti_metrics_count_report(listener->routes->metrics, PTI_REPORT_DEFERRED);
    pti_metrics_count_drop(listener->routes->metrics, PTI_DROP_RATE, 1);
    pti_answer_refusal(listener, exchange, PTI_ROUTE_REPORTS, &head,
                       "too many reports come from this network; send these again later");
    return true;
}

static void charge(const struct pti_listener *listener, const struct pti_http_exchange *exchange, uint64_t network,
                   size_t reports)
{
    if (!pti_source_is_here(listener, exchange))
        pti_limiter_take(listener->routes->limiter, network, reports, pti_steady_ms());
}

/* What cannot be taken costs its sender as much as the reports that it might have been. */
static size_t reports_in(size_t size)
{
    return 1 + size / (PTI_REPORT_BATCH_SIZE_MAX / PTI_REPORT_BATCH_MAX);
}

/* The reports as text: the body, or what comes out of it, in plain.  What is wrong with it, or NULL. */
static const char *unpack(struct pintle_bytes body, struct pti_buf *plain)
{
    const struct pintle_sink sink = pti_buf_sink(plain);
    struct pti_gunzip *gunzip = pti_gunzip_new(&sink, plain->max);
    const char *wrong = gunzip ? pti_gunzip_write(gunzip, body.data, body.size) : NULL;

    if (gunzip && !wrong)
        wrong = pti_gunzip_end(gunzip);
    if (!gunzip)
        plain->status = PINTLE_ERR_MEMORY;
    pti_gunzip_free(gunzip);
    return wrong;
}

static void refuse_too_large(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    char detail[96];

    snprintf(detail, sizeof detail, "a report has at most %d bytes, an array of reports at most %d",
             PTI_REPORT_SIZE_MAX, PTI_REPORT_BATCH_SIZE_MAX);
    refuse(listener, exchange, 413, PTI_DROP_TOO_LARGE, detail);
}

static void take_text(const struct pti_listener *listener, struct pti_http_exchange *exchange, uint64_t network,
                      struct pintle_bytes text)
{
    struct pti_report_batch batch;
    struct pti_error error;
    enum pintle_status status = PINTLE_ERR_INPUT;

    status = pti_report_parse_batch(text, listener->routes->crypto, network, &batch, &error);
    charge(listener, exchange, network, status == PINTLE_OK ? batch.count : reports_in(text.size));
    /* Others send whole certificates. */
    if (text.size > PTI_REPORT_SIZE_MAX && text.data[0] != '[' && !batch.foreign) {
        if (status == PINTLE_OK)
            pti_report_batch_clear(&batch);
        refuse_too_large(listener, exchange);
        return;
    }
    if (status == PINTLE_OK)
        submit(listener, exchange, network, &batch);
    else if (status == PINTLE_ERR_MEMORY)
        pti_answer_error(listener, exchange, PTI_ROUTE_REPORTS, 503, "out of memory; send the report again later");
    else
        refuse(listener, exchange, 400, PTI_DROP_SCHEMA, error.detail);
}

static void take_packed(const struct pti_listener *listener, struct pti_http_exchange *exchange, uint64_t network)
{
    const char *wrong;
    struct pti_buf plain;

    pti_buf_init(&plain, PTI_REPORT_BATCH_SIZE_MAX);
    wrong = unpack(pti_http_request(exchange)->body, &plain);
    if (wrong)
        charge(listener, exchange, network, reports_in(plain.size));
    if (plain.status == PINTLE_ERR_MEMORY)
        pti_answer_error(listener, exchange, PTI_ROUTE_REPORTS, 503, "out of memory; send the report again later");
    else if (wrong == pti_gunzip_too_large)
        refuse_too_large(listener, exchange);
    else if (wrong)
        refuse(listener, exchange, 400, PTI_DROP_SCHEMA, wrong);
    else
        take_text(listener, exchange, network, pti_buf_bytes(&plain));
    pti_buf_clear(&plain);
}

void pti_answer_report(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    const struct pti_http_request *request = pti_http_request(exchange);
    const uint64_t network = pti_source_network(listener, exchange);
    const char *encoding = request->content_encoding;

    if (is_over_limit(listener, exchange, network))
        return;
    if (request->too_large)
        refuse_too_large(listener, exchange);
    else if (!pti_is_json(request->content_type))
        refuse(listener, exchange, 415, PTI_DROP_MEDIA_TYPE, "expected Content-Type: " MEDIA_TYPE);
    else if (!encoding || strcasecmp(encoding, "identity") == 0)
        take_text(listener, exchange, network, request->body);
    else if (strcasecmp(encoding, "gzip") == 0)
        take_packed(listener, exchange, network);
    else
        refuse(listener, exchange, 415, PTI_DROP_MEDIA_TYPE, "expected Content-Encoding: gzip, or none");
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
