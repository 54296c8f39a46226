/* SPDX-License-Identifier: Apache-2.0 */
#include "server/adoption_batch.h"

#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json.h"
#include "pin/zone.h"
#include "server/limits.h"

#define DAY_S 86400

static enum pintle_status check_members(const struct pti_json_value *object, const char *const *names,
                                        struct pti_error *error)
{
    for (const struct pti_json_value *member = pti_json_first(object); member; member = pti_json_next(member)) {
        struct pintle_bytes name = pti_json_name(member);
        size_t i = 0;

        while (names[i] && !pti_bytes_equal_text(name, names[i]))
            i++;
        if (!names[i])
            return pti_fail(error, PINTLE_ERR_INPUT, "byte %zu: there is no member \"%.*s\" here",
                            pti_json_offset(member), (int)(name.size < 40 ? name.size : 40), (const char *)name.data);
    }
    return PINTLE_OK;
}

/* A text that a header can hold, as it would stand there; "" if it is absent. */
static enum pintle_status read_word(const struct pti_json_value *object, const char *name,
                                    char out[PTI_HOLDING_WORD_MAX + 1], struct pti_error *error)
{
    const struct pti_json_value *value = pti_json_member(object, name);
    char word[PTI_HOLDING_WORD_MAX + 1];
    struct pintle_bytes text;

    out[0] = '\0';
    if (!value)
        return PINTLE_OK;
    if (!pti_json_as_string(value, &text) || text.size > PTI_HOLDING_WORD_MAX ||
        (text.size > 0 && memchr(text.data, '\0', text.size)))
        return pti_fail(error, PINTLE_ERR_INPUT, "byte %zu: \"%s\" must be a string of at most %d characters",
                        pti_json_offset(value), name, PTI_HOLDING_WORD_MAX);
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    pti_holding_word(out, word);
    if (strcmp(word, out) != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "byte %zu: \"%s\" must hold letters, digits, . _ + - alone",
                        pti_json_offset(value), name);
    return PINTLE_OK;
}

static enum pintle_status read_day(const struct pti_json_value *object, int64_t *day, struct pti_error *error)
{
    char midnight[PTI_DATETIME_SIZE + 1] = "";
    struct pintle_bytes text;
    int64_t seconds = 0;
    enum pintle_status status = pti_json_get_string(object, "day", &text, error);

    if (status != PINTLE_OK)
        return status;
    if (text.size == 10)
        (void)snprintf(midnight, sizeof midnight, "%.10sT00:00:00Z", (const char *)text.data);
    if (!pti_datetime_parse(pti_bytes_text(midnight), &seconds))
        return pti_fail(error, PINTLE_ERR_INPUT, "byte %zu: \"day\" must be a date like 2026-11-21",
                        pti_json_offset(pti_json_member(object, "day")));
    *day = seconds / DAY_S;
    return PINTLE_OK;
}

static enum pintle_status read_zone(const struct pti_json_value *object, struct pti_tally_row *row,
                                    struct pti_error *error)
{
    const struct pti_json_value *value = pti_json_member(object, "zone");
    struct pintle_bytes text;
    enum pintle_status status;

    if (value && pti_json_type(value) == PTI_JSON_NULL)
        return PINTLE_OK;
    status = pti_json_get_string(object, "zone", &text, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_zone_name_valid(text))
        return pti_fail(error, PINTLE_ERR_INPUT, "byte %zu: \"zone\" must be the name of a zone, or null",
                        pti_json_offset(value));
    memcpy(row->zone, text.data, text.size); /* a valid name fits */
    return PINTLE_OK;
}

static enum pintle_status read_count(const struct pti_json_value *object, const char *name, int64_t max, int64_t *count,
                                     struct pti_error *error)
{
    if (!pti_json_member(object, name))
        return PINTLE_OK;
    return pti_json_get_integer(object, name, 0, max, count, error);
}

static enum pintle_status read_row(const struct pti_json_value *object, struct pti_tally_row *row,
                                   struct pti_error *error)
{
    static const char *const names[] = {"day", "zone", "version", "app", "app_version", "os", "hits", "d", "w", NULL};
    char os[PTI_HOLDING_WORD_MAX + 1];
    enum pintle_status status;

    memset(row, 0, sizeof *row);
    if (pti_json_type(object) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "byte %zu: a row must be an object", pti_json_offset(object));
    status = check_members(object, names, error);
    if (status == PINTLE_OK)
        status = read_day(object, &row->day, error);
    if (status == PINTLE_OK)
        status = read_zone(object, row, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(object, "version", 0, PTI_JSON_INTEGER_MAX, &row->version, error);
    if (status == PINTLE_OK)
        status = read_word(object, "app", row->app, error);
    if (status == PINTLE_OK)
        status = read_word(object, "app_version", row->app_version, error);
    if (status == PINTLE_OK)
        status = read_word(object, "os", os, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(object, "hits", 1, PTI_ADOPTION_HITS_MAX, &row->hits, error);
    if (status == PINTLE_OK)
        status = read_count(object, "d", row->hits, &row->days, error);
    if (status == PINTLE_OK)
        status = read_count(object, "w", row->hits, &row->weeks, error);
    row->os = status == PINTLE_OK ? pti_holding_platform(os) : PTI_TALLY_OTHER;
    return status;
}

static enum pintle_status read_rows(const struct pti_json_value *root, struct pti_tally *tally, struct pti_error *error)
{
    const struct pti_json_value *rows = NULL;
    enum pintle_status status = pti_json_get(root, "rows", PTI_JSON_ARRAY, &rows, error);
    struct pti_tally_row row;

    if (status == PINTLE_OK && pti_json_count(rows) > PTI_ADOPTION_BATCH_ROWS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d rows, found %zu", PTI_ADOPTION_BATCH_ROWS_MAX,
                        pti_json_count(rows));
    for (const struct pti_json_value *value = pti_json_first(rows); status == PINTLE_OK && value;
         value = pti_json_next(value)) {
        status = read_row(value, &row, error);
        if (status == PINTLE_OK && !pti_tally_add(tally, &row))
            status = pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the rows");
    }
    return status;
}

static enum pintle_status read_batch(const struct pti_json_value *root, struct pti_adoption_batch *batch,
                                     struct pti_error *error)
{
    static const char *const names[] = {"batch", "repository", "rows", NULL};
    enum pintle_status status;

    if (pti_json_type(root) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an object, found %s",
                        pti_json_type_name(pti_json_type(root)));
    status = check_members(root, names, error);
    if (status == PINTLE_OK)
        status = read_word(root, "batch", batch->id, error);
    if (status == PINTLE_OK && strlen(batch->id) < PTI_BATCH_ID_MIN)
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"batch\" must be a string of %d to %d characters",
                          PTI_BATCH_ID_MIN, PTI_HOLDING_WORD_MAX);
    if (status == PINTLE_OK)
        status = read_word(root, "repository", batch->repository, error);
    return status == PINTLE_OK ? read_rows(root, &batch->tally, error) : status;
}

enum pintle_status pti_adoption_batch_parse(struct pintle_bytes text, struct pti_adoption_batch *batch,
                                            struct pti_error *error)
{
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(text, &json, error);

    memset(batch, 0, sizeof *batch);
    pti_tally_init(&batch->tally, PTI_ADOPTION_BATCH_ROWS_MAX);
    if (status == PINTLE_OK)
        status = read_batch(pti_json_root(json), batch, error);
    pti_json_free(json);
    if (status != PINTLE_OK)
        pti_tally_clear(&batch->tally);
    return status;
}
