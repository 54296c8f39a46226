/* SPDX-License-Identifier: Apache-2.0 */
/* `pintled release`: which app releases are told apart when adoption is counted. */
#include <inttypes.h>
#include <stddef.h>
#include <time.h>

#include "base/datetime.h"
#include "server/commands.h"
#include "server/data.h"
#include "server/journal_head.h"
#include "server/limits.h"
#include "server/releases.h"

struct add_settings {
    int64_t generation;
};

static enum pintle_status add_release(struct pti_database *database, struct pti_command_call *call)
{
    const struct add_settings *settings = call->values;
    char actor[PTI_JOURNAL_ACTOR_SIZE];
    struct pti_release release;
    enum pintle_status status = pti_release_init(&release, call->operands[0], call->operands[1], call->error);

    pti_data_actor(actor, sizeof actor);
    release.generation = settings->generation;
    release.added = (int64_t)time(NULL);
    if (status == PINTLE_OK)
        status = pti_releases_add(database, &release, actor, call->error);
    if (status == PINTLE_OK)
        fprintf(call->out, "release %s %s is registered; a running pintled counts it within a minute\n", release.app,
                release.version);
    return status;
}

static enum pintle_status remove_release(struct pti_database *database, struct pti_command_call *call)
{
    char actor[PTI_JOURNAL_ACTOR_SIZE];
    struct pti_release release;
    bool found = false;
    enum pintle_status status = pti_release_init(&release, call->operands[0], call->operands[1], call->error);

    pti_data_actor(actor, sizeof actor);
    if (status == PINTLE_OK)
        status = pti_releases_remove(database, &release, actor, &found, call->error);
    if (status == PINTLE_OK && !found)
        return pti_fail(call->error, PINTLE_ERR_INPUT, "there is no release %s %s; see pintled release list",
                        release.app, release.version);
    if (status == PINTLE_OK)
        fprintf(call->out, "release %s %s is no longer registered; what was counted of it stays\n", release.app,
                release.version);
    return status;
}

static bool print_release(void *ctx, const struct pti_release *release)
{
    char added[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(release->added, added);
    fprintf(ctx, "%s %s added %s", release->app, release->version, added);
    if (release->generation > 0)
        fprintf(ctx, " generation %" PRId64, release->generation);
    fputc('\n', ctx);
    return true;
}

static enum pintle_status list_releases(struct pti_database *database, struct pti_command_call *call)
{
    const struct pti_release_query query = {"", "", PTI_RELEASES_MAX, print_release, call->out};

    return pti_releases_list(database, &query, call->error);
}

typedef enum pintle_status (*work_fn)(struct pti_database *database, struct pti_command_call *call);

/* The head of the journal moves with what was written. */
static enum pintle_status with_database(struct pti_command_call *call, bool make, work_fn work)
{
    struct pti_database *database = NULL;
    enum pintle_status status = pti_data_open(call->server->data, make, &database, call->error);

    if (status == PINTLE_OK)
        status = work(database, call);
    if (status == PINTLE_OK)
        status = pti_journal_head_update(database, call->server->data, call->error);
    pti_database_close(database);
    return status;
}

static enum pintle_status run_add(struct pti_command_call *call)
{
    return with_database(call, true, add_release);
}

static enum pintle_status run_remove(struct pti_command_call *call)
{
    return with_database(call, false, remove_release);
}

static enum pintle_status run_list(struct pti_command_call *call)
{
    return with_database(call, false, list_releases);
}

static const struct pti_setting add_rows[] = {
    {.name = "supported-generation",
     .value = "N",
     .help = "this release ships app/shipped-N of its repository",
     .take = pti_setting_number,
     .at = offsetof(struct add_settings, generation),
     .min = 1,
     .max = PTI_JSON_INTEGER_MAX},
    {.name = NULL},
};

const struct pti_server_command pti_server_command_release_add = {
    .name = "release add",
    .operands = "APP VERSION",
    .summary = "Register an app release, so that its adoption is counted by itself",
    .details = "APP and VERSION are what the application gives to pintle_config_set_app().  Requests of\n"
               "releases that are not registered are counted together, as \"other\".",
    .example = "  pintled release add com.example.shop 3.2.0 --data pintled-data",
    .settings = add_rows,
    .values_size = sizeof(struct add_settings),
    .wants = PTI_WANTS_DATA,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_add,
};

const struct pti_server_command pti_server_command_release_remove = {
    .name = "release remove",
    .operands = "APP VERSION",
    .summary = "Count an app release among the others from now on",
    .example = "  pintled release remove com.example.shop 3.2.0 --data pintled-data",
    .wants = PTI_WANTS_DATA,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_remove,
};

const struct pti_server_command pti_server_command_release_list = {
    .name = "release list",
    .operands = "",
    .summary = "List the registered app releases",
    .example = "  pintled release list --data pintled-data",
    .wants = PTI_WANTS_DATA,
    .run = run_list,
};
