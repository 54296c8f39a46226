/* SPDX-License-Identifier: Apache-2.0 */
#include "server/served.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"

void pti_served_init(struct pti_served *served, const struct pti_served_options *options)
{
    memset(served, 0, sizeof *served);
    pti_copy_text(served->name, sizeof served->name, options->name);
    served->directory = options->directory;
    pti_copy_text(served->keys, sizeof served->keys, options->keys ? options->keys : "");
    served->public_directory = -1;
    atomic_init(&served->refresh, false);
    served->signer = (struct pti_signer){-1, -1};
    pti_status_board_init(&served->board, served->name);
}

enum pintle_status pti_served_open(struct pti_served *served, struct pti_error *error)
{
    const char *directory = served->directory;
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory, "repository.json", error);

    if (status != PINTLE_OK)
        return status;
    if (!pti_file_exists(path))
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "%s is not a repository: it has no repository.json; make one with "
                        "`pintle init --repo %s`",
                        directory, directory);
    if (!served->keys[0])
        status = pti_file_path(served->keys, directory, "keys", error);
    if (status == PINTLE_OK)
        status = pti_file_path(path, directory, "public", error);
    if (status != PINTLE_OK)
        return status;
    served->public_directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (served->public_directory < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be opened: %s", path, strerror(errno));
    return PINTLE_OK;
}

/* "signer", or "signer of shop": who a line of the log is about. */
#define SIGNER "signer%s%s: "
#define SIGNER_OF(served) ((served)->name[0] ? " of " : ""), (served)->name

void pti_served_start_signer(struct pti_served *served)
{
    struct pti_error error;

    if (served->public_directory < 0)
        return;
    if (pti_signer_start(served->directory, served->keys, &served->signer, &error) == PINTLE_OK) {
        pti_status_set_signer(&served->board, PTI_SIGNER_UP);
        pti_log(PTI_LOG_INFO, SIGNER "process %ld holds the online keys", SIGNER_OF(served), (long)served->signer.pid);
        return;
    }
    pti_status_set_signer(&served->board, PTI_SIGNER_OFF);
    pti_log(PTI_LOG_ERROR, SIGNER "NOTHING WILL BE RE-SIGNED, clients become stale once the timestamp expires: %s",
            SIGNER_OF(served), error.detail);
}

static void notice_dead_signer(struct pti_served *served)
{
    struct pti_status status;

    if (pti_signer_alive(&served->signer))
        return;
    pti_status_board_read(&served->board, &status);
    if (status.signer != PTI_SIGNER_UP)
        return;
    pti_status_set_signer(&served->board, PTI_SIGNER_DOWN);
    pti_log(PTI_LOG_ERROR, SIGNER "it has died; nothing will be re-signed until pintled is restarted",
            SIGNER_OF(served));
}

void pti_served_begin(struct pti_served *served, struct pintle_crypto *crypto, struct pti_database *storage,
                      struct pti_census *census, struct pti_checks *checks, int64_t every_s, int64_t now)
{
    if (served->public_directory < 0)
        return;
    served->resigner = (struct pti_resigner){.directory = served->directory,
                                             .name = served->name,
                                             .crypto = crypto,
                                             .storage = storage,
                                             .signer = &served->signer,
                                             .board = &served->board,
                                             .census = census,
                                             .checks = checks,
                                             .every_s = every_s};
    pti_resigner_look(&served->resigner, now);
}

void pti_served_tick(struct pti_served *served, int64_t now, bool force)
{
    if (served->public_directory < 0)
        return;
    notice_dead_signer(served);
    force = atomic_exchange(&served->refresh, false) || force;
    pti_resigner_tick(&served->resigner, now, force);
    notice_dead_signer(served);
}

void pti_served_clear(struct pti_served *served)
{
    pti_signer_stop(&served->signer);
    if (served->public_directory >= 0)
        close(served->public_directory);
    served->public_directory = -1;
    pti_status_board_clear(&served->board);
}
