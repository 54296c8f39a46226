/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json_write.h"

void pti_log_state_init(struct pti_log_state *state, const uint8_t key[PTI_SOURCES_KEY_SIZE], uint32_t per_day)
{
    memset(state, 0, sizeof *state);
    pti_buf_init(&state->rows, PTI_LOG_ROWS_SIZE_MAX);
    pti_sources_init(&state->sources, key, per_day);
}

void pti_log_state_clear(struct pti_log_state *state)
{
    pti_buf_clear(&state->rows);
}

/* ---- writing ---- */

/* Inodes may need more than the 53 bits of a JSON integer. */
static void put_number(struct pti_json_writer *json, const char *name, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    pti_json_put_text(json, name, text);
}

static void put_files(struct pti_json_writer *json, const struct pti_log_state *state)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_json_begin_array(json, "files");
    for (size_t i = 0; i < PTI_LOG_FILES; i++) {
        const struct pti_log_position *file = &state->files[i];

        pti_hex_encode(file->head, sizeof file->head, hex);
        pti_json_begin_object(json, NULL);
        put_number(json, "device", file->device);
        put_number(json, "inode", file->inode);
        pti_json_put_integer(json, "offset", file->offset);
        pti_json_put_integer(json, "head_size", file->head_size);
        pti_json_put_text(json, "head", hex);
        pti_json_end_object(json);
    }
    pti_json_end_array(json);
}

/* Only the networks that counted. */
static void put_sources(struct pti_json_writer *json, const struct pti_sources *sources)
{
    char hex[PTI_HEX_SIZE(PTI_SOURCES_KEY_SIZE) + 1];

    pti_hex_encode(sources->key, sizeof sources->key, hex);
    pti_json_begin_object(json, "sources");
    pti_json_put_text(json, "key", hex);
    pti_json_put_integer(json, "day", sources->day);
    pti_json_begin_array(json, "counted");
    for (int64_t i = 0; i < PTI_SOURCES; i++) {
        if (sources->counted[i] == 0)
            continue;
        pti_json_put_integer(json, NULL, i);
        pti_json_put_integer(json, NULL, sources->counted[i]);
    }
    pti_json_end_array(json);
    pti_json_end_object(json);
}

void pti_log_state_write(const struct pti_log_state *state, struct pti_buf *out)
{
    struct pti_json_writer json;

    pti_json_writer_init(&json, out, false);
    pti_json_begin_object(&json, NULL);
    pti_json_put_integer(&json, "v", 1);
    put_files(&json, state);
    if (state->batch[0] != '\0') {
        pti_json_put_text(&json, "batch", state->batch);
        pti_json_put_raw(&json, "rows", pti_buf_bytes(&state->rows));
    }
    put_sources(&json, &state->sources);
    pti_json_end_object(&json);
}

/* ---- reading ---- */

static enum pintle_status get_number(const struct pti_json_value *object, const char *name, uint64_t *number,
                                     struct pti_error *error)
{
    struct pintle_bytes text;
    enum pintle_status status = pti_json_get_string(object, name, &text, error);

    *number = 0;
    for (size_t i = 0; status == PINTLE_OK && i < text.size; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';

        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must be a number in a string", name);
        *number = *number * 10 + digit;
    }
    return status;
}

static enum pintle_status get_hex(const struct pti_json_value *object, const char *name, uint8_t *out, size_t size,
                                  struct pti_error *error)
{
    struct pintle_bytes text;
    enum pintle_status status = pti_json_get_string(object, name, &text, error);

    if (status == PINTLE_OK && !pti_hex_decode_exact(text, out, size))
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must be %zu bytes in hex", name, size);
    return status;
}

static enum pintle_status get_file(const struct pti_json_value *object, struct pti_log_position *file,
                                   struct pti_error *error)
{
    enum pintle_status status = get_number(object, "device", &file->device, error);

    if (status == PINTLE_OK)
        status = get_number(object, "inode", &file->inode, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(object, "offset", 0, PTI_JSON_INTEGER_MAX, &file->offset, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(object, "head_size", 0, PTI_LOG_HEAD_MAX, &file->head_size, error);
    return status == PINTLE_OK ? get_hex(object, "head", file->head, sizeof file->head, error) : status;
}

static enum pintle_status get_files(const struct pti_json_value *root, struct pti_log_state *state,
                                    struct pti_error *error)
{
    const struct pti_json_value *array = NULL;
    enum pintle_status status = pti_json_get(root, "files", PTI_JSON_ARRAY, &array, error);
    size_t count = 0;

    for (const struct pti_json_value *file = pti_json_first(array); status == PINTLE_OK && file;
         file = pti_json_next(file)) {
        if (count == PTI_LOG_FILES)
            break;
        status = get_file(file, &state->files[count++], error);
    }
    if (status == PINTLE_OK && pti_json_count(array) != PTI_LOG_FILES)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected %d files, found %zu", PTI_LOG_FILES,
                          pti_json_count(array));
    return status;
}

static enum pintle_status get_batch(const struct pti_json_value *root, struct pti_log_state *state,
                                    struct pti_error *error)
{
    const struct pti_json_value *rows = NULL;
    struct pintle_bytes id;
    enum pintle_status status;

    if (pti_json_member(root, "batch") == NULL)
        return PINTLE_OK;
    status = pti_json_get_string(root, "batch", &id, error);
    if (status == PINTLE_OK && id.size != PTI_LOG_BATCH_ID_SIZE - 1)
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"batch\" must be a string of %d characters",
                          PTI_LOG_BATCH_ID_SIZE - 1);
    if (status == PINTLE_OK)
        status = pti_json_get(root, "rows", PTI_JSON_ARRAY, &rows, error);
    if (status != PINTLE_OK)
        return status;
    memcpy(state->batch, id.data, id.size);
    pti_json_write_compact(rows, &state->rows);
    return pti_buf_check(&state->rows, error, "what is unsent");
}

static enum pintle_status get_sources(const struct pti_json_value *root, struct pti_sources *sources,
                                      struct pti_error *error)
{
    const struct pti_json_value *object = NULL, *array = NULL;
    enum pintle_status status = pti_json_get(root, "sources", PTI_JSON_OBJECT, &object, error);

    if (status == PINTLE_OK)
        status = get_hex(object, "key", sources->key, sizeof sources->key, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(object, "day", -1, PTI_JSON_INTEGER_MAX, &sources->day, error);
    if (status == PINTLE_OK)
        status = pti_json_get(object, "counted", PTI_JSON_ARRAY, &array, error);
    for (const struct pti_json_value *value = pti_json_first(array); status == PINTLE_OK && value;
         value = pti_json_next(value)) {
        int64_t place = -1, counted = -1;

        (void)pti_json_as_integer(value, &place);
        value = pti_json_next(value);
        (void)pti_json_as_integer(value, &counted);
        if (value == NULL || place < 0 || place >= PTI_SOURCES || counted < 0 || counted > UINT32_MAX)
            return pti_fail(error, PINTLE_ERR_INPUT, "\"counted\" must hold pairs of a place and a number");
        sources->counted[place] = (uint32_t)counted;
    }
    return status;
}

enum pintle_status pti_log_state_parse(struct pintle_bytes text, struct pti_log_state *state, struct pti_error *error)
{
    struct pti_log_state read;
    struct pti_json *json = NULL;
    const struct pti_json_value *root;
    int64_t version = 0;
    enum pintle_status status = pti_json_parse(text, &json, error);

    pti_log_state_init(&read, state->sources.key, state->sources.per_day);
    root = pti_json_root(json);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "v", 1, 1, &version, error);
    if (status == PINTLE_OK)
        status = get_files(root, &read, error);
    if (status == PINTLE_OK)
        status = get_batch(root, &read, error);
    if (status == PINTLE_OK)
        status = get_sources(root, &read.sources, error);
    pti_json_free(json);
    if (status == PINTLE_OK) {
        pti_log_state_clear(state);
        *state = read;
    } else {
        pti_log_state_clear(&read);
    }
    return status;
}
