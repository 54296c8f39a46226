/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/alerts: what fires, is about to, or did in the last days. */
#include <string.h>

#include "base/datetime.h"
#include "server/alert_store.h"
#include "server/page.h"

static void put_time(struct pti_json_writer *json, const char *name, int64_t time)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(time, text);
    pti_json_put_text(json, name, time == 0 ? NULL : text);
}

static bool put_alert(void *ctx, const struct pti_alert_entry *entry)
{
    struct pti_list *list = ctx;
    struct pti_json_writer *json = &list->json;

    if (!pti_list_wants(list, entry->alert.fingerprint))
        return true;
    pti_json_begin_object(json, NULL);
    pti_json_put_text(json, "alert", pti_alert_rule_name(entry->alert.rule));
    pti_json_put_text(json, "state", pti_alert_state_name(entry->state));
    pti_json_put_text(json, "severity", pti_severity_name(entry->alert.severity));
    pti_json_put_text(json, "summary", entry->alert.summary);
    pti_json_put_text(json, "advice", pti_alert_advice(entry->alert.rule));
    pti_json_put_raw(json, "labels", pti_bytes_text(entry->alert.labels));
    put_time(json, "since", entry->since);
    put_time(json, "fired", entry->fired);
    put_time(json, "resolved", entry->resolved);
    pti_json_put_text(json, "fingerprint", entry->alert.fingerprint);
    pti_json_end_object(json);
    return pti_list_sound(list);
}

static bool read_state(const char *text, int64_t *state)
{
    for (int i = PTI_ALERT_PENDING; text && i <= PTI_ALERT_RESOLVED; i++) {
        if (strcmp(text, pti_alert_state_name((enum pti_alert_state)i)) != 0)
            continue;
        *state = i;
        return true;
    }
    return !text;
}

void pti_answer_alerts(const struct pti_listener *listener, struct pti_http_exchange *exchange)
{
    static const char *const names[] = {"state", NULL};
    struct pti_alert_query query = {.after = "", .state = -1, .row = put_alert};
    enum pintle_status status;
    struct pti_error error;
    struct pti_page page;
    struct pti_list list;

    if (!pti_page_take(listener, exchange, PTI_ROUTE_ALERTS, names, &page))
        return;
    if (!read_state(pti_http_query(exchange, "state"), &query.state)) {
        pti_answer_error(listener, exchange, PTI_ROUTE_ALERTS, 400, "state must be pending, firing or resolved");
        return;
    }
    if (page.after)
        query.after = page.after;
    query.limit = page.limit + 1;
    query.ctx = &list;
    pti_list_begin(&list, &page);
    status = pti_alert_store_list(listener->routes->storage, &query, &error);
    pti_list_answer(&list, listener, exchange, PTI_ROUTE_ALERTS, status, &error);
}
