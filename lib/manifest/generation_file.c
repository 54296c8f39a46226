/* SPDX-License-Identifier: Apache-2.0 */
/* The generation file: what a store calls "accepted" and an app ships.  The body of a manifest is the same without a head. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "manifest/generation.h"
#include "tuf/container.h"

#define RECORD_PATH "generation.json"
#define RECORD_FORMAT 1
#define RECORD_SIZE_MAX 8000000 /* PTI_PAST_ZONES_MAX zones of PTI_KEYS_MAX keys */

/*
 * The record is the one entry that nobody signed.  A flipped bit in its root number or issue time would parse, and shut
 * the client out of every later manifest; its checksum makes that ordinary damage, which a refresh repairs.
 */
#define CHECKSUM_PATH "generation.sum"
#define CHECKSUM_SIZE 16 /* FNV-1a of 64 bits, in hex */

static void checksum(struct pintle_bytes record, char out[CHECKSUM_SIZE + 1])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < record.size; i++)
        hash = (hash ^ record.data[i]) * UINT64_C(0x100000001b3);
    (void)snprintf(out, CHECKSUM_SIZE + 1, "%016" PRIx64, hash);
}

static void write_past_zones(const struct pti_generation *generation, struct pti_json_writer *writer)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_json_begin_array(writer, "past_zones");
    for (size_t i = 0; i < generation->past_zone_count; i++) {
        const struct pti_past_zone *past = &generation->past_zones[i];

        pti_json_begin_object(writer, NULL);
        pti_json_begin_array(writer, "keys");
        for (size_t k = 0; k < past->identity_count; k++) {
            pti_hex_encode(past->identities[k], PINTLE_SHA256_SIZE, hex);
            pti_json_put_text(writer, NULL, hex);
        }
        pti_json_end_array(writer);
        pti_json_put_integer(writer, "version", past->version);
        pti_json_put_text(writer, "zone", past->name);
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}

static void write_record(const struct pti_generation *generation, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "accepted_at", generation->accepted_at);
    pti_json_put_integer(&writer, "format", RECORD_FORMAT);
    pti_json_put_integer(&writer, "issued", generation->issued);
    write_past_zones(generation, &writer);
    pti_json_put_integer(&writer, "root", generation->root_version);
    pti_json_put_bool(&writer, "shipped", generation->shipped);
    pti_json_end_object(&writer);
}

static void write_body_entries(const struct pti_generation *generation, struct pti_buf *out)
{
    char path[PTI_CONTAINER_PATH_MAX + 1];

    pti_container_write_entry(out, "snapshot.json", generation->snapshot->bytes);
    pti_container_write_entry(out, "targets.json", generation->targets->bytes);
    pti_container_write_entry(out, "charter.json", generation->charter_bytes);
    for (size_t i = 0; i < generation->zone_count; i++) {
        const struct pti_generation_zone *zone = &generation->zones[i];
        struct pti_item item = {PTI_ITEM_ROLE, zone->name, NULL, 0};

        pti_item_path(&item, path);
        pti_container_write_entry(out, path, zone->role->bytes);
        item.kind = PTI_ITEM_ZONE;
        pti_item_path(&item, path);
        pti_container_write_entry(out, path, zone->bytes);
    }
}

static uint32_t body_count(const struct pti_generation *generation)
{
    return (uint32_t)(3 + 2 * generation->zone_count);
}

void pti_generation_write_body(const struct pti_generation *generation, struct pti_buf *out)
{
    pti_container_write_begin(out, body_count(generation));
    write_body_entries(generation, out);
}

/* At most: the paths and lengths of entries are counted generously. */
static size_t file_size(const struct pti_generation *generation, size_t record_size)
{
    size_t size = record_size + CHECKSUM_SIZE + generation->timestamp->bytes.size + generation->snapshot->bytes.size +
                  generation->targets->bytes.size + generation->charter_bytes.size + 256;

    for (size_t i = 0; i < generation->zone_count; i++)
        size += generation->zones[i].role->bytes.size + generation->zones[i].bytes.size + 2 * PINTLE_ZONE_NAME_MAX + 32;
    return size;
}

void pti_generation_write(const struct pti_generation *generation, struct pti_buf *out)
{
    char sum[CHECKSUM_SIZE + 1];
    struct pti_buf record;

    pti_buf_init(&record, RECORD_SIZE_MAX);
    write_record(generation, &record);
    checksum(pti_buf_bytes(&record), sum);
    pti_buf_reserve(out, file_size(generation, record.size));
    pti_container_write_begin(out, 3 + body_count(generation));
    pti_container_write_entry(out, RECORD_PATH, pti_buf_bytes(&record));
    pti_container_write_entry(out, CHECKSUM_PATH, pti_bytes_text(sum));
    pti_container_write_entry(out, "timestamp.json", generation->timestamp->bytes);
    write_body_entries(generation, out);
    if (record.status != PINTLE_OK && out->status == PINTLE_OK)
        out->status = record.status;
    pti_buf_clear(&record);
}

static enum pintle_status read_past_zone(const struct pti_json_value *object, struct pti_past_zone *past,
                                         struct pti_error *error)
{
    const struct pti_json_value *keys;
    struct pintle_bytes zone, hex;
    enum pintle_status status = pti_json_get_string(object, "zone", &zone, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(object, "version", 0, PTI_JSON_INTEGER_MAX, &past->version, error);
    if (status == PINTLE_OK)
        status = pti_json_get(object, "keys", PTI_JSON_ARRAY, &keys, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_zone_name_valid(zone) || pti_json_count(keys) > PTI_KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "past zone at byte %zu is malformed", pti_json_offset(object));
    memcpy(past->name, zone.data, zone.size);
    past->identities = calloc(pti_json_count(keys) + 1, sizeof *past->identities);
    if (past->identities == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (const struct pti_json_value *key = pti_json_first(keys); key != NULL; key = pti_json_next(key))
        if (!pti_json_as_string(key, &hex) ||
            !pti_hex_decode_exact(hex, past->identities[past->identity_count++], PINTLE_SHA256_SIZE))
            return pti_fail(error, PINTLE_ERR_INPUT, "past zone key at byte %zu is malformed", pti_json_offset(key));
    return PINTLE_OK;
}

static enum pintle_status read_past_zones(const struct pti_json_value *array, struct pti_generation *generation,
                                          struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (pti_json_count(array) > PTI_PAST_ZONES_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "more than %d past zones", PTI_PAST_ZONES_MAX);
    generation->past_zones = calloc(pti_json_count(array) + 1, sizeof *generation->past_zones);
    if (generation->past_zones == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (const struct pti_json_value *item = pti_json_first(array); item != NULL && status == PINTLE_OK;
         item = pti_json_next(item))
        status = read_past_zone(item, &generation->past_zones[generation->past_zone_count++], error);
    return status;
}

/* Fills everything of *record but the verified files. */
static enum pintle_status read_record(struct pintle_bytes bytes, struct pti_generation *record, struct pti_error *error)
{
    const struct pti_json_value *root, *past;
    struct pti_json *json;
    int64_t format;
    enum pintle_status status = pti_json_parse(bytes, &json, error);

    if (status != PINTLE_OK)
        return pti_error_prefix(error, RECORD_PATH), status;
    root = pti_json_root(json);
    status = pti_json_get_integer(root, "format", RECORD_FORMAT, RECORD_FORMAT, &format, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "root", 1, PTI_ROOTS_MAX, &record->root_version, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "accepted_at", 0, PTI_JSON_INTEGER_MAX, &record->accepted_at, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(root, "issued", -1, PTI_JSON_INTEGER_MAX, &record->issued, error);
    if (status == PINTLE_OK)
        status = pti_json_get_bool(root, "shipped", &record->shipped, error);
    if (status == PINTLE_OK)
        status = pti_json_get(root, "past_zones", PTI_JSON_ARRAY, &past, error);
    if (status == PINTLE_OK)
        status = read_past_zones(past, record, error);
    pti_json_free(json);
    return status == PINTLE_OK ? status : (pti_error_prefix(error, RECORD_PATH), status);
}

static enum pintle_status parse_file(struct pintle_bytes file, struct pti_container *container,
                                     struct pti_generation *record, struct pti_error *error)
{
    struct pintle_bytes bytes, sum;
    char expected[CHECKSUM_SIZE + 1];
    enum pintle_status status = pti_container_parse(file, container, error);

    *record = (struct pti_generation){0};
    if (status != PINTLE_OK)
        return status;
    if (!pti_container_find(container, RECORD_PATH, &bytes) || !pti_container_find(container, CHECKSUM_PATH, &sum))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a generation file, found a container without " RECORD_PATH " or " CHECKSUM_PATH);
    checksum(bytes, expected);
    if (!pti_bytes_equal_text(sum, expected))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        RECORD_PATH ": damaged: its checksum is %s, " CHECKSUM_PATH " says %.*s", expected,
                        (int)(sum.size < CHECKSUM_SIZE ? sum.size : CHECKSUM_SIZE), (const char *)sum.data);
    return read_record(bytes, record, error);
}

enum pintle_status pti_generation_file_root(struct pintle_bytes file, int64_t *root_version, struct pti_error *error)
{
    struct pti_container container;
    struct pti_generation record;
    enum pintle_status status = parse_file(file, &container, &record, error);

    *root_version = record.root_version;
    pti_generation_forget_past(&record);
    pti_container_clear(&container);
    return status;
}

static enum pintle_status verify_file(const struct pti_container *container, bool lasts,
                                      const struct pti_tuf_metadata *root, struct pintle_crypto *crypto,
                                      int64_t local_clock, struct pti_generation **generation, struct pti_error *error)
{
    struct pti_manifest_source source = pti_container_source(container);
    struct pintle_bytes timestamp;
    struct pti_trusted set;
    enum pintle_status status;

    source.lasts = lasts;
    if (!pti_container_find(container, "timestamp.json", &timestamp))
        return pti_fail(error, PINTLE_ERR_INPUT, "the generation file lacks timestamp.json");
    pti_trusted_init(&set, crypto, root, local_clock);
    set.waive_expiry = true;
    status = pti_trusted_update_timestamp(&set, timestamp, error);
    if (status == PINTLE_OK)
        status = pti_generation_build(&set, &source, generation, error);
    pti_trusted_clear(&set);
    if (status != PINTLE_ERR_NETWORK)
        return status;
    if (error != NULL) /* what a body lacks is a failed transfer; here it never arrives */
        error->status = PINTLE_ERR_INPUT;
    return PINTLE_ERR_INPUT;
}

static enum pintle_status read_file(struct pintle_bytes file, bool lasts, const struct pti_roots *roots,
                                    int64_t local_clock, struct pti_generation **generation, struct pti_error *error)
{
    const struct pti_tuf_metadata *root;
    struct pti_container container;
    struct pti_generation record;
    enum pintle_status status = parse_file(file, &container, &record, error);

    *generation = NULL;
    if (status == PINTLE_OK) {
        root = pti_roots_version(roots, record.root_version);
        if (root == NULL)
            status = pti_fail(error, PINTLE_ERR_TRUST,
                              "accepted under root %" PRId64 ", but roots are known only up to %zu",
                              record.root_version, roots->count);
        else
            status = verify_file(&container, lasts, root, roots->crypto, local_clock, generation, error);
    }
    if (status == PINTLE_OK) {
        (*generation)->shipped = record.shipped;
        (*generation)->accepted_at = record.accepted_at;
        (*generation)->issued = record.issued;
        (*generation)->past_zones = record.past_zones;
        (*generation)->past_zone_count = record.past_zone_count;
        record.past_zones = NULL;
        record.past_zone_count = 0;
    }
    pti_generation_forget_past(&record);
    pti_container_clear(&container);
    return status;
}

enum pintle_status pti_generation_read(struct pintle_bytes file, const struct pti_roots *roots, int64_t local_clock,
                                       struct pti_generation **generation, struct pti_error *error)
{
    return read_file(file, false, roots, local_clock, generation, error);
}

enum pintle_status pti_generation_take(struct pintle_bytes *file, const struct pti_roots *roots, int64_t local_clock,
                                       struct pti_generation **generation, struct pti_error *error)
{
    enum pintle_status status = read_file(*file, true, roots, local_clock, generation, error);

    if (status == PINTLE_OK) {
        (*generation)->backing = *file;
        *file = (struct pintle_bytes){NULL, 0};
    }
    return status;
}
