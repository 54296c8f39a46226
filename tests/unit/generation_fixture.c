/* SPDX-License-Identifier: Apache-2.0 */
#include "generation_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

struct asked {
    struct sim *sim;
    char *text;
    size_t size;
};

static enum pintle_status get(void *ctx, const struct pti_item *item, struct pintle_bytes *bytes,
                              struct pti_error *error)
{
    struct asked *asked = ctx;
    char path[PTI_CONTAINER_PATH_MAX + 1];

    (void)error;
    pti_item_path(item, path);
    if (asked->text != NULL)
        (void)snprintf(asked->text + strlen(asked->text), asked->size - strlen(asked->text), "%s ", path);
    switch (item->kind) {
    case PTI_ITEM_SNAPSHOT:
        *bytes = asked->sim->snapshot;
        break;
    case PTI_ITEM_TARGETS:
        *bytes = asked->sim->targets;
        break;
    case PTI_ITEM_CHARTER:
        *bytes = asked->sim->charter_file;
        break;
    case PTI_ITEM_ROLE:
        *bytes = sim_zone(asked->sim, item->zone)->role;
        break;
    case PTI_ITEM_ZONE:
        *bytes = sim_zone(asked->sim, item->zone)->file;
        break;
    }
    return PINTLE_OK;
}

void generation_roots(struct sim *sim, size_t count, struct pti_roots *roots)
{
    struct pti_error error = {PINTLE_OK, ""};

    pti_roots_init(roots, sim->crypto);
    for (size_t i = 1; i <= (count > 0 ? count : (size_t)sim->root_version); i++) {
        char path[64];

        (void)snprintf(path, sizeof path, "metadata/%zu.root.json", i);
        if (pti_roots_add(roots, sim_current(sim, path), &error) != PINTLE_OK)
            fail_msg("%s: %s", path, error.detail);
    }
}

enum pintle_status generation_build(struct sim *sim, const struct pti_roots *roots, struct pti_generation **generation,
                                    struct pti_error *error, char *asked, size_t size)
{
    struct asked ctx = {sim, asked, size};
    struct pti_manifest_source source = {get, &ctx, false};
    struct pti_trusted set;
    enum pintle_status status;

    *generation = NULL;
    if (asked != NULL)
        asked[0] = '\0';
    pti_trusted_init(&set, sim->crypto, pti_roots_newest(roots), sim_now(sim));
    set.waive_expiry = true;
    status = pti_trusted_update_timestamp(&set, sim->timestamp, error);
    if (status == PINTLE_OK)
        status = pti_generation_build(&set, &source, generation, error);
    pti_trusted_clear(&set);
    return status;
}

struct pti_generation *generation_of(struct sim *sim, const struct pti_roots *roots)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_generation *generation;

    if (generation_build(sim, roots, &generation, &error, NULL, 0) != PINTLE_OK)
        fail_msg("build a generation: %s", error.detail);
    return generation;
}
