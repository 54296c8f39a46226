/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/resign.h. */
#include "publish/resign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "publish/online.h"
#include "tuf/verify.h"

#define DAY_S INT64_C(86400)

/* What the signer was given, parsed and verified. */
struct current {
    struct pti_tuf_metadata *root, *snapshot, *timestamp;
};

static void clear_current(struct current *current)
{
    pti_tuf_metadata_free(current->root);
    pti_tuf_metadata_free(current->snapshot);
    pti_tuf_metadata_free(current->timestamp);
}

static enum pintle_status verify_current(const struct pti_resign_input *input, struct current *current,
                                         struct pti_error *error)
{
    struct pti_tuf_metadata *const *const root = &current->root;
    enum pintle_status status = pti_tuf_metadata_parse(input->root, PTI_TUF_ROOT, input->crypto, &current->root, error);

    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse(input->snapshot, PTI_TUF_SNAPSHOT, input->crypto, &current->snapshot, error);
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse(input->timestamp, PTI_TUF_TIMESTAMP, input->crypto, &current->timestamp, error);
    if (status == PINTLE_OK)
        status = pti_tuf_verify(current->snapshot, &(*root)->roles[PTI_TUF_SNAPSHOT], &(*root)->keys, "snapshot",
                                error);
    if (status == PINTLE_OK)
        status = pti_tuf_verify(current->timestamp, &(*root)->roles[PTI_TUF_TIMESTAMP], &(*root)->keys, "timestamp",
                                error);
    if (status == PINTLE_OK)
        status = pti_tuf_verify_file(input->snapshot, &current->timestamp->files.items[0], input->crypto, error);
    if (status == PINTLE_OK && current->timestamp->files.items[0].version != current->snapshot->version)
        status = pti_fail(error, PINTLE_ERR_TRUST,
                          "the timestamp names snapshot version %" PRId64 ", found version %" PRId64,
                          current->timestamp->files.items[0].version, current->snapshot->version);
    return status;
}

static enum pintle_status next_version(const char *role, int64_t current, int64_t asked, int64_t *next,
                                       struct pti_error *error)
{
    *next = asked == 0 ? current + 1 : asked;
    if (*next > current && *next <= PTI_JSON_INTEGER_MAX)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "%s: version %" PRId64 " is current, the next one must be higher; found %" PRId64, role, current,
                    asked);
}

/* The same entries; names are "<role>.json" there and roles here. */
static enum pintle_status copy_entries(const struct pti_tuf_metadata *snapshot, struct pti_snapshot_entry *entries,
                                       char (*names)[64], struct pti_error *error)
{
    for (size_t i = 0; i < snapshot->files.count; i++) {
        const struct pti_tuf_file *file = &snapshot->files.items[i];
        size_t size = file->name.size;
        if (size < 6 || size - 5 >= sizeof(names[i]) || memcmp(file->name.data + size - 5, ".json", 5) != 0 ||
            !file->has_sha256 || file->length < 0)
            return pti_fail(error, PINTLE_ERR_INPUT, "snapshot: entry %zu is not of the form that pintle writes",
                            i + 1);
        memcpy(names[i], file->name.data, size - 5);
        names[i][size - 5] = '\0';
        entries[i].role = names[i];
        entries[i].file.version = file->version;
        entries[i].file.length = file->length;
        memcpy(entries[i].file.sha256, file->sha256, sizeof(file->sha256));
    }
    return PINTLE_OK;
}

static enum pintle_status renew_snapshot(const struct pti_resign_input *input, const struct pti_tuf_metadata *snapshot,
                                         struct pti_snapshot_fields *fields, struct pintle_bytes *out,
                                         struct pti_error *error)
{
    struct pti_snapshot_entry *entries = calloc(snapshot->files.count + 1, sizeof(*entries));
    char(*names)[64] = calloc(snapshot->files.count + 1, sizeof(*names));
    enum pintle_status status = PINTLE_OK;

    if (entries == NULL || names == NULL)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu roles", snapshot->files.count);
    if (status == PINTLE_OK)
        status = copy_entries(snapshot, entries, names, error);
    fields->entries = entries;
    fields->entry_count = snapshot->files.count;
    fields->expires = input->now + input->days.snapshot * DAY_S;
    if (status == PINTLE_OK)
        status = pti_online_snapshot(fields, input->root, input->keys, input->crypto, out, error);
    free(entries);
    free(names);
    return status;
}

static enum pintle_status renew_timestamp(const struct pti_resign_input *input, const struct current *current,
                                          struct pintle_bytes snapshot, int64_t snapshot_version,
                                          struct pintle_bytes *out, struct pti_error *error)
{
    struct pti_timestamp_fields fields = {.expires = input->now + input->days.timestamp * DAY_S, .issued = input->now};
    enum pintle_status status = next_version("timestamp", current->timestamp->version, input->timestamp_version,
                                             &fields.version, error);

    if (status == PINTLE_OK)
        status = pti_file_meta_of(input->crypto, snapshot, snapshot_version, &fields.snapshot, error);
    return status == PINTLE_OK ? pti_online_timestamp(&fields, input->root, input->keys, input->crypto, out, error)
                               : status;
}

enum pintle_status pti_resign(const struct pti_resign_input *input, struct pti_resigned *resigned,
                              struct pti_error *error)
{
    struct current current = {NULL, NULL, NULL};
    struct pti_snapshot_fields fields = {0};
    enum pintle_status status = verify_current(input, &current, error);

    *resigned = (struct pti_resigned){{NULL, 0}, {NULL, 0}};
    if (status == PINTLE_OK)
        fields.version = current.snapshot->version;
    if (status == PINTLE_OK && input->renew_snapshot) {
        status = next_version("snapshot", current.snapshot->version, input->snapshot_version, &fields.version, error);
        if (status == PINTLE_OK)
            status = renew_snapshot(input, current.snapshot, &fields, &resigned->snapshot, error);
    }
    if (status == PINTLE_OK)
        status = renew_timestamp(input, &current, input->renew_snapshot ? resigned->snapshot : input->snapshot,
                                 fields.version, &resigned->timestamp, error);
    clear_current(&current);
    if (status != PINTLE_OK)
        pti_resigned_clear(resigned);
    return status;
}

void pti_resigned_clear(struct pti_resigned *resigned)
{
    pti_bytes_free(&resigned->timestamp);
    pti_bytes_free(&resigned->snapshot);
}

enum pintle_status pti_resign_dates_of(const struct pti_published *published, const struct pti_expiry_days *days,
                                       struct pti_resign_dates *dates, struct pti_error *error)
{
    int64_t version, expires = 0;
    enum pintle_status status = pti_envelope_dates(published->timestamp, &version, &expires, error);

    *dates = (struct pti_resign_dates){.zone_expires = INT64_MAX};
    dates->timestamp_at = expires - days->timestamp * DAY_S / 2;
    if (status == PINTLE_OK)
        status = pti_envelope_dates(published->snapshot, &version, &expires, error);
    dates->snapshot_at = expires - days->snapshot * DAY_S / 2;
    if (status == PINTLE_OK)
        status = pti_envelope_dates(published->targets, &version, &dates->targets_expires, error);
    for (size_t i = 0; i < published->zone_count && status == PINTLE_OK; i++) {
        if (!published->zones[i].delegated)
            continue;
        status = pti_envelope_dates(published->zones[i].role, &version, &expires, error);
        if (status == PINTLE_OK && expires < dates->zone_expires) {
            dates->zone_expires = expires;
            (void)pti_copy_text(dates->zone, sizeof(dates->zone), published->zones[i].name);
        }
    }
    return status;
}

/* ---- the directory ---- */

static enum pintle_status read_versions(struct pti_published *next, struct pti_error *error)
{
    int64_t expires;
    enum pintle_status status = pti_envelope_dates(next->timestamp, &next->timestamp_version, &expires, error);

    return status == PINTLE_OK ? pti_envelope_dates(next->snapshot, &next->snapshot_version, &expires, error) : status;
}

static enum pintle_status check_rises(const struct pti_published *current, const struct pti_published *next,
                                      bool snapshot, struct pti_error *error)
{
    if (next->timestamp_version <= current->timestamp_version)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "timestamp: version %" PRId64 " is published, version %" PRId64 " is not newer",
                        current->timestamp_version, next->timestamp_version);
    if (snapshot && next->snapshot_version <= current->snapshot_floor)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "snapshot: version %" PRId64 " exists, version %" PRId64 " is not newer",
                        current->snapshot_floor, next->snapshot_version);
    return PINTLE_OK;
}

enum pintle_status pti_publish_resigned(struct pti_repository *repository, const struct pti_resigned *resigned,
                                        int64_t now, struct pti_error *error)
{
    const struct pti_published *current = &repository->published;
    struct pti_published next = *current; /* all bytes borrowed */
    struct pti_generation *generation = NULL;
    struct pti_output output = {NULL, 0};
    enum pintle_status status = PINTLE_OK;

    if (repository->lock < 0)
        return pti_fail(error, PINTLE_ERR_MISUSE, "the repository was opened for reading only");
    next.timestamp = resigned->timestamp;
    if (resigned->snapshot.size > 0)
        next.snapshot = resigned->snapshot;
    status = read_versions(&next, error);
    if (status == PINTLE_OK)
        status = check_rises(current, &next, resigned->snapshot.size > 0, error);
    if (status == PINTLE_OK)
        status = pti_publish_check(current, &next, now, false, repository->crypto, &generation, error);
    if (status == PINTLE_OK && resigned->snapshot.size > 0)
        status = pti_output_add(&output, next.snapshot, error, "public/metadata/%" PRId64 ".snapshot.json",
                                next.snapshot_version);
    if (status == PINTLE_OK)
        status = pti_publish_bundles(&next, next.root_count, generation, repository->crypto, &output, error);
    if (status == PINTLE_OK)
        status = pti_repository_write_output(repository->directory, &output, error);
    if (status == PINTLE_OK)
        status = pti_repository_reload_published(repository, error);
    pti_output_clear(&output);
    pti_generation_free(generation);
    return status;
}

/* ---- all of it ---- */

static enum pintle_status renew(struct pti_repository *repository, const struct pti_keyring *ring, bool snapshot,
                                int64_t now, struct pti_error *error)
{
    const struct pti_published *published = &repository->published;
    const struct pti_resign_input input = {.root = pti_published_root(published),
                                           .snapshot = published->snapshot,
                                           .timestamp = published->timestamp,
                                           .keys = ring,
                                           .snapshot_version = published->snapshot_floor + 1,
                                           .renew_snapshot = snapshot,
                                           .days = repository->settings.days,
                                           .now = now,
                                           .crypto = repository->crypto};
    struct pti_resigned resigned;
    enum pintle_status status = pti_resign(&input, &resigned, error);

    if (status == PINTLE_OK)
        status = pti_publish_resigned(repository, &resigned, now, error);
    pti_resigned_clear(&resigned);
    return status;
}

/* Under a clock that went back nothing would be due, and nobody would notice until clients are stale. */
static enum pintle_status check_clock(const struct pti_repository *repository, int64_t now, struct pti_error *error)
{
    struct pti_tuf_metadata *timestamp = NULL;
    enum pintle_status status = pti_tuf_metadata_parse(repository->published.timestamp, PTI_TUF_TIMESTAMP,
                                                       repository->crypto, &timestamp, error);

    if (status == PINTLE_OK)
        status = pti_publish_check_clock(timestamp, now, error);
    pti_tuf_metadata_free(timestamp);
    return status;
}

enum pintle_status pti_resign_repository(struct pti_repository *repository, const struct pti_keyring *ring, bool always,
                                         int64_t now, struct pti_renewed *renewed, struct pti_error *error)
{
    struct pti_resign_dates dates;
    int64_t version, snapshot_expires = 0;
    enum pintle_status status = check_clock(repository, now, error);

    *renewed = (struct pti_renewed){.lacking = {.status = PINTLE_OK}};
    if (status == PINTLE_OK)
        status = pti_resign_dates_of(&repository->published, &repository->settings.days, &dates, error);
    if (status == PINTLE_OK)
        status = pti_envelope_dates(repository->published.snapshot, &version, &snapshot_expires, error);
    if (status != PINTLE_OK)
        return status;
    renewed->snapshot = now >= dates.snapshot_at;
    renewed->timestamp = always || renewed->snapshot || now >= dates.timestamp_at;
    if (!renewed->timestamp)
        return PINTLE_OK;
    status = renew(repository, ring, renewed->snapshot, now, error);
    if (status == PINTLE_ERR_TRUST && renewed->snapshot && now < snapshot_expires) {
        struct pti_error with_snapshot = *error;
        status = renew(repository, ring, false, now, error);
        renewed->snapshot = false;
        renewed->lacking = with_snapshot;
    }
    return status;
}
