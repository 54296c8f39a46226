/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of the user: applications that come and go, a store that is damaged, a clock that is wrong. */
#include <string.h>

#include "model_world.h"

void model_start_client(struct model *world, int client, struct model_deeds *deeds)
{
    model_start(world, client);
    (void)model_add_deed(deeds, MODEL_STARTED, client);
}

bool model_restart(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    model_start_client(world, action->a, deeds);
    return true;
}

void model_start_all(struct model *world, struct model_deeds *deeds)
{
    (void)model_add_deed(deeds, MODEL_APP, 0);
    for (int i = 0; i < MODEL_CLIENTS; i++)
        model_start_client(world, i, deeds);
}

/* Is all of it signed as the newest root says?  The publisher ships nothing else. */
static bool verifies(const struct model *world, int timestamp)
{
    const int *keys = world->roots[world->root_count].key;
    const struct model_timestamp *file = &world->timestamps[timestamp];
    const struct model_targets *targets = model_targets_of(world, timestamp);

    if (file->key != keys[MODEL_TIMESTAMP] || world->snapshots[file->snapshot].key != keys[MODEL_SNAPSHOT] ||
        targets->key != keys[MODEL_TARGETS])
        return false;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, timestamp, z);
        if ((targets->delegated >> z & 1) != 0 && (zone == NULL || zone->key != targets->zone_key[z]))
            return false;
    }
    return file->issued <= world->day + MODEL_CLOCK_AHEAD_MAX;
}

/* A new app.  a: ships all roots (0), and the current generation (1), or the last made by anybody (2); b: writes. */
bool model_upgrade(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    int shipped = action->a == 1 ? world->now_timestamp : world->timestamp_count;

    if (action->a == 2 && (shipped == world->now_timestamp || !verifies(world, shipped)))
        return false;
    world->app.roots = world->root_count;
    if (action->a > 0) {
        world->app.shipped = shipped;
        world->app.shipped_root = world->root_count;
    }
    (void)model_add_deed(deeds, MODEL_WRITES, world->writes = action->b - 1);
    model_start_all(world, deeds);
    (void)model_add_deed(deeds, MODEL_WRITES, world->writes = -1);
    return true;
}

bool model_downgrade(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)action;
    if (memcmp(&world->app, &world->first_app, sizeof world->app) == 0)
        return false;
    world->app = world->first_app;
    model_start_all(world, deeds);
    return true;
}

static bool forget_roots(struct model *world)
{
    world->store.roots = 0;
    world->stored.roots = world->store.accepted.root; /* all that is left to know of them */
    world->tampered = 1;
    return true;
}

/* a: enum model_damage; b: client 0 restarts. */
bool model_damage(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    enum model_damage what = (enum model_damage)action->a;

    switch (what) {
    case MODEL_LOSE_ROOTS:
        world->store.roots_bad = 0;
        (void)forget_roots(world);
        break;
    case MODEL_DAMAGE_ROOTS:
        world->store.roots_bad = 1;
        (void)forget_roots(world);
        break;
    case MODEL_DAMAGE_ACCEPTED:
        memset(&world->store.accepted, 0, sizeof world->store.accepted);
        world->store.accepted_bad = world->tampered = world->stored.lost = 1;
        model_replaced(world, &world->stored);
        break;
    case MODEL_DELETE:
        memset(&world->store, 0, sizeof world->store);
        model_replaced(world, &(struct model_memory){0});
        world->tampered = 0;
        break;
    case MODEL_BACK_UP:
        world->backup = world->store;
        world->backed_up = world->stored;
        break;
    case MODEL_RESTORE: /* of accepted alone: the roots that are there fit it, or are damaged */
        if (world->backup.accepted.timestamp == 0)
            return false;
        world->store.accepted = world->backup.accepted;
        world->store.accepted_bad = 0;
        model_replaced(world, &world->backed_up);
        world->stored.roots = world->store.roots > 0 ? world->store.roots : world->store.accepted.root;
        world->tampered |= world->store.accepted.root > world->store.roots;
        break;
    case MODEL_DAMAGES:
        return false;
    }
    (void)model_add_deed(deeds, MODEL_STORE, action->a);
    if (action->b == 1)
        model_start_client(world, 0, deeds);
    return true;
}

/* a: 6 or 100 days pass, the clock is 30 days slow, 30 days fast, right. */
bool model_turn_clock(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    static const int passes[] = {6, 100, 0, 0, 0}, skews[] = {0, 0, -30, 30, 0};

    if (action->a < 2)
        world->day += passes[action->a];
    else
        world->skew = skews[action->a];
    (void)model_add_deed(deeds, MODEL_CLOCK, world->day + world->skew);
    return true;
}
