/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void sign(struct world *world, enum world_step step, const char *text, const struct world_change *change)
{
    static const char *const signers[WORLD_DONE] = {"3", "2", "1", "4"};
    bool here = change != NULL && change->where == step;
    char *edited = here && change->from != NULL ? tuf_edit(text, change->from, change->to) : tuf_edit(text, "{", "{");

    world->files[step] = tuf_envelope(&world->fixture, edited,
                                      here && change->signers != NULL ? change->signers : signers[step]);
    free(edited);
}

/* The text with the list entries of two files put in for %s. */
static char *listing(const char *format, const char *first, const char *second)
{
    size_t size = strlen(format) + strlen(first) + strlen(second) + 1;
    char *text = malloc(size), *end;

    assert_non_null(text);
    end = strstr(format, "%1");
    (void)snprintf(text, size, "%.*s%s%s", (int)(end - format), format, first, end + 2);
    if (strstr(text, "%2") == NULL)
        return text;
    end = tuf_edit(text, "%2", second);
    free(text);
    return end;
}

void world_publish(struct world *world, const struct world_change *change)
{
    char *main_entry, *targets_entry, *snapshot_entry, *text;

    sign(world, WORLD_MAIN, "{'_type':'targets'," WORLD_DATES ",'version':4,'targets':{}}", change);
    main_entry = tuf_listed(&world->fixture, world->files[WORLD_MAIN], 4);
    sign(world, WORLD_TARGETS,
         "{'_type':'targets'," WORLD_DATES ",'version':3,'targets':{},'delegations':{'keys':{@K4},'roles':["
         "{'name':'main','keyids':[@I4],'threshold':1,'terminating':true,'paths':['zones/main.json']},"
         "{'name':'gone','keyids':[@I4],'threshold':1,'terminating':true,'paths':[]}]}}",
         change);
    targets_entry = tuf_listed(&world->fixture, world->files[WORLD_TARGETS], 3);
    text = listing("{'_type':'snapshot'," WORLD_DATES ",'version':2,'meta':{'targets.json':%1,'main.json':%2}}",
                   targets_entry, main_entry);
    sign(world, WORLD_SNAPSHOT, text, change);
    free(text);
    snapshot_entry = tuf_listed(&world->fixture, world->files[WORLD_SNAPSHOT], 2);
    text = listing("{'_type':'timestamp'," WORLD_DATES ",'version':1,'meta':{'snapshot.json':%1}}", snapshot_entry, "");
    sign(world, WORLD_TIMESTAMP, text, change);
    free(text);
    free(snapshot_entry);
    free(targets_entry);
    free(main_entry);
}

void world_unpublish(struct world *world)
{
    for (int i = 0; i < WORLD_DONE; i++)
        pti_bytes_free(&world->files[i]);
}

void world_begin(struct world *world, const struct world_change *change)
{
    memset(world, 0, sizeof *world);
    tuf_init(&world->fixture);
    world->root = tuf_parse(&world->fixture, PTI_TUF_ROOT, tuf_root, "0");
    world_publish(world, change);
    pti_trusted_init(&world->set, world->fixture.crypto, world->root, WORLD_NOW);
}

void world_end(struct world *world)
{
    pti_trusted_clear(&world->set);
    world_unpublish(world);
    pti_tuf_metadata_free(world->root);
    tuf_clear(&world->fixture);
}

enum pintle_status world_take(struct world *world, enum world_step step)
{
    struct pti_error *error = &world->fixture.error;

    *error = (struct pti_error){PINTLE_OK, ""};
    switch (step) {
    case WORLD_TIMESTAMP:
        return pti_trusted_update_timestamp(&world->set, world->files[step], error);
    case WORLD_SNAPSHOT:
        return pti_trusted_update_snapshot(&world->set, world->files[step], error);
    case WORLD_TARGETS:
        return pti_trusted_update_targets(&world->set, world->files[step], error);
    case WORLD_MAIN:
        return pti_trusted_update_delegated(&world->set, world->files[step], pti_trusted_targets(&world->set),
                                            pti_bytes_text("main"), error);
    case WORLD_DONE:
        break;
    }
    return PINTLE_ERR_MISUSE;
}

void world_takes(struct world *world, enum world_step until)
{
    for (int step = WORLD_TIMESTAMP; step < (int)until; step++)
        if (world_take(world, (enum world_step)step) != PINTLE_OK)
            fail_msg("step %d: %s", step, world->fixture.error.detail);
}

void world_refuses(struct world *world, enum world_step step, enum pintle_status want, const char *text)
{
    enum pintle_status status = world_take(world, step);

    if (status != want || strstr(world->fixture.error.detail, text) == NULL)
        fail_msg("step %d: expected %s with \"%s\", found %s: %s", (int)step, pintle_status_name(want), text,
                 pintle_status_name(status), world->fixture.error.detail);
}
