/* SPDX-License-Identifier: Apache-2.0 */
/* The blob "reports": strict JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "client/outbox.h"
#include "report/report.h"

#define HASH_HEX 16
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAY_MAX (TIME_MAX / 86400)
#define BUCKET_MAX 4095
#define RANK_MAX 53

static void put_hash(struct pti_json_writer *writer, const char *name, uint64_t hash)
{
    char text[HASH_HEX + 1];

    (void)snprintf(text, sizeof text, "%016" PRIx64, hash);
    pti_json_put_text(writer, name, text);
}

static void write_entry(struct pti_json_writer *writer, const struct pti_reports_entry *entry)
{
    pti_json_begin_object(writer, NULL);
    pti_json_put_integer(writer, "at", entry->at);
    pti_json_put_integer(writer, "bucket", entry->bucket);
    put_hash(writer, "connection", entry->connection);
    put_hash(writer, "key", entry->key);
    pti_json_put_bool(writer, "ok", entry->ok);
    pti_json_put_integer(writer, "rank", entry->rank);
    pti_json_put_raw(writer, "report", entry->json);
    pti_json_put_bool(writer, "retry", entry->retry);
    pti_json_put_bool(writer, "tried", entry->tried);
    pti_json_end_object(writer);
}

void pti_outbox_write(const struct pti_reports *reports, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "v", 1);
    put_hash(&writer, "seed", reports->seed);
    pti_json_put_integer(&writer, "seed_day", reports->seed_day);
    pti_json_put_integer(&writer, "total_day", reports->total_day);
    pti_json_begin_array(&writer, "counts");
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX && reports->counts[i].policy != 0; i++) {
        pti_json_begin_object(&writer, NULL);
        pti_json_put_integer(&writer, "count", reports->counts[i].base);
        put_hash(&writer, "policy", reports->counts[i].policy);
        pti_json_end_object(&writer);
    }
    pti_json_end_array(&writer);
    pti_json_begin_array(&writer, "seen");
    for (size_t i = 0; i < reports->seen_count; i++) {
        pti_json_begin_object(&writer, NULL);
        pti_json_put_integer(&writer, "at", reports->seen[i].at);
        put_hash(&writer, "key", reports->seen[i].key);
        pti_json_end_object(&writer);
    }
    pti_json_end_array(&writer);
    pti_json_begin_array(&writer, "queue");
    for (size_t i = 0; i < reports->count; i++)
        write_entry(&writer, &reports->queue[i]);
    pti_json_end_array(&writer);
    pti_json_end_object(&writer);
}

static enum pintle_status get_hash(const struct pti_json_value *object, const char *name, uint64_t *hash,
                                   struct pti_error *error)
{
    uint8_t bytes[HASH_HEX / 2];
    struct pintle_bytes text;
    enum pintle_status status = pti_json_get_string(object, name, &text, error);

    if (status != PINTLE_OK)
        return status;
    if (!pti_hex_decode_exact(text, bytes, sizeof bytes))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected \"%s\" to be %d hexadecimal digits", name, HASH_HEX);
    *hash = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *hash = *hash << 8 | bytes[i];
    return PINTLE_OK;
}

typedef enum pintle_status (*read_fn)(const struct pti_json_value *value, struct pti_reports *reports,
                                      struct pti_error *error);

static enum pintle_status read_array(const struct pti_json_value *root, const char *name, size_t max, read_fn read,
                                     struct pti_reports *reports, struct pti_error *error)
{
    const struct pti_json_value *array;
    enum pintle_status status = pti_json_get(root, name, PTI_JSON_ARRAY, &array, error);

    if (status != PINTLE_OK)
        return status;
    if (pti_json_count(array) > max)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %zu elements in \"%s\"", max, name);
    for (const struct pti_json_value *value = pti_json_first(array); value != NULL && status == PINTLE_OK;
         value = pti_json_next(value))
        status = read(value, reports, error);
    return status;
}

static enum pintle_status read_count(const struct pti_json_value *value, struct pti_reports *reports,
                                     struct pti_error *error)
{
    struct pti_reports_count count = {.policy = 0};
    enum pintle_status status = get_hash(value, "policy", &count.policy, error);
    size_t place = 0;

    if (status == PINTLE_OK)
        status = pti_json_get_integer(value, "count", 0, PTI_JSON_INTEGER_MAX, &count.base, error);
    while (status == PINTLE_OK && reports->counts[place].policy != 0 && reports->counts[place].policy != count.policy)
        place++;
    if (status == PINTLE_OK && (count.policy == 0 || reports->counts[place].policy != 0))
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected each policy once");
    if (status == PINTLE_OK)
        reports->counts[place] = count;
    return status;
}

static enum pintle_status read_seen(const struct pti_json_value *value, struct pti_reports *reports,
                                    struct pti_error *error)
{
    struct pti_reports_seen *seen = &reports->seen[reports->seen_count];
    enum pintle_status status = get_hash(value, "key", &seen->key, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(value, "at", 0, TIME_MAX, &seen->at, error);
    if (status == PINTLE_OK)
        reports->seen_count++;
    return status;
}

static enum pintle_status read_flags(const struct pti_json_value *value, struct pti_reports_entry *entry,
                                     struct pti_error *error)
{
    int64_t bucket = 0, rank = 0;
    enum pintle_status status = pti_json_get_integer(value, "bucket", 0, BUCKET_MAX, &bucket, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(value, "rank", 1, RANK_MAX, &rank, error);
    if (status == PINTLE_OK)
        status = pti_json_get_bool(value, "retry", &entry->retry, error);
    if (status == PINTLE_OK)
        status = pti_json_get_bool(value, "tried", &entry->tried, error);
    if (status == PINTLE_OK)
        status = pti_json_get_bool(value, "ok", &entry->ok, error);
    entry->bucket = (unsigned)bucket;
    entry->rank = (unsigned)rank;
    return status;
}

/* The same allow-list as at the collector's door: whoever can write the store cannot make us send anything else. */
static enum pintle_status read_report(const struct pti_json_value *value, struct pti_reports_entry *entry,
                                      struct pti_error *error)
{
    const struct pti_json_value *json;
    struct pti_report report;
    enum pintle_status status = pti_json_get(value, "report", PTI_JSON_OBJECT, &json, error);

    if (status == PINTLE_OK)
        status = pti_report_read(json, &report, error);
    if (status == PINTLE_OK)
        status = pti_report_document(&report, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_json_member(json, "hll") != NULL || pti_json_member(json, "recovery") != NULL ||
        strlen(report.id) != PTI_REPORT_ID_SIZE || report.document.size > PTI_REPORT_SIZE_MAX - 128)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected a report as this client writes them");
    (void)pti_copy_text(entry->id, sizeof entry->id, report.id);
    if (status == PINTLE_OK && pti_bytes_copy(pti_buf_bytes(&report.document), &entry->json) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    pti_report_clear(&report);
    return status;
}

static enum pintle_status read_entry(const struct pti_json_value *value, struct pti_reports *reports,
                                     struct pti_error *error)
{
    struct pti_reports_entry entry = {.stored = true, .told = true};
    enum pintle_status status = get_hash(value, "key", &entry.key, error);

    if (status == PINTLE_OK)
        status = get_hash(value, "connection", &entry.connection, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(value, "at", 0, TIME_MAX, &entry.at, error);
    if (status == PINTLE_OK)
        status = read_flags(value, &entry, error);
    if (status == PINTLE_OK)
        status = read_report(value, &entry, error);
    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < reports->count; i++)
        if (strcmp(reports->queue[i].id, entry.id) == 0) {
            pti_bytes_free(&entry.json);
            return pti_fail(error, PINTLE_ERR_INPUT, "expected each report once");
        }
    reports->queue[reports->count++] = entry;
    return PINTLE_OK;
}

static enum pintle_status read_root(const struct pti_json_value *root, struct pti_reports *reports,
                                    struct pti_error *error)
{
    int64_t version;
    enum pintle_status status = pti_json_get_integer(root, "v", 1, 1, &version, error);

    if (status == PINTLE_OK)
        status = get_hash(root, "seed", &reports->seed, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "seed_day", -1, DAY_MAX, &reports->seed_day, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "total_day", -1, DAY_MAX, &reports->total_day, error);
    if (status == PINTLE_OK)
        status = read_array(root, "counts", PTI_SUCCESS_HOSTS_MAX, read_count, reports, error);
    if (status == PINTLE_OK)
        status = read_array(root, "seen", PTI_REPORT_DEDUP_MAX, read_seen, reports, error);
    if (status == PINTLE_OK)
        status = read_array(root, "queue", PTI_REPORTS_MAX, read_entry, reports, error);
    return status;
}

enum pintle_status pti_outbox_parse(struct pintle_bytes text, struct pti_reports *reports, struct pti_error *error)
{
    struct pti_json *json;
    enum pintle_status status = pti_json_parse(text, &json, error);

    pti_reports_init(reports);
    if (status == PINTLE_OK)
        status = read_root(pti_json_root(json), reports, error);
    pti_json_free(json);
    if (status == PINTLE_OK)
        return PINTLE_OK;
    pti_reports_clear(reports);
    pti_reports_init(reports);
    return pti_error_prefix(error, "store: " PTI_STORE_REPORTS), status;
}
