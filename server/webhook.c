/* SPDX-License-Identifier: Apache-2.0 */
/* What webhooks are told, in each form. */
#include "server/webhook.h"

#include <string.h>
#include <strings.h>

#include "base/datetime.h"
#include "base/json_write.h"

#define NEVER "0001-01-01T00:00:00Z" /* how version 4 writes that an alert has no end */
#define API_PATH "/api/v2/alerts"

static const struct {
    const char *name;
    enum pti_webhook_form form;
} forms[] = {{"v4", PTI_WEBHOOK_V4}, {"json", PTI_WEBHOOK_JSON}, {"alertmanager", PTI_WEBHOOK_ALERTMANAGER}};
#define FORMS (sizeof forms / sizeof forms[0])

static bool find_form(const char *text, size_t length, enum pti_webhook_form *form)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (strlen(forms[i].name) != length || strncmp(forms[i].name, text, length) != 0)
            continue;
        *form = forms[i].form;
        return true;
    }
    return false;
}

/* Writes scheme, host and port of url; false if it is no URL of http or https with a host. */
static bool show(const char *url, char *shown)
{
    size_t scheme = strncasecmp(url, "https://", 8) == 0 ? 8 : strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t length = scheme ? strcspn(url + scheme, "/?#") : 0;
    const char *host = url + scheme;

    for (const char *byte = url; *byte; byte++)
        if (*byte <= ' ' || *byte > '~' || *byte == '\\')
            return false;
    for (size_t i = 0; i < length; i++)
        if (url[scheme + i] == '@')
            host = url + scheme + i + 1;
    length -= (size_t)(host - (url + scheme));
    if (length == 0 || *host == ':')
        return false;
    memcpy(shown, url, scheme);
    memcpy(shown + scheme, host, length);
    shown[scheme + length] = '\0';
    return true;
}

enum pintle_status pti_webhook_parse(const char *text, struct pti_webhook *webhook, struct pti_error *error)
{
    const char *equals = strchr(text, '=');
    size_t length;

    if (!equals || !find_form(text, (size_t)(equals - text), &webhook->form))
        return pti_fail(error, PINTLE_ERR_MISUSE, "expected v4=URL, json=URL or alertmanager=URL");
    length = strlen(equals + 1);
    if (length + sizeof API_PATH > sizeof webhook->url)
        return pti_fail(error, PINTLE_ERR_MISUSE, "the URL is longer than %zu bytes",
                        sizeof webhook->url - sizeof API_PATH);
    memcpy(webhook->url, equals + 1, length + 1);
    if (!show(webhook->url, webhook->shown))
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "expected an http:// or https:// URL with a host after %.*s=", (int)(equals - text), text);
    if (webhook->form == PTI_WEBHOOK_ALERTMANAGER) {
        while (length > 0 && webhook->url[length - 1] == '/')
            length--;
        memcpy(webhook->url + length, API_PATH, sizeof API_PATH);
    }
    return PINTLE_OK;
}

int64_t pti_webhook_repeat_s(const struct pti_webhook *webhook, int64_t repeat_s)
{
    return webhook->form == PTI_WEBHOOK_ALERTMANAGER ? PTI_ALERTMANAGER_REPEAT_S : repeat_s;
}

size_t pti_webhook_batch(const struct pti_webhook *webhook)
{
    return webhook->form == PTI_WEBHOOK_ALERTMANAGER ? PTI_WEBHOOK_BATCH_MAX : 1;
}

/* ---- bodies ---- */

static void put_time(struct pti_json_writer *writer, const char *name, int64_t time)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(time, text);
    pti_json_put_text(writer, name, text);
}

static void put_labels(struct pti_json_writer *writer, const char *name, const struct pti_alert_entry *entry)
{
    pti_json_put_raw(writer, name, pti_bytes_text(entry->alert.labels));
}

static void put_annotations(struct pti_json_writer *writer, const char *name, const struct pti_alert_entry *entry)
{
    pti_json_begin_object(writer, name);
    pti_json_put_text(writer, "description", pti_alert_advice(entry->alert.rule));
    pti_json_put_text(writer, "summary", entry->alert.summary);
    pti_json_end_object(writer);
}

static const char *status_of(enum pti_alert_message message)
{
    return message == PTI_ALERT_SAY_RESOLVED ? "resolved" : "firing";
}

/*
 * Each alert is a group of its own, as where Alertmanager groups by all labels: its receivers need not wait for others.
 */
static void write_v4(const struct pti_webhook_item *item, struct pti_json_writer *writer)
{
    const struct pti_alert_entry *entry = item->entry;
    char key[PTI_ALERT_LABELS_SIZE + 4] = "{}:";

    memcpy(key + 3, entry->alert.labels, strlen(entry->alert.labels) + 1);
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "version", "4");
    pti_json_put_text(writer, "groupKey", key);
    pti_json_put_integer(writer, "truncatedAlerts", 0);
    pti_json_put_text(writer, "status", status_of(item->message));
    pti_json_put_text(writer, "receiver", "pintled");
    put_labels(writer, "groupLabels", entry);
    put_labels(writer, "commonLabels", entry);
    put_annotations(writer, "commonAnnotations", entry);
    pti_json_put_text(writer, "externalURL", "");
    pti_json_begin_array(writer, "alerts");
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "status", status_of(item->message));
    put_labels(writer, "labels", entry);
    put_annotations(writer, "annotations", entry);
    put_time(writer, "startsAt", entry->fired);
    if (item->message == PTI_ALERT_SAY_RESOLVED)
        put_time(writer, "endsAt", entry->resolved);
    else
        pti_json_put_text(writer, "endsAt", NEVER);
    pti_json_put_text(writer, "generatorURL", "");
    pti_json_put_text(writer, "fingerprint", entry->alert.fingerprint);
    pti_json_end_object(writer);
    pti_json_end_array(writer);
    pti_json_end_object(writer);
}

static void write_json(const struct pti_webhook_item *item, struct pti_json_writer *writer)
{
    const struct pti_alert_entry *entry = item->entry;

    pti_json_begin_object(writer, NULL);
    pti_json_put_integer(writer, "v", 1);
    pti_json_put_text(writer, "alert", pti_alert_rule_name(entry->alert.rule));
    pti_json_put_text(writer, "status", status_of(item->message));
    pti_json_put_text(writer, "severity", pti_severity_name(entry->alert.severity));
    pti_json_put_text(writer, "summary", entry->alert.summary);
    pti_json_put_text(writer, "advice", pti_alert_advice(entry->alert.rule));
    put_labels(writer, "labels", entry);
    put_time(writer, "fired", entry->fired);
    if (item->message == PTI_ALERT_SAY_RESOLVED)
        put_time(writer, "resolved", entry->resolved);
    else
        pti_json_put_null(writer, "resolved");
    pti_json_put_text(writer, "fingerprint", entry->alert.fingerprint);
    pti_json_end_object(writer);
}

/* Were pintled to end, an Alertmanager should still show the alert for a few repetitions, and then no more. */
static void write_alertmanager(const struct pti_webhook_item *items, size_t count, int64_t now,
                               struct pti_json_writer *writer)
{
    pti_json_begin_array(writer, NULL);
    for (size_t i = 0; i < count; i++) {
        bool resolved = items[i].message == PTI_ALERT_SAY_RESOLVED;

        pti_json_begin_object(writer, NULL);
        put_labels(writer, "labels", items[i].entry);
        put_annotations(writer, "annotations", items[i].entry);
        put_time(writer, "startsAt", items[i].entry->fired);
        put_time(writer, "endsAt", resolved ? items[i].entry->resolved : now + 5 * PTI_ALERTMANAGER_REPEAT_S);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

void pti_webhook_write(const struct pti_webhook *webhook, const struct pti_webhook_item *items, size_t count,
                       int64_t now, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    switch (webhook->form) {
    case PTI_WEBHOOK_V4:
        write_v4(items, &writer);
        break;
    case PTI_WEBHOOK_JSON:
        write_json(items, &writer);
        break;
    case PTI_WEBHOOK_ALERTMANAGER:
        write_alertmanager(items, count, now, &writer);
        break;
    }
}
