/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold (docs/design.md, sections 5.5, 10, 11, 12): of every client that runs, and of one that would start now,
 * under this app or the first one.
 */
#include <string.h>

#include "model.h"

static bool released(const struct model_targets *targets, int host, bool below)
{
    return model_bit(targets->released, host) || (below && model_bit(targets->released_subdomains, host));
}

/* Invariant 1. */
static const char *check_unpinned(const struct model *world, const struct model_client *client,
                                  const struct model_memory *memory)
{
    const struct model_targets *targets = model_targets_of(world, model_ruling(world, &client->force));

    for (int host = 0; host < MODEL_ZONES; host++) {
        if (model_bit(memory->hosts, host) && model_check(world, client, host, false).answer == MODEL_UNLISTED &&
            !released(targets, host, false))
            return "a host is accepted unpinned, and was not released";
        if (model_bit(memory->subdomains, host) && model_check(world, client, host, true).answer == MODEL_UNLISTED &&
            !released(targets, host, true))
            return "a name below a host is accepted unpinned, and was not released";
    }
    return NULL;
}

/* Did a charter come with the app that is newer than what is in force, and may follow it? */
static const struct model_targets *newer_shipped(const struct model *world, const struct model_client *client)
{
    const struct model_targets *shipped = model_targets_of(world, world->app.shipped);
    const struct model_targets *force = model_targets_of(world, client->force.timestamp);

    return world->app.shipped != 0 && shipped->version > force->version && model_charter_succeeds(world, force, shipped)
               ? shipped
               : NULL;
}

/* Invariant 12, for a charter that came with the app. */
static const char *check_shipped(const struct model *world, const struct model_client *client)
{
    const struct model_targets *shipped = newer_shipped(world, client);

    for (int host = 0; shipped != NULL && host < MODEL_ZONES; host++)
        if (model_bit(shipped->listed, host) &&
            (model_check(world, client, host, false).answer == MODEL_UNLISTED ||
             (model_bit(shipped->subdomains, host) && model_check(world, client, host, true).answer == MODEL_UNLISTED)))
            return "a host of the newer charter that came with the app is accepted unpinned";
    return NULL;
}

/* Invariant 4, and rule 3: all of it signed, all of it there. */
static const char *check_signed(const struct model *world, const struct model_generation *force)
{
    const int *keys = world->roots[force->root].key;
    const struct model_timestamp *timestamp = &world->timestamps[force->timestamp];
    const struct model_targets *targets = model_targets_of(world, force->timestamp);

    if (timestamp->key != keys[MODEL_TIMESTAMP] || world->snapshots[timestamp->snapshot].key != keys[MODEL_SNAPSHOT] ||
        targets->key != keys[MODEL_TARGETS])
        return "what is in force was signed below a threshold";
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (model_bit(targets->delegated, z) && zone == NULL)
            return "a zone that the charter's signers delegated is missing";
        if (model_bit(targets->delegated, z) && zone->key != targets->zone_key[z])
            return "a zone in force was signed below its threshold";
    }
    return NULL;
}

/* By the clock and the issue times of the client that takes it; one that finds it stored may know of a later time. */
void model_taken(struct model *world, const struct model_generation *taken)
{
    int then = model_larger(taken->accepted_at, taken->issued);

    if (world->violation == NULL &&
        (then >= world->timestamps[taken->timestamp].expires ||
         then >= model_targets_of(world, taken->timestamp)->expires ||
         then >= model_snapshot_of(world, taken->timestamp)->expires || then >= world->roots[taken->root].expires))
        world->violation = "what is taken has expired";
}

static bool same_online_keys(const struct model *world, int timestamp, const struct model_memory *memory)
{
    return world->timestamps[timestamp].key == memory->online_keys[0] &&
           model_snapshot_of(world, timestamp)->key == memory->online_keys[1];
}

static const char *check_zone(const struct model *world, const struct model_client *client, int z,
                              const struct model_memory *memory)
{
    const struct model_targets *targets = model_targets_of(world, model_ruling(world, &client->force));
    int timestamp = model_ruling_zone(world, &client->force, z);
    const struct model_zone *zone = timestamp != 0 ? model_zone_of(world, timestamp, z) : NULL;

    if (zone == NULL || zone->key != memory->zone_key[z] || !model_bit(targets->listed, z))
        return NULL; /* it has another key, or no effect */
    if (zone->version < memory->zone_version[z])
        return "a zone goes back to an older version of the same key";
    if (timestamp == client->force.timestamp && zone->role_version < memory->role_version[z] &&
        same_online_keys(world, timestamp, memory)) /* of a file that only shipped, the version of the zone counts */
        return "the role of a zone goes back to an older version of the same keys";
    return NULL;
}

/* Invariant 10: versions only rise. */
static const char *check_rollback(const struct model *world, const struct model_client *client,
                                  const struct model_memory *memory)
{
    const struct model_generation *force = &client->force;
    const char *violation = NULL;

    if (client->roots < memory->roots && !client->unverified)
        return "a root that was seen is forgotten";
    if (model_targets_of(world, model_ruling(world, force))->version < memory->targets)
        return "the charter goes back to an older version";
    for (int z = 0; z < MODEL_ZONES && violation == NULL; z++)
        violation = check_zone(world, client, z, memory);
    if (violation != NULL)
        return violation;
    if (memory->issued_key == world->roots[client->roots].key[MODEL_TIMESTAMP] && force->issued < memory->issued)
        return "an issue time that still binds is forgotten";
    if (force->root < memory->accepted_root)
        return "what is in force goes back to an older root";
    if (!same_online_keys(world, force->timestamp, memory))
        return NULL;
    if (world->timestamps[force->timestamp].version < memory->timestamp)
        return "the timestamp goes back to an older version of the same keys";
    if (model_snapshot_of(world, force->timestamp)->version < memory->snapshot)
        return "the snapshot goes back to an older version of the same keys";
    return NULL;
}

static const char *check_fresh(const struct model *world, const struct model_client *client,
                               const struct model_memory *memory)
{
    const struct model_generation *force = &client->force;
    const struct model_timestamp *timestamp = &world->timestamps[force->timestamp];
    const struct model_snapshot *snapshot = &world->snapshots[timestamp->snapshot];
    const struct model_targets *targets = model_targets_of(world, force->timestamp);
    const int *keys = world->roots[client->roots].key;
    int now = world->day + world->skew;

    if (model_state(world, client) != MODEL_FRESH)
        return NULL;
    if (timestamp->key != keys[MODEL_TIMESTAMP] || snapshot->key != keys[MODEL_SNAPSHOT] ||
        targets->key != keys[MODEL_TARGETS] || force->root != client->roots)
        return "fresh, but not all of it verifies under the newest root";
    if (newer_shipped(world, client) != NULL)
        return "fresh, but a newer charter came with the app";
    if (memory->issued_key == keys[MODEL_TIMESTAMP] && memory->issued > now)
        now = memory->issued;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (model_bit(targets->delegated, z) && now >= zone->expires)
            return "fresh, but a zone has expired";
    }
    if (now >= timestamp->expires || now >= snapshot->expires || now >= targets->expires)
        return "fresh, but expired";
    if (client->named_root == client->roots && client->named != timestamp->snapshot &&
        world->snapshots[client->named].version > snapshot->version)
        return "fresh, but a verified timestamp names something newer";
    return NULL;
}

/* What shipped, in place of a store that cannot be read: it may be older than that was. */
static bool stands_in(const struct model_client *client)
{
    return client->unverified && client->force.shipped;
}

static const char *judge(const struct model *world, const struct model_client *client,
                         const struct model_memory *memory)
{
    const char *violation = check_unpinned(world, client, memory);

    if (client->roots > world->root_count)
        return "a root below its threshold is taken";
    if (violation == NULL)
        violation = check_shipped(world, client);
    if (violation != NULL || stands_in(client))
        return violation;
    if (client->force.timestamp == 0)
        return memory->targets > 0 && !client->unverified ? "what was in force is forgotten" : NULL;
    violation = check_signed(world, &client->force);
    if (violation == NULL)
        violation = check_rollback(world, client, memory);
    return violation == NULL ? check_fresh(world, client, memory) : violation;
}

static void remember_zone(const struct model *world, int timestamp, int z, struct model_memory *memory)
{
    const struct model_zone *zone = model_zone_of(world, timestamp, z);

    if (zone->key == memory->zone_key[z] && zone->version < memory->zone_version[z])
        return; /* never: that is judged, and not forgotten before it is */
    memory->zone_key[z] = zone->key;
    memory->zone_version[z] = zone->version;
    memory->role_version[z] = zone->role_version;
}

/* with_app: also what only shipped, and rules for as long as this app runs. */
static void remember(const struct model *world, const struct model_client *client, bool with_app,
                     struct model_memory *memory)
{
    const struct model_generation *force = &client->force;
    const struct model_timestamp *timestamp = &world->timestamps[force->timestamp];
    int ruling = with_app ? model_ruling(world, force) : force->timestamp;
    const struct model_targets *targets = model_targets_of(world, ruling);

    if (force->timestamp == 0 || targets->version < memory->targets)
        return;
    memory->hosts = targets->listed;
    memory->subdomains = targets->listed & targets->subdomains;
    memory->targets = targets->version;
    if (stands_in(client))
        return;
    for (int z = 0; z < MODEL_ZONES; z++) {
        int file = with_app ? model_ruling_zone(world, force, z) : force->timestamp;
        if (file != 0 && model_bit(targets->delegated, z) && model_zone_of(world, file, z) != NULL)
            remember_zone(world, file, z, memory);
    }
    memory->timestamp = timestamp->version;
    memory->snapshot = world->snapshots[timestamp->snapshot].version;
    memory->online_keys[0] = timestamp->key;
    memory->online_keys[1] = world->snapshots[timestamp->snapshot].key;
    memory->accepted_root = force->root;
    if (memory->issued_key != timestamp->key || memory->issued < force->issued) {
        memory->issued = force->issued;
        memory->issued_key = timestamp->key;
    }
    if (memory->roots < client->roots && !client->unsaved && !client->unverified)
        memory->roots = client->roots;
}

/* A restart now, under this app: it pins what was pinned, and finds its store sound unless somebody damaged it. */
static const char *check_restart(const struct model *world, const struct model_app *app)
{
    static struct model next; /* too large for the stack of a deep search */

    memcpy(&next, world, sizeof next);
    next.app = *app;
    model_start(&next, 0);
    if (next.clients[0].unverified && !next.tampered)
        return "after a restart the store does not verify, and nobody damaged it";
    return next.violation;
}

void model_replaced(struct model *world, const struct model_memory *memory)
{
    world->stored = *memory;
    for (int i = 0; i < MODEL_CLIENTS; i++)
        for (int m = 0; m < MODEL_MEMORIES; m++)
            world->clients[i].memory[m].lost |= world->clients[i].unverified;
}

void model_stood_in(const struct model *world, struct model_client *client)
{
    for (int m = 0; m < MODEL_MEMORIES; m++) {
        client->memory[m] = world->stored;
        client->memory[m].lost |= memcmp(&client->seen, &world->store, sizeof client->seen) != 0;
    }
    client->named_root = 0;
}

static void adopt(const struct model *world, const struct model_client *then, int which, struct model_memory *memory)
{
    remember(world, then, which == MODEL_WITH_APP, memory);
    for (int z = 0; z < MODEL_ZONES; z++) {
        if (model_bit(model_targets_of(world, then->force.timestamp)->delegated, z))
            continue;
        memory->zone_key[z] = world->stored.zone_key[z];
        memory->zone_version[z] = world->stored.zone_version[z];
        memory->role_version[z] = world->stored.role_version[z];
    }
}

void model_adopted(struct model *world, struct model_client *client, const struct model_generation *accepted)
{
    struct model_client then = *client;

    then.force = *accepted;
    for (int m = 0; m < MODEL_MEMORIES; m++)
        adopt(world, &then, m, &client->memory[m]);
}

void model_notice(struct model *world, struct model_client *client)
{
    bool nothing = client->unverified && (client->force.timestamp == 0 || client->force.shipped);

    for (int m = 0; m < MODEL_MEMORIES; m++) {
        if (nothing && client->seen.accepted_bad)
            client->memory[m].lost = 1;
        if (client->memory[m].lost && !nothing)
            memset(&client->memory[m], 0, sizeof client->memory[m]);
    }
    if (world->violation == NULL)
        world->violation = judge(world, client, &client->memory[MODEL_WITH_APP]);
    for (int m = 0; m < MODEL_MEMORIES; m++)
        remember(world, client, m == MODEL_WITH_APP, &client->memory[m]);
    if (client->unverified || memcmp(&world->store, &client->seen, sizeof client->seen) != 0 ||
        memcmp(&world->store.accepted, &client->force, sizeof client->force) != 0)
        return; /* what it knows is not what the store holds */
    if (world->stored.lost)
        memset(&world->stored, 0, sizeof world->stored);
    remember(world, client, false, &world->stored);
    if (!world->store.roots_bad && world->store.roots >= world->store.accepted.root)
        world->tampered = 0;
}

const char *model_violation(struct model *world)
{
    for (int i = 0; i < MODEL_CLIENTS; i++)
        model_notice(world, &world->clients[i]);
    if (world->violation == NULL)
        world->violation = check_restart(world, &world->app);
    if (world->violation == NULL && memcmp(&world->app, &world->first_app, sizeof world->app) != 0)
        world->violation = check_restart(world, &world->first_app);
    return world->violation;
}

const char *model_recovered(struct model *world)
{
    const char *violation = model_violation(world);

    for (int i = 0; i < MODEL_CLIENTS && violation == NULL; i++) {
        if (world->clients[i].force.timestamp != world->now_timestamp)
            violation = "after honest polls a client does not hold what is published";
        else if (model_state(world, &world->clients[i]) != MODEL_FRESH)
            violation = "after honest polls a client is not fresh";
    }
    return violation;
}
