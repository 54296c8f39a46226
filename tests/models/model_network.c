/* SPDX-License-Identifier: Apache-2.0 */
/* Polls over a network that loses, repeats and alters, and a thief of online keys who owns it. */
#include <string.h>

#include "model_world.h"

enum { FAR_AHEAD = 1000 };

struct model_deed *model_add_deed(struct model_deeds *deeds, enum model_deed_kind kind, int value)
{
    static struct model_deed nowhere;
    struct model_deed *deed = deeds != NULL ? &deeds->items[deeds->count++] : &nowhere;

    *deed = (struct model_deed){.kind = kind, .value = value};
    return deed;
}

struct model_poll model_honest_poll(const struct model *world, int client)
{
    return (struct model_poll){
        .client = client, .root = world->root_count, .timestamp = world->now_timestamp, .requests = -1};
}

bool model_do_poll(struct model *world, struct model_poll poll, struct model_deeds *deeds)
{
    model_poll(world, &poll);
    model_add_deed(deeds, MODEL_POLLED, poll.client)->poll = poll;
    return true;
}

/* a: which client; b: how many requests are answered. */
bool model_poll_client(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = model_honest_poll(world, action->a);

    poll.requests = action->b - 1;
    return model_do_poll(world, poll, deeds);
}

/* a: which client; b: how many writes succeed.  A crash is this, then a restart. */
bool model_poll_full_disk(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    bool possible;

    model_add_deed(deeds, MODEL_WRITES, world->writes = action->b);
    possible = model_do_poll(world, model_honest_poll(world, action->a), deeds);
    model_add_deed(deeds, MODEL_WRITES, world->writes = -1);
    return possible;
}

/* a: which of the files served before, 0 is the newest; b: with the newest root (0), or none (1); +2: to client 1. */
bool model_replay(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = model_honest_poll(world, action->b >> 1);

    poll.timestamp = world->timestamp_count - action->a;
    if ((action->b & 1) != 0)
        poll.root = 1;
    return poll.timestamp > 0 && model_do_poll(world, poll, deeds);
}

/* a: a zone is missing, other targets, a forged root; b: which client. */
bool model_garble(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = model_honest_poll(world, action->b);

    if (action->a == 0)
        poll.body = MODEL_WITHOUT_ZONE;
    else if (action->a == 1)
        poll.body = MODEL_OTHER_TARGETS;
    else
        poll.forged_root = true;
    return (action->a != 1 || world->now_targets > 1) && model_do_poll(world, poll, deeds);
}

/* Client a & 1 is given the file before the newest (or the newest: a & 2) while the other polls, during request b + 1. */
bool model_race(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = model_honest_poll(world, action->a & 1);

    if ((action->a & 2) == 0)
        poll.timestamp--;
    poll.race = action->b + 1;
    return poll.timestamp > 0 && model_do_poll(world, poll, deeds);
}

/* The key of a role or (from MODEL_ROLES on) of a zone as the thief has it; 0 if he does not. */
static int thief_key(const struct model *world, int role)
{
    if ((world->stolen >> role & 1) == 0)
        return 0;
    return role < MODEL_ROLES ? world->roots[world->root_count].key[role] : world->draft.zone_key[role - MODEL_ROLES];
}

/* mode: 0 the next version, 1 the first, 2 far ahead, 3 that and issued as late as the clients take it. */
static struct model_timestamp thief_timestamp(const struct model *world, int mode)
{
    struct model_timestamp file = {.version = 1 + (mode == 0   ? model_timestamp_now(world)->version
                                                   : mode == 1 ? 0
                                                               : FAR_AHEAD),
                                   .key = thief_key(world, MODEL_TIMESTAMP),
                                   .issued = world->day};

    if (mode == 3)
        file.issued += model_larger(world->skew, 0) + MODEL_CLOCK_AHEAD_MAX;
    return file;
}

/* Targets that release all hosts, signed below the threshold. */
static int release_all(struct model *world)
{
    struct model_targets honest = world->draft;
    int file;

    world->draft.released |= honest.listed;
    world->draft.listed = 0;
    world->draft.version++;
    file = model_sign_targets(world, 0);
    world->draft = honest;
    return file;
}

/* The oldest file of a zone that its key, as the targets name it, has signed; 0 if there is none. */
static int oldest_zone(const struct model *world, int targets, int zone)
{
    for (int i = 1; i <= world->zone_count; i++)
        if (world->zones[i].zone == zone && world->zones[i].key == world->targets[targets].zone_key[zone])
            return i;
    return 0;
}

static int own_zone(struct model *world, int zone, bool far_ahead)
{
    struct model_zone file = world->zones[world->now_zone[zone]];

    file.role_version++;
    file.version += far_ahead ? FAR_AHEAD : 1;
    file.key = thief_key(world, MODEL_ROLES + zone);
    file.pin = MODEL_THIEF_PIN;
    return model_sign_zone(world, file);
}

/*
 * a: what the snapshot names instead of what is current: 0 nothing else; 1 the oldest targets; 2, 3 the oldest file of a
 * zone; 4, 5 no file of a zone; 6 the oldest of everything; 7 targets below the threshold that release all hosts;
 * 8, 9 a zone file of the thief's own.  b & 3: mode of the versions; b & 4: to client 1; b & 8: the zone file of 8 and 9
 * has a version far ahead.  What he has no key for he signs with another.
 */
bool model_steal(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = model_honest_poll(world, action->b >> 2 & 1);
    struct model_timestamp timestamp = thief_timestamp(world, action->b & 3);
    struct model_snapshot snapshot = {
        .version = timestamp.version, .key = thief_key(world, MODEL_SNAPSHOT), .targets = world->now_targets};

    if ((action->b & 3) == 0)
        snapshot.version = 1 + model_snapshot_version_now(world);
    if (action->a == 1 || action->a == 6)
        snapshot.targets = 1;
    if (action->a == 7)
        snapshot.targets = release_all(world);
    for (int z = 0; z < MODEL_ZONES; z++) {
        bool fits = world->zones[world->now_zone[z]].key == world->targets[snapshot.targets].zone_key[z];
        bool old = action->a == 2 + z || action->a == 6 || !fits;
        if (action->a == 8 + z)
            snapshot.zone[z] = own_zone(world, z, (action->b & 8) != 0);
        else if (action->a != 4 + z)
            snapshot.zone[z] = old ? oldest_zone(world, snapshot.targets, z) : world->now_zone[z];
    }
    poll.timestamp = model_sign_online(world, timestamp, snapshot);
    return model_do_poll(world, poll, deeds);
}

/* A new timestamp for an old snapshot, a from the newest; b as above, without 8. */
bool model_steal_timestamp(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = model_honest_poll(world, action->b >> 2 & 1);
    struct model_timestamp forged = thief_timestamp(world, action->b & 3);

    forged.snapshot = world->snapshot_count - action->a;
    if (forged.snapshot <= 0)
        return false;
    poll.timestamp = model_sign_timestamp(world, forged);
    return model_do_poll(world, poll, deeds);
}
