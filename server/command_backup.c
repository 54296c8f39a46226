/* SPDX-License-Identifier: Apache-2.0 */
/* pintled backup, pintled restore. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "server/backup.h"
#include "server/commands.h"
#include "server/data.h"

static enum pintle_status backup(struct pti_command_call *call)
{
    char path[PTI_PATH_MAX], actor[64];
    enum pintle_status status;

    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk */
    pti_data_actor(actor, sizeof actor);
    status = pti_backup_make(call->server->data, call->operands[0], actor, (int64_t)time(NULL), path, call->error);
    if (status == PINTLE_OK)
        fprintf(call->out, "%s\n", path);
    return status;
}

const struct pti_server_command pti_server_command_backup = {
    .name = "backup",
    .operands = "FILE|DIR",
    .summary = "Copy the database of a server, which may be running, to a new file",
    .details =
        "In a directory the file gets the time as its name. What is copied is one moment, whole; it is read\n"
        "again in full before it gets its name, which is printed. The copy holds reports, adoption, the journal,\n"
        "hashes of tokens, and which versions were signed. Not in it, as they are files: the repositories, the\n"
        "online keys and the configuration.",
    .example = "  pintled backup --data /var/lib/pintled /srv/backup",
    .wants = PTI_WANTS_DATA,
    .operands_min = 1,
    .operands_max = 1,
    .run = backup,
};

struct restore_values {
    bool force;
};

static enum pintle_status restore(struct pti_command_call *call)
{
    const struct restore_values *values = call->values;
    char actor[64];
    enum pintle_status status;

    signal(SIGXFSZ, SIG_IGN);
    pti_data_actor(actor, sizeof actor);
    status = pti_backup_restore(call->operands[0], call->server, values->force, actor, (int64_t)time(NULL),
                                call->error);
    if (status == PINTLE_OK)
        fprintf(call->out,
                "restored; tokens that were revoked since the backup are valid again: see `pintled token list`\n");
    return status;
}

static const struct pti_setting restore_settings[] = {
    {.name = "force",
     .help = "replace the database that is there, which is kept as pintled.db.replaced",
     .take = pti_setting_flag,
     .at = offsetof(struct restore_values, force)},
    {.name = NULL},
};

const struct pti_server_command pti_server_command_restore = {
    .name = "restore",
    .operands = "FILE",
    .summary = "Put a backup into the data directory of a server that is not running",
    .details =
        "Versions that were signed after the backup was made are unknown to it: so its counters jump ahead of\n"
        "what can have been signed since, and of all that the repositories have published. The next timestamp has\n"
        "a much higher version than the last one; clients take it like any other.",
    .example = "  pintled restore --repo /srv/pins --data /var/lib/pintled /srv/backup/pintled-20261122T083000Z.db",
    .settings = restore_settings,
    .values_size = sizeof(struct restore_values),
    .wants = PTI_WANTS_DATA | PTI_WANTS_REPOSITORY,
    .operands_min = 1,
    .operands_max = 1,
    .run = restore,
};
