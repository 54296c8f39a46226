/* SPDX-License-Identifier: Apache-2.0 */
#include "server/resign.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/datetime.h"
#include "base/encode.h"
#include "publish/envelope.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/publication.h"
#include "server/signings.h"

#define DAY_S 86400
#define LINE_MAX_SIZE 1024

/* "repository", or "repository shop": who a line of the log is about. */
static void log_line(const struct pti_resigner *resigner, enum pti_log_level level, const char *format, ...)
    PTI_PRINTF(3, 4);

static void log_line(const struct pti_resigner *resigner, enum pti_log_level level, const char *format, ...)
{
    char text[LINE_MAX_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pti_log(level, "repository%s%s: %s", resigner->name[0] ? " " : "", resigner->name, text);
}

static enum pintle_status read_role(const char *name, struct pintle_bytes metadata, int64_t days,
                                    struct pti_role_status *role, struct pti_error *error)
{
    role->life_s = days * DAY_S;
    pti_copy_text(role->name, sizeof role->name, name);
    return pti_envelope_dates(metadata, &role->version, &role->expires, error);
}

/* What is published, onto the board. */
static enum pintle_status show_roles(struct pti_resigner *resigner, const struct pti_published *published,
                                     const struct pti_expiry_days *days, struct pti_role_status *roles, size_t *count,
                                     struct pti_error *error)
{
    enum pintle_status status = read_role("root", pti_published_root(published), days->root, &roles[0], error);

    if (status == PINTLE_OK)
        status = read_role("timestamp", published->timestamp, days->timestamp, &roles[1], error);
    if (status == PINTLE_OK)
        status = read_role("snapshot", published->snapshot, days->snapshot, &roles[2], error);
    if (status == PINTLE_OK)
        status = read_role("targets", published->targets, days->targets, &roles[3], error);
    *count = 4;
    for (size_t i = 0; i < published->zone_count && status == PINTLE_OK && *count < PTI_STATUS_ROLES_MAX; i++)
        if (published->zones[i].delegated)
            status = read_role(published->zones[i].name, published->zones[i].role, days->zone, &roles[(*count)++],
                               error);
    if (status == PINTLE_OK)
        pti_status_set_roles(resigner->board, roles, *count);
    return status;
}

/* Root, targets and zones are renewed by people. */
static void warn_of_expiry(struct pti_resigner *resigner, const struct pti_role_status *roles, size_t count,
                           int64_t now)
{
    if (now < resigner->next_warning)
        return;
    for (size_t i = 0; i < count; i++) {
        char expires[PTI_DATETIME_SIZE + 1];

        if (i == 1 || i == 2 || roles[i].expires - now > PTI_EXPIRY_WARNING_S)
            continue;
        pti_datetime_format(roles[i].expires, expires);
        log_line(resigner, PTI_LOG_WARNING, "%s %s at %s; pintled cannot renew it, sign and publish a new version",
                 roles[i].name, roles[i].expires > now ? "expires" : "has expired", expires);
        resigner->next_warning = now + DAY_S;
    }
}

enum pintle_status pti_resigner_series(const struct pti_resigner *resigner, const struct pti_published *published,
                                       const char *role, char series[PTI_SERIES_SIZE], struct pti_error *error)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1] = "";
    struct pti_role_keys keys = {NULL, 0, 0};
    uint8_t digest[PINTLE_SHA256_SIZE];
    struct pti_buf ids;
    enum pintle_status status = pti_role_keys_from_root(pti_published_root(published), role, &keys, error);

    pti_buf_init(&ids, PTI_KEYS_MAX * PTI_KEYID_SIZE);
    for (size_t i = 0; i < keys.key_count; i++)
        pti_buf_append(&ids, keys.keys[i].id, PTI_KEYID_SIZE);
    if (status == PINTLE_OK)
        status = pti_buf_check(&ids, error, "key ids");
    if (status == PINTLE_OK && pti_sha256(resigner->crypto, pti_buf_bytes(&ids), digest) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "the key ids of %s cannot be hashed", role);
    if (status == PINTLE_OK) {
        pti_hex_encode(digest, sizeof digest, hex);
        snprintf(series, PTI_SERIES_SIZE, "%s%s%s %.16s", resigner->name, resigner->name[0] ? "/" : "", role, hex);
    }
    pti_buf_clear(&ids);
    pti_role_keys_clear(&keys);
    return status;
}

static enum pintle_status allocated(struct pti_resigner *resigner, const struct pti_published *published,
                                    const char *role, int64_t *version, struct pti_error *error)
{
    char series[PTI_SERIES_SIZE];
    enum pintle_status status = pti_resigner_series(resigner, published, role, series, error);

    return status == PINTLE_OK ? pti_storage_allocated_version(resigner->storage, series, version, error) : status;
}

/* Something may have been signed and never published: the next ones go beyond it. */
static enum pintle_status look_at_versions(struct pti_resigner *resigner, const struct pti_published *published,
                                           struct pti_error *error)
{
    int64_t timestamp = 0, snapshot = 0;
    enum pintle_status status = allocated(resigner, published, "timestamp", &timestamp, error);

    if (status == PINTLE_OK)
        status = allocated(resigner, published, "snapshot", &snapshot, error);
    if (status != PINTLE_OK)
        return status;
    if (timestamp > published->timestamp_version)
        resigner->timestamp_at = 0;
    if (snapshot > published->snapshot_version)
        resigner->snapshot_at = 0;
    return PINTLE_OK;
}

/* Only what is published counts as held. */
static void tell_census(struct pti_resigner *resigner, const struct pti_published *published)
{
    struct pti_holding held;
    struct pti_error error;

    if (pti_publication_holding(published, &held, &error) == PINTLE_OK)
        pti_census_publish(resigner->census, resigner->name, &held);
    else
        log_line(resigner, PTI_LOG_WARNING, "adoption cannot be counted, as the published versions cannot be read: %s",
                 error.detail);
}

static void tell_checks(struct pti_resigner *resigner, const struct pti_published *published)
{
    struct pti_charter charter;
    struct pti_error error;

    if (!resigner->checks)
        return;
    if (pti_charter_parse(published->charter, &charter, &error) == PINTLE_OK) {
        pti_checks_know(resigner->checks, &charter);
        pti_charter_clear(&charter);
    } else {
        log_line(resigner, PTI_LOG_WARNING,
                 "checks are counted as those of other hosts, as the charter cannot be read: %s", error.detail);
    }
}

/* People publish as well; what cannot be noted now is noted at the next look, and keeps nobody from renewing. */
static void tell_journal(struct pti_resigner *resigner, const struct pti_role_status *roles, size_t count, int64_t now)
{
    struct pti_error error;

    if (pti_signings_see(resigner->storage, resigner->name, roles, count, now, &error) != PINTLE_OK)
        log_line(resigner, PTI_LOG_WARNING, "what is published cannot be noted in the journal: %s", error.detail);
}

static enum pintle_status look_at(struct pti_resigner *resigner, const struct pti_published *published,
                                  const struct pti_expiry_days *days, int64_t now, struct pti_error *error)
{
    struct pti_role_status roles[PTI_STATUS_ROLES_MAX];
    struct pti_resign_dates dates;
    struct pti_resigned nothing;
    size_t count = 0;
    enum pintle_status status = show_roles(resigner, published, days, roles, &count, error);

    if (status == PINTLE_OK)
        status = pti_resign_dates_of(published, days, &dates, error);
    if (status != PINTLE_OK)
        return status;
    warn_of_expiry(resigner, roles, count, now);
    tell_journal(resigner, roles, count, now);
    tell_census(resigner, published);
    tell_checks(resigner, published);
    resigner->timestamp_at = dates.timestamp_at;
    resigner->snapshot_at = dates.snapshot_at;
    status = look_at_versions(resigner, published, error);
    if (status == PINTLE_OK && resigner->signer->pid > 0)
        status = pti_signer_ask(resigner->signer, published, 0, 0, &nothing, error);
    return status == PINTLE_ERR_TRUST ? pti_error_prefix(error, "the signer refuses what is published") : status;
}

static enum pintle_status look(struct pti_resigner *resigner, int64_t now, struct pti_error *error)
{
    struct pti_publication publication;
    enum pintle_status status = pti_publication_load(resigner->directory, resigner->crypto, &publication, error);

    if (status == PINTLE_OK)
        status = look_at(resigner, &publication.published, &publication.settings.days, now, error);
    else
        pti_status_set_roles(resigner->board, NULL, 0);
    pti_publication_clear(&publication);
    return status;
}

/* A version that the signer refused to sign was never used, so it is not lost. */
static enum pintle_status take_version(struct pti_resigner *resigner, const struct pti_published *published,
                                       const char *role, int64_t floor, int64_t *version, struct pti_error *error)
{
    char series[PTI_SERIES_SIZE];
    enum pintle_status status;

    if (*version > floor)
        return PINTLE_OK;
    status = pti_resigner_series(resigner, published, role, series, error);
    return status == PINTLE_OK ? pti_storage_allocate_version(resigner->storage, series, floor, version, error)
                               : status;
}

static enum pintle_status take_versions(struct pti_resigner *resigner, const struct pti_published *published,
                                        bool renew_snapshot, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (renew_snapshot)
        status = take_version(resigner, published, "snapshot", published->snapshot_floor, &resigner->snapshot_version,
                              error);
    if (status == PINTLE_OK)
        status = take_version(resigner, published, "timestamp", published->timestamp_version,
                              &resigner->timestamp_version, error);
    return status;
}

static enum pintle_status sign_and_publish(struct pti_resigner *resigner, struct pti_repository *repository,
                                           bool renew_snapshot, int64_t now, struct pti_error *error)
{
    struct pti_resigned resigned;
    int64_t timestamp = 0, snapshot = 0;
    enum pintle_status status = take_versions(resigner, &repository->published, renew_snapshot, error);

    if (status != PINTLE_OK)
        return status;
    timestamp = resigner->timestamp_version;
    snapshot = renew_snapshot ? resigner->snapshot_version : 0;
    status = pti_signer_ask(resigner->signer, &repository->published, timestamp, snapshot, &resigned, error);
    if (status == PINTLE_ERR_TRUST)
        return pti_error_prefix(error, "the signer refuses to renew");
    /* Whatever happens to them from here on, these versions are used. */
    resigner->timestamp_version = 0;
    resigner->snapshot_version = renew_snapshot ? 0 : resigner->snapshot_version;
    if (status == PINTLE_OK) /* first: nothing is published that the journal does not tell of */
        status = pti_signings_add(resigner->storage, resigner->name, timestamp, snapshot, now, error);
    if (status == PINTLE_OK)
        status = pti_publish_resigned(repository, &resigned, now, error);
    pti_resigned_clear(&resigned);
    if (status == PINTLE_OK && renew_snapshot)
        log_line(resigner, PTI_LOG_INFO, "re-signed: timestamp version %" PRId64 ", snapshot version %" PRId64,
                 timestamp, snapshot);
    else if (status == PINTLE_OK)
        log_line(resigner, PTI_LOG_INFO, "re-signed: timestamp version %" PRId64, timestamp);
    return status;
}

/* Under the lock of the repository, and decided anew: another publisher may have been faster. */
static enum pintle_status renew(struct pti_resigner *resigner, int64_t now, struct pti_error *error)
{
    struct pti_repository *repository = NULL;
    enum pintle_status status = pti_repository_open(resigner->directory, PTI_REPOSITORY_PUBLISHED, now,
                                                    resigner->crypto, &repository, error);

    if (status == PINTLE_OK)
        status = look_at(resigner, &repository->published, &repository->settings.days, now, error);
    if (status == PINTLE_OK && (now >= resigner->timestamp_at || now >= resigner->snapshot_at))
        status = sign_and_publish(resigner, repository, now >= resigner->snapshot_at, now, error);
    pti_repository_close(repository);
    return status;
}

static bool has_changed(const struct stat *a, const struct stat *b)
{
    return a->st_dev != b->st_dev || a->st_ino != b->st_ino || a->st_size != b->st_size ||
           a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

/* Remembers timestamp.json as it is now; returns whether it is another one than before. */
static bool note_change(struct pti_resigner *resigner)
{
    char path[PTI_PATH_MAX];
    struct stat status;
    bool changed = false;

    if (pti_file_path(path, resigner->directory, "public/metadata/timestamp.json", NULL) != PINTLE_OK ||
        stat(path, &status) != 0)
        memset(&status, 0, sizeof status);
    changed = has_changed(&resigner->seen, &status);
    resigner->seen = status;
    return changed;
}

static bool is_due(const struct pti_resigner *resigner, int64_t now)
{
    return now >= resigner->timestamp_at || now >= resigner->snapshot_at;
}

static enum pintle_status look_and_renew(struct pti_resigner *resigner, int64_t now, struct pti_error *error)
{
    enum pintle_status status = look(resigner, now, error);

    if (status != PINTLE_OK || !is_due(resigner, now))
        return status;
    if (resigner->signer->pid < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "timestamp or snapshot are due for renewal, and there is no signer: "
                        "give pintled the online keys and restart it, or run `pintle publish` before they expire");
    status = renew(resigner, now, error);
    if (status == PINTLE_OK) {
        note_change(resigner);
        status = look(resigner, now, error);
    }
    return status;
}

static void conclude(struct pti_resigner *resigner, enum pintle_status status, const struct pti_error *error)
{
    if (status != PINTLE_OK)
        log_line(resigner, PTI_LOG_ERROR, "%s", error->detail);
    else if (resigner->failed)
        log_line(resigner, PTI_LOG_INFO, "in order again");
    resigner->failed = status != PINTLE_OK;
    pti_status_set_resign_failing(resigner->board, resigner->failed);
}

void pti_resigner_look(struct pti_resigner *resigner, int64_t now)
{
    struct pti_error error;
    enum pintle_status status;

    note_change(resigner);
    status = look(resigner, now, &error);
    resigner->next_look = status == PINTLE_OK ? now : now + resigner->every_s;
    resigner->next_ask = now + PTI_SIGNER_ASK_EVERY_S;
    conclude(resigner, status, &error);
}

void pti_resigner_tick(struct pti_resigner *resigner, int64_t now, bool force)
{
    struct pti_error error;
    bool changed = note_change(resigner);

    if (!force && !changed && now < resigner->next_ask &&
        (now < resigner->next_look || (!resigner->failed && !is_due(resigner, now))))
        return;
    resigner->next_look = now + resigner->every_s;
    resigner->next_ask = now + PTI_SIGNER_ASK_EVERY_S;
    conclude(resigner, look_and_renew(resigner, now, &error), &error);
}
