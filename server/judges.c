/* SPDX-License-Identifier: Apache-2.0 */
#include "server/judges.h"

#include <string.h>

#include "server/log.h"
#include "server/publication.h"

#define READ_AGAIN_S 60

static bool has_changed(const struct stat *a, const struct stat *b)
{
    return a->st_ino != b->st_ino || a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
           a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static void look_at(const char *directory, const char *name, struct stat *status)
{
    char path[PTI_PATH_MAX];

    if (pti_file_path(path, directory, name, NULL) != PINTLE_OK || stat(path, status) != 0)
        memset(status, 0, sizeof *status);
}

bool pti_judges_changed(struct pti_judges *judges, int64_t now)
{
    struct stat published, shipped;
    bool changed;

    look_at(judges->directory, "public/metadata/timestamp.json", &published);
    look_at(judges->directory, "app", &shipped);
    changed = has_changed(&published, &judges->published) || has_changed(&shipped, &judges->shipped) ||
              (judges->read_again != 0 && now >= judges->read_again);
    judges->published = published;
    judges->shipped = shipped;
    return changed;
}

static void say_unusable(void *ctx, const char *why)
{
    (void)ctx;
    pti_log(PTI_LOG_ERROR, "probing: a shipped generation is left out: %s", why);
}

bool pti_judges_read(struct pti_judges *judges, struct pintle_crypto *crypto, int64_t now, struct pti_fleet *held)
{
    struct pti_publication publication;
    struct pti_error error; /* why is told by who keeps it fresh */
    enum pintle_status status = pti_publication_load(judges->directory, crypto, &publication, &error);

    if (status == PINTLE_OK)
        status = pti_fleet_load(&publication.published, judges->directory, crypto, now, say_unusable, NULL, held,
                                &error);
    pti_publication_clear(&publication);
    judges->read_again = status == PINTLE_OK ? 0 : now + READ_AGAIN_S;
    return status == PINTLE_OK;
}
