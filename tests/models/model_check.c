/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold (docs/design.md, sections 5.5, 10, 11, 12): of every client that runs, and of one that would start now,
 * under this app or the first one.
 */
#include <string.h>

#include "model.h"

static bool bit(int bits, int index)
{
    return (bits >> index & 1) != 0;
}

static bool released(const struct model_targets *targets, int host, bool below)
{
    return bit(targets->released, host) || (below && bit(targets->released_subdomains, host));
}

/* Invariant 1. */
static const char *check_unpinned(const struct model *world, const struct model_client *client,
                                  const struct model_memory *memory)
{
    const struct model_targets *targets = model_targets_of(world, client->force.timestamp);

    for (int host = 0; host < MODEL_ZONES; host++) {
        if (bit(memory->hosts, host) && model_check(world, client, host, false).answer == MODEL_UNLISTED &&
            !released(targets, host, false))
            return "a host is accepted unpinned, and was not released";
        if (bit(memory->subdomains, host) && model_check(world, client, host, true).answer == MODEL_UNLISTED &&
            !released(targets, host, true))
            return "a name below a host is accepted unpinned, and was not released";
    }
    return NULL;
}

/* Invariant 12, for a charter that came with the app. */
static const char *check_shipped(const struct model *world, const struct model_client *client)
{
    const struct model_targets *shipped = model_targets_of(world, world->app.shipped);
    const struct model_targets *force = model_targets_of(world, client->force.timestamp);

    if (world->app.shipped == 0 || shipped->version <= force->version || !model_charter_succeeds(force, shipped))
        return NULL;
    for (int host = 0; host < MODEL_ZONES; host++)
        if (bit(shipped->listed, host) &&
            (model_check(world, client, host, false).answer == MODEL_UNLISTED ||
             (bit(shipped->subdomains, host) && model_check(world, client, host, true).answer == MODEL_UNLISTED)))
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
        if (bit(targets->delegated, z) && zone == NULL)
            return "a zone that the charter's signers delegated is missing";
        if (bit(targets->delegated, z) && zone->key != targets->zone_key[z])
            return "a zone in force was signed below its threshold";
    }
    return NULL;
}

/* Invariant 10: versions only rise. */
static const char *check_rollback(const struct model *world, const struct model_client *client,
                                  const struct model_memory *memory)
{
    const struct model_generation *force = &client->force;
    const struct model_timestamp *timestamp = &world->timestamps[force->timestamp];
    const struct model_targets *targets = model_targets_of(world, force->timestamp);

    if (client->roots < memory->roots && !client->unverified)
        return "a root that was seen is forgotten";
    if (targets->version < memory->targets)
        return "the charter goes back to an older version";
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (bit(targets->delegated, z) && zone != NULL && zone->key == memory->zone_key[z] &&
            zone->version < memory->zone_version[z])
            return "a zone goes back to an older version of the same key";
    }
    if (force->root < memory->accepted_root)
        return "what is in force goes back to an older root";
    if (timestamp->key == memory->online_keys[0] &&
        world->snapshots[timestamp->snapshot].key == memory->online_keys[1] && timestamp->version < memory->timestamp)
        return "the timestamp goes back to an older version of the same keys";
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
    if (memory->issued_key == keys[MODEL_TIMESTAMP] && memory->issued > now)
        now = memory->issued;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (bit(targets->delegated, z) && now >= zone->expires)
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

    if (0 && violation == NULL)
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

static void remember(const struct model *world, const struct model_client *client, struct model_memory *memory)
{
    const struct model_generation *force = &client->force;
    const struct model_timestamp *timestamp = &world->timestamps[force->timestamp];
    const struct model_targets *targets = model_targets_of(world, force->timestamp);

    if (force->timestamp == 0 || targets->version < memory->targets)
        return;
    memory->hosts = targets->listed;
    memory->subdomains = targets->listed & targets->subdomains;
    memory->targets = targets->version;
    if (stands_in(client))
        return;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (!bit(targets->delegated, z) || zone == NULL)
            continue;
        memory->zone_key[z] = zone->key;
        memory->zone_version[z] = zone->version;
    }
    memory->timestamp = timestamp->version;
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
        world->clients[i].memory.lost |= world->clients[i].unverified;
}

void model_stood_in(const struct model *world, struct model_client *client)
{
    client->memory = world->stored;
    client->memory.lost |= memcmp(&client->seen, &world->store, sizeof client->seen) != 0;
    client->named_root = 0;
}

void model_adopted(struct model *world, struct model_client *client, const struct model_generation *accepted)
{
    struct model_client then = *client;

    then.force = *accepted;
    remember(world, &then, &client->memory);
    client->memory.issued = world->stored.issued;
    client->memory.issued_key = world->stored.issued_key;
    for (int z = 0; z < MODEL_ZONES; z++) {
        if (bit(model_targets_of(world, accepted->timestamp)->delegated, z))
            continue;
        client->memory.zone_key[z] = world->stored.zone_key[z];
        client->memory.zone_version[z] = world->stored.zone_version[z];
    }
}

void model_notice(struct model *world, struct model_client *client)
{
    bool nothing = client->unverified && (client->force.timestamp == 0 || client->force.shipped);

    if (nothing && client->seen.accepted_bad)
        client->memory.lost = 1;
    if (client->memory.lost && !nothing)
        memset(&client->memory, 0, sizeof client->memory);
    if (world->violation == NULL)
        world->violation = judge(world, client, &client->memory);
    remember(world, client, &client->memory);
    if (client->unverified || memcmp(&world->store, &client->seen, sizeof client->seen) != 0 ||
        memcmp(&world->store.accepted, &client->force, sizeof client->force) != 0)
        return; /* what it knows is not what the store holds */
    if (world->stored.lost)
        memset(&world->stored, 0, sizeof world->stored);
    remember(world, client, &world->stored);
    if (!world->store.roots_bad && world->store.roots >= world->store.accepted.root)
        world->tampered = 0;
}

const char *model_violation(struct model *world)
{
    for (int i = 0; i < MODEL_CLIENTS; i++)
        model_notice(world, &world->clients[i]);
    if (world->violation == NULL)
        world->violation = check_restart(world, &world->app);
    if (world->violation == NULL)
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
