/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alert_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "server/journal.h"

/* ---- loading ---- */

struct loading {
    const struct pti_webhook_keys *webhooks;
    struct pti_alert_book *book;
    int64_t now;
};

static bool is_state(int64_t number)
{
    return number == PTI_ALERT_PENDING || number == PTI_ALERT_FIRING || number == PTI_ALERT_RESOLVED;
}

/* false: left behind by a rule that is not known here. */
static bool read_alert(const struct pti_db_value *columns, struct pti_alert_entry *entry)
{
    char rule[64];

    memset(entry, 0, sizeof *entry);
    pti_db_copy_text(&columns[1], rule, sizeof rule);
    if (!pti_alert_rule_find(rule, &entry->alert.rule) || !is_state(columns[5].integer))
        return false;
    pti_db_copy_text(&columns[0], entry->alert.labels, sizeof entry->alert.labels);
    entry->alert.severity = columns[2].integer == PTI_SEVERITY_PAGE ? PTI_SEVERITY_PAGE : PTI_SEVERITY_TICKET;
    pti_db_copy_text(&columns[3], entry->alert.fingerprint, sizeof entry->alert.fingerprint);
    pti_db_copy_text(&columns[4], entry->alert.summary, sizeof entry->alert.summary);
    entry->state = (enum pti_alert_state)columns[5].integer;
    entry->since = columns[6].integer;
    entry->fired = columns[7].integer;
    entry->resolved = columns[8].integer;
    return true;
}

static bool take_alert(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct loading *loading = ctx;
    struct pti_alert_entry *entry = &loading->book->entries[loading->book->count];

    (void)count; /* 9 */
    if (read_alert(columns, entry)) {
        entry->seen = loading->now;
        loading->book->count++;
    }
    return true;
}

static bool take_told(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct loading *loading = ctx;

    (void)count; /* 3 */
    for (size_t i = 0; i < loading->book->count; i++) {
        struct pti_alert_entry *entry = &loading->book->entries[i];

        if (!pti_bytes_equal_text(columns[1].bytes, entry->alert.labels))
            continue;
        for (size_t k = 0; k < loading->webhooks->count; k++)
            if (pti_bytes_equal_text(columns[0].bytes, loading->webhooks->keys[k]))
                entry->told[k] = (struct pti_alert_told){true, columns[2].integer};
    }
    return true;
}

#define COLUMNS "labels, rule, severity, fingerprint, summary, state, since, fired, resolved"

static const struct pti_db_statement load_alerts = {"read the alerts",
                                                    "SELECT " COLUMNS " FROM alert ORDER BY labels LIMIT $1"};
static const struct pti_db_statement load_told = {"read who was told of alerts",
                                                  "SELECT webhook, labels, at FROM alert_told"};

enum pintle_status pti_alert_store_load(struct pti_database *database, const struct pti_webhook_keys *webhooks,
                                        int64_t now, struct pti_alert_book *book, struct pti_error *error)
{
    struct loading loading = {webhooks, book, now};
    const struct pti_db_value limit = pti_db_integer(PTI_ALERTS_MAX);
    const struct pti_db_query alerts = {&load_alerts, &limit, 1, take_alert, &loading};
    const struct pti_db_query told = {&load_told, NULL, 0, take_told, &loading};
    enum pintle_status status;

    book->count = 0;
    status = pti_database_read(database, &alerts, error);
    return status == PINTLE_OK ? pti_database_read(database, &told, error) : status;
}

/* ---- listing ---- */

static const struct pti_db_statement list_alerts = {
    "list alerts", "SELECT " COLUMNS " FROM alert WHERE fingerprint > $1 AND ($2 < 0 OR state = $2)"
                   " ORDER BY fingerprint LIMIT $3"};

static bool list_alert(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_alert_query *query = ctx;
    struct pti_alert_entry entry;

    (void)count; /* 9 */
    return !read_alert(columns, &entry) || query->row(query->ctx, &entry);
}

enum pintle_status pti_alert_store_list(struct pti_database *database, const struct pti_alert_query *query,
                                        struct pti_error *error)
{
    struct pti_alert_query copy = *query;
    const struct pti_db_value values[] = {pti_db_text(query->after), pti_db_integer(query->state),
                                          pti_db_integer(query->limit)};
    const struct pti_db_query list = {&list_alerts, values, PTI_COUNT(values), list_alert, &copy};

    return pti_database_read(database, &list, error);
}

/* ---- saving ---- */

static const struct pti_db_column alert_columns[] = {
    {"labels", PTI_DB_KEY},          {"rule", PTI_DB_REPLACE},    {"severity", PTI_DB_REPLACE},
    {"fingerprint", PTI_DB_REPLACE}, {"summary", PTI_DB_REPLACE}, {"state", PTI_DB_REPLACE},
    {"since", PTI_DB_REPLACE},       {"fired", PTI_DB_REPLACE},   {"resolved", PTI_DB_REPLACE},
};
static const struct pti_db_table alert_table = {"alert", "store an alert", alert_columns, PTI_COUNT(alert_columns)};

static const struct pti_db_column told_columns[] = {
    {"webhook", PTI_DB_KEY}, {"labels", PTI_DB_KEY}, {"at", PTI_DB_REPLACE}};
static const struct pti_db_table told_table = {"alert_told", "store who was told of an alert", told_columns,
                                               PTI_COUNT(told_columns)};

static const struct pti_db_statement forget_told = {"store who was told of an alert",
                                                    "DELETE FROM alert_told WHERE webhook = $1 AND labels = $2"};
static const struct pti_db_statement forget_all_told = {"remove an alert", "DELETE FROM alert_told WHERE labels = $1"};
static const struct pti_db_statement forget_alert = {"remove an alert", "DELETE FROM alert WHERE labels = $1"};

struct saving {
    const struct pti_webhook_keys *webhooks;
    struct pti_alert_entry *changed[PTI_ALERTS_MAX]; /* sorted by labels */
    size_t count;
};

static enum pti_db_result save_told(struct pti_database *database, const char *webhook,
                                    const struct pti_alert_entry *entry, const struct pti_alert_told *told,
                                    struct pti_error *error)
{
    const struct pti_db_value row[] = {pti_db_text(webhook), pti_db_text(entry->alert.labels),
                                       pti_db_integer(told->at)};
    const struct pti_db_query forget = {&forget_told, row, 2, NULL, NULL};

    return told->firing ? pti_database_upsert(database, &told_table, row, 1, error)
                        : pti_database_run(database, &forget, NULL, error);
}

static enum pti_db_result save_alert(struct pti_database *database, const struct pti_alert_entry *entry,
                                     struct pti_error *error)
{
    const struct pti_db_value row[] = {
        pti_db_text(entry->alert.labels),      pti_db_text(pti_alert_rule_name(entry->alert.rule)),
        pti_db_integer(entry->alert.severity), pti_db_text(entry->alert.fingerprint),
        pti_db_text(entry->alert.summary),     pti_db_integer(entry->state),
        pti_db_integer(entry->since),          pti_db_integer(entry->fired),
        pti_db_integer(entry->resolved),
    };

    return pti_database_upsert(database, &alert_table, row, 1, error);
}

static enum pti_db_result journal(struct pti_database *database, const struct pti_alert_entry *entry,
                                  struct pti_error *error)
{
    char detail[PTI_ALERT_LABELS_SIZE + PTI_ALERT_SUMMARY_SIZE + 2];

    snprintf(detail, sizeof detail, "%s %s", entry->alert.labels, entry->alert.summary);
    return pti_journal_add(database, "pintled", entry->state == PTI_ALERT_FIRING ? "alert.fired" : "alert.resolved",
                           detail, error);
}

static enum pti_db_result save_all(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct saving *saving = ctx;
    enum pti_db_result result = PTI_DB_OK;

    for (size_t i = 0; i < saving->count && result == PTI_DB_OK; i++)
        result = save_alert(database, saving->changed[i], error);
    for (size_t i = 0; i < saving->count && result == PTI_DB_OK; i++)
        if (saving->changed[i]->turned)
            result = journal(database, saving->changed[i], error);
    for (size_t k = 0; k < saving->webhooks->count; k++)
        for (size_t i = 0; i < saving->count && result == PTI_DB_OK; i++)
            result = save_told(database, saving->webhooks->keys[k], saving->changed[i], &saving->changed[i]->told[k],
                               error);
    return result;
}

static int by_labels(const void *a, const void *b)
{
    const struct pti_alert_entry *const *left = a, *const *right = b;

    return strcmp((*left)->alert.labels, (*right)->alert.labels);
}

enum pintle_status pti_alert_store_save(struct pti_database *database, const struct pti_webhook_keys *webhooks,
                                        struct pti_alert_book *book, struct pti_error *error)
{
    struct saving saving = {.webhooks = webhooks};
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < book->count; i++)
        if (book->entries[i].changed)
            saving.changed[saving.count++] = &book->entries[i];
    if (saving.count == 0)
        return PINTLE_OK;
    qsort(saving.changed, saving.count, sizeof saving.changed[0], by_labels);
    status = pti_database_transaction(database, PTI_JOURNAL_LOCK, save_all, &saving, error);
    for (size_t i = 0; i < saving.count && status == PINTLE_OK; i++)
        saving.changed[i]->changed = saving.changed[i]->turned = false;
    return status;
}

static enum pti_db_result remove_one(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct pti_alert_entry *entry = ctx;
    const struct pti_db_value labels = pti_db_text(entry->alert.labels);
    const struct pti_db_query told = {&forget_all_told, &labels, 1, NULL, NULL};
    const struct pti_db_query alert = {&forget_alert, &labels, 1, NULL, NULL};
    enum pti_db_result result = pti_database_run(database, &told, NULL, error);

    return result == PTI_DB_OK ? pti_database_run(database, &alert, NULL, error) : result;
}

enum pintle_status pti_alert_store_remove(struct pti_database *database, const struct pti_alert_entry *entry,
                                          struct pti_error *error)
{
    return pti_database_transaction(database, PTI_JOURNAL_LOCK, remove_one, (void *)entry, error);
}
