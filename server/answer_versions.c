/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/versions: what this server signed, or saw published, and when, newest first. */
#include "base/datetime.h"
#include "server/page.h"
#include "server/signings.h"

static bool put_row(void *ctx, const struct pti_signing *signing)
{
    struct pti_list *list = ctx;
    char time[PTI_DATETIME_SIZE + 1];

    if (!pti_list_wants_number(list, signing->number))
        return true;
    pti_datetime_format(signing->time, time);
    pti_json_begin_object(&list->json, NULL);
    pti_json_put_text(&list->json, "time", time);
    pti_json_put_text(&list->json, "by", signing->seen ? "publisher" : "server");
    pti_json_put_text(&list->json, "repository", signing->repository);
    pti_json_put_text(&list->json, "role", signing->role);
    pti_json_put_integer(&list->json, "version", signing->version);
    pti_json_end_object(&list->json);
    return pti_list_sound(list);
}

void pti_answer_version_list(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"repository", NULL};
    const char *repository = pti_http_query(exchange, "repository");
    struct pti_list list;
    struct pti_signing_query query = {NULL, PTI_JSON_INTEGER_MAX, 0, put_row, &list};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_VERSIONS, names, &page) ||
        !pti_page_after_number(listener, exchange, PTI_ROUTE_VERSIONS, &page, &query.before))
        return;
    if (repository)
        query.repository = pti_repository_read(repository);
    query.limit = page.limit + 1;
    pti_list_begin(&list, &page);
    status = pti_signings_list(listener->routes->storage, &query, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_VERSIONS, status, &error);
}
