/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs: the publisher, with its slips; a thief signs with the same functions. */
#include <string.h>

#include "model_world.h"

enum {
    ROOT_DAYS = 365,
    TARGETS_DAYS = 365,
    ZONE_DAYS = 90,
    SNAPSHOT_DAYS = 7,
    TIMESTAMP_DAYS = 3,
    BOTH_ONLINE = MODEL_ROLES
};

/* Files with equal content are one file, as they would be equal bytes. */
static int keep(void *pool, int *count, size_t size, const void *file)
{
    char *items = pool;

    for (int i = 1; i <= *count; i++)
        if (memcmp(items + (size_t)i * size, file, size) == 0)
            return i;
    ++*count;
    memcpy(items + (size_t)*count * size, file, size);
    return *count;
}

int model_sign_targets(struct model *world, int key)
{
    struct model_targets file = world->draft;

    file.key = key;
    file.expires = world->day + TARGETS_DAYS;
    return keep(world->targets, &world->targets_count, sizeof file, &file);
}

int model_sign_zone(struct model *world, struct model_zone file)
{
    file.expires = world->day + ZONE_DAYS;
    return keep(world->zones, &world->zone_count, sizeof file, &file);
}

int model_sign_timestamp(struct model *world, struct model_timestamp file)
{
    file.expires = file.issued + TIMESTAMP_DAYS;
    return keep(world->timestamps, &world->timestamp_count, sizeof file, &file);
}

int model_sign_online(struct model *world, struct model_timestamp timestamp, struct model_snapshot snapshot)
{
    snapshot.expires = timestamp.issued + SNAPSHOT_DAYS;
    timestamp.snapshot = keep(world->snapshots, &world->snapshot_count, sizeof snapshot, &snapshot);
    return model_sign_timestamp(world, timestamp);
}

const struct model_timestamp *model_timestamp_now(const struct model *world)
{
    return &world->timestamps[world->now_timestamp];
}

int model_snapshot_version_now(const struct model *world)
{
    return world->snapshots[model_timestamp_now(world)->snapshot].version;
}

void model_next_root(struct model *world, int new_keys)
{
    struct model_root next = world->roots[world->root_count];

    for (int role = 0; role < MODEL_ROLES; role++)
        if ((new_keys >> role & 1) != 0)
            next.key[role] = ++world->keys;
    next.expires = world->day + ROOT_DAYS;
    world->roots[++world->root_count] = next;
}

static void publish_zone(struct model *world, int zone)
{
    struct model_zone next = world->zones[world->now_zone[zone]];

    if (next.pin == world->pin[zone] && next.key == world->draft.zone_key[zone] && next.expires > world->day)
        return;
    next.zone = zone;
    next.role_version++;
    next.version += next.pin != world->pin[zone];
    next.key = world->draft.zone_key[zone];
    next.pin = world->pin[zone];
    world->now_zone[zone] = model_sign_zone(world, next);
}

static void publish_targets(struct model *world)
{
    const struct model_targets *last = &world->targets[world->now_targets];
    struct model_targets *draft = &world->draft;

    draft->key = world->roots[world->root_count].key[MODEL_TARGETS];
    draft->expires = last->expires;
    draft->version = last->version;
    draft->charter = last->charter;
    if (memcmp(draft, last, sizeof *last) == 0 && last->expires > world->day)
        return;
    draft->version++;
    draft->charter += last->listed != draft->listed || last->subdomains != draft->subdomains ||
                      last->released != draft->released || last->released_subdomains != draft->released_subdomains;
    world->now_targets = model_sign_targets(world, draft->key);
}

void model_publish(struct model *world, bool restart)
{
    const int *keys;
    int version = restart ? 1 : model_timestamp_now(world)->version + 1;
    int snapshot_version = restart ? 1 : model_snapshot_version_now(world) + 1;

    if (world->roots[world->root_count].expires <= world->day)
        model_next_root(world, 0);
    for (int z = 0; z < MODEL_ZONES; z++)
        publish_zone(world, z);
    publish_targets(world);
    keys = world->roots[world->root_count].key;
    world->now_timestamp = model_sign_online(
        world, (struct model_timestamp){.version = version, .key = keys[MODEL_TIMESTAMP], .issued = world->day},
        (struct model_snapshot){.version = snapshot_version,
                                .key = keys[MODEL_SNAPSHOT],
                                .targets = world->now_targets,
                                .zone = {world->now_zone[0], world->now_zone[1]}});
}

bool model_publish_pins(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)deeds;
    if (world->pins == MODEL_PINS_MAX)
        return false;
    world->pin[action->a] = ++world->pins;
    model_publish(world, false);
    return true;
}

bool model_publish_host(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_targets *draft = &world->draft;
    int host = 1 << action->a;

    (void)deeds;
    world->slipped &= ~host;
    if ((draft->listed & host) != 0) {
        world->slipped_subdomains &= ~host;
        draft->released |= host;
        draft->listed &= ~host;
        draft->subdomains &= ~host;
        draft->released_subdomains &= ~host;
    } else {
        draft->released_subdomains |= draft->released & host;
        draft->released &= ~host;
        draft->listed |= host;
    }
    model_publish(world, false);
    return true;
}

bool model_publish_omission(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_targets *draft = &world->draft;
    int host = 1 << action->a;

    (void)deeds;
    if ((draft->listed & host) == 0)
        return false;
    world->slipped |= host;
    world->slipped_subdomains |= draft->subdomains & host;
    draft->listed &= ~host;
    draft->subdomains &= ~host;
    model_publish(world, false);
    return true;
}

bool model_publish_subdomains(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_targets *draft = &world->draft;
    int host = 1 << action->a;

    (void)deeds;
    if ((draft->listed & host) == 0)
        return false;
    world->slipped_subdomains &= ~host;
    if ((draft->subdomains & host) != 0)
        draft->released_subdomains |= host;
    else
        draft->released_subdomains &= ~host;
    draft->subdomains ^= host;
    model_publish(world, false);
    return true;
}

bool model_publish_narrower(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    int host = 1 << action->a;

    (void)deeds;
    if ((world->draft.subdomains & host) == 0)
        return false;
    world->slipped_subdomains |= host;
    world->draft.subdomains &= ~host;
    model_publish(world, false);
    return true;
}

bool model_publish_zone(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)deeds;
    world->draft.delegated ^= 1 << action->a;
    model_publish(world, false);
    return true;
}

bool model_publish_zone_key(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)deeds;
    world->draft.delegated |= 1 << action->a;
    world->draft.zone_key[action->a] = ++world->keys;
    model_publish(world, false);
    return true;
}

bool model_rotate(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    bool both = action->a == BOTH_ONLINE;

    (void)deeds;
    if (action->b == 1)
        world->draft.delegated ^= 1;
    model_next_root(world, both ? 1 << MODEL_SNAPSHOT | 1 << MODEL_TIMESTAMP : 1 << action->a);
    model_publish(world, both);
    return true;
}

bool model_publish_again(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)action;
    (void)deeds;
    model_publish(world, false);
    return true;
}
