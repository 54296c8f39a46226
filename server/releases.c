/* SPDX-License-Identifier: Apache-2.0 */
#include "server/releases.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "report/tally.h"
#include "server/journal.h"
#include "server/limits.h"

static enum pintle_status check_text(const char *what, const char *text, struct pti_error *error)
{
    size_t length = strlen(text);

    if (length == 0 || length > PTI_HOLDING_WORD_MAX)
        return pti_fail(error, PINTLE_ERR_MISUSE, "expected %s of 1 to %d characters, found %zu", what,
                        PTI_HOLDING_WORD_MAX, length);
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return pti_fail(error, PINTLE_ERR_MISUSE, "expected printable ASCII as %s, found \"%.63s\"", what, text);
    return PINTLE_OK;
}

enum pintle_status pti_release_init(struct pti_release *release, const char *app, const char *version,
                                    struct pti_error *error)
{
    enum pintle_status status = check_text("the name of an app", app, error);

    memset(release, 0, sizeof *release);
    if (status == PINTLE_OK)
        status = check_text("the version of an app", version, error);
    if (status == PINTLE_OK && strcmp(app, PTI_TALLY_OTHER) == 0)
        status = pti_fail(error, PINTLE_ERR_MISUSE, "\"%s\" is what releases that are not registered count as", app);
    if (status != PINTLE_OK)
        return status;
    pti_holding_word(app, release->app);
    pti_holding_word(version, release->version);
    return PINTLE_OK;
}

int pti_release_compare(const struct pti_release *a, const struct pti_release *b)
{
    int order = strcmp(a->app, b->app);

    return order == 0 ? strcmp(a->version, b->version) : order;
}

/* ---- changing ---- */

struct change {
    const struct pti_release *release;
    const char *actor;
    enum pintle_status status;
    int64_t changed;
};

static const struct pti_db_statement count_releases = {"count app releases", "SELECT count(*) FROM app_release"};

static const struct pti_db_statement insert_release = {
    "add an app release", "INSERT INTO app_release (app, app_version, generation, added) VALUES ($1, $2, $3, $4)"
                          " ON CONFLICT (app, app_version) DO NOTHING"};

static const struct pti_db_statement delete_release = {"remove an app release",
                                                       "DELETE FROM app_release WHERE app = $1 AND app_version = $2"};

static enum pti_db_result refuse(struct change *change, struct pti_error *error, const char *why)
{
    change->status = pti_fail(error, PINTLE_ERR_MISUSE, "release %s %s: %s", change->release->app,
                              change->release->version, why);
    return PTI_DB_CONSTRAINT;
}

static enum pti_db_result note(struct pti_database *database, const struct change *change, const char *event,
                               struct pti_error *error)
{
    const struct pti_release *release = change->release;
    char detail[224];

    (void)snprintf(detail, sizeof detail, "app %s, version %s", release->app, release->version);
    if (release->generation > 0)
        (void)snprintf(detail, sizeof detail, "app %s, version %s, supported generation %" PRId64, release->app,
                       release->version, release->generation);
    return pti_journal_add(database, change->actor, event, detail, error);
}

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct change *change = ctx;
    const struct pti_release *release = change->release;
    const struct pti_db_value values[] = {pti_db_text(release->app), pti_db_text(release->version),
                                          pti_db_integer(release->generation), pti_db_integer(release->added)};
    const struct pti_db_query insert = {&insert_release, values, PTI_COUNT(values), NULL, NULL};
    int64_t there = 0;
    const struct pti_db_query count = {&count_releases, NULL, 0, pti_db_take_integer, &there};
    enum pti_db_result result = pti_database_run(database, &count, NULL, error);

    change->status = PINTLE_OK;
    if (result == PTI_DB_OK && there >= PTI_RELEASES_MAX)
        return refuse(change, error, "there are too many already; remove those that nobody uses any more");
    if (result == PTI_DB_OK)
        result = pti_database_run(database, &insert, &change->changed, error);
    if (result == PTI_DB_OK && change->changed == 0)
        return refuse(change, error, "it is registered already; remove it first to change it");
    return result == PTI_DB_OK ? note(database, change, "release.added", error) : result;
}

enum pintle_status pti_releases_add(struct pti_database *database, const struct pti_release *release, const char *actor,
                                    struct pti_error *error)
{
    struct change change = {release, actor, PINTLE_OK, 0};
    enum pintle_status status = pti_database_transaction(database, PTI_JOURNAL_LOCK, add, &change, error);

    return change.status != PINTLE_OK ? change.status : status;
}

static enum pti_db_result remove_one(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct change *change = ctx;
    const struct pti_db_value values[] = {pti_db_text(change->release->app), pti_db_text(change->release->version)};
    const struct pti_db_query query = {&delete_release, values, PTI_COUNT(values), NULL, NULL};
    enum pti_db_result result = pti_database_run(database, &query, &change->changed, error);

    return result == PTI_DB_OK && change->changed > 0 ? note(database, change, "release.removed", error) : result;
}

enum pintle_status pti_releases_remove(struct pti_database *database, const struct pti_release *release,
                                       const char *actor, bool *found, struct pti_error *error)
{
    struct change change = {release, actor, PINTLE_OK, 0};
    enum pintle_status status = pti_database_transaction(database, PTI_JOURNAL_LOCK, remove_one, &change, error);

    *found = status == PINTLE_OK && change.changed > 0;
    return status;
}

/* ---- lists ---- */

static const struct pti_db_statement list_releases = {
    "list app releases", "SELECT app, app_version, generation, added FROM app_release"
                         " WHERE (app, app_version) > ($1, $2) ORDER BY app, app_version LIMIT $3"};

static void copy_word(struct pintle_bytes text, char word[PTI_HOLDING_WORD_MAX + 1])
{
    size_t length = text.size < PTI_HOLDING_WORD_MAX ? text.size : PTI_HOLDING_WORD_MAX;

    if (length > 0)
        memcpy(word, text.data, length);
    word[length] = '\0';
}

static bool take_release(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_release_query *query = ctx;
    struct pti_release release = {.generation = columns[2].integer, .added = columns[3].integer};

    (void)count; /* 4 */
    copy_word(columns[0].bytes, release.app);
    copy_word(columns[1].bytes, release.version);
    return query->row(query->ctx, &release);
}

enum pintle_status pti_releases_list(struct pti_database *database, const struct pti_release_query *query,
                                     struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_text(query->app), pti_db_text(query->version),
                                          pti_db_integer(query->limit)};
    struct pti_release_query copy = *query;

    return pti_database_read(
        database, &(struct pti_db_query){&list_releases, values, PTI_COUNT(values), take_release, &copy}, error);
}
