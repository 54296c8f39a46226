/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/journal: its lines, oldest first. */
#include "server/journal.h"
#include "server/limits.h"
#include "server/page.h"

static bool put_line(void *ctx, const struct pti_journal_line *line)
{
    struct pti_list *list = ctx;
    struct pti_buf item;

    if (!pti_list_wants_number(list, line->seq))
        return true;
    pti_buf_init(&item, PTI_JOURNAL_LINE_MAX);
    pti_journal_line_put(line, &item);
    pti_json_put_raw(&list->json, NULL, pti_buf_bytes(&item));
    pti_buf_clear(&item);
    return pti_list_sound(list);
}

void pti_answer_journal(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    struct pti_journal_query query = {0, 0, put_line, NULL};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_JOURNAL, NULL, &page) ||
        !pti_page_after_number(listener, exchange, PTI_ROUTE_JOURNAL, &page, &query.after))
        return;
    query.limit = page.limit + 1;
    query.ctx = &list;
    pti_list_begin(&list, &page);
    status = pti_journal_read(listener->routes->storage, &query, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_JOURNAL, status, &error);
}
