/* SPDX-License-Identifier: Apache-2.0 */
/* What may follow what: lib/manifest and the comparisons of lib/tuf, without bytes. */
#include "model.h"

/* The zone's file, if the targets delegate that zone. */
static const struct model_zone *delegated_zone(const struct model *world, int timestamp, int zone)
{
    return model_bit(model_targets_of(world, timestamp)->delegated, zone) ? model_zone_of(world, timestamp, zone)
                                                                          : NULL;
}

/* ---- TUF ---- */

static bool snapshot_rises(const struct model *world, int had, int next)
{
    return !model_kept(world, MODEL_SNAPSHOT_RISES) ||
           model_snapshot_of(world, next)->version >= model_snapshot_of(world, had)->version;
}

bool model_timestamp_succeeds(const struct model *world, int had, int next)
{
    if (model_kept(world, MODEL_TIMESTAMP_RISES) && world->timestamps[next].version < world->timestamps[had].version)
        return false;
    return snapshot_rises(world, had, next);
}

bool model_snapshot_succeeds(const struct model *world, int had, int next)
{
    if (!snapshot_rises(world, had, next))
        return false;
    if (!model_kept(world, MODEL_ROLES_RISE))
        return true;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *old = model_zone_of(world, had, z), *new = model_zone_of(world, next, z);
        if (old != NULL && (new == NULL || new->role_version < old->role_version))
            return false;
    }
    return model_targets_of(world, next)->version >= model_targets_of(world, had)->version;
}

bool model_baseline_holds(const struct model *world, const struct model_generation *had, int root)
{
    const int *keys = world->roots[root].key;

    if (had->timestamp == 0)
        return false;
    return had->root == root || !model_kept(world, MODEL_NEW_ONLINE_KEYS) ||
           (world->timestamps[had->timestamp].key == keys[MODEL_TIMESTAMP] &&
            model_snapshot_of(world, had->timestamp)->key == keys[MODEL_SNAPSHOT]);
}

bool model_issued_binds(const struct model *world, const struct model_generation *had, int root)
{
    if (had->timestamp == 0 || !model_kept(world, MODEL_ISSUED_BINDS))
        return false;
    return had->root == root || !model_kept(world, MODEL_ISSUED_ENDS) ||
           world->timestamps[had->timestamp].key == world->roots[root].key[MODEL_TIMESTAMP];
}

/* ---- apply ---- */

bool model_charter_succeeds(const struct model *world, const struct model_targets *had,
                            const struct model_targets *next)
{
    bool leaves = model_kept(world, MODEL_RELEASED_LEAVES);
    int released = leaves ? next->released : 0, narrowed = leaves ? next->released | next->released_subdomains : 0;
    int omitted = had->listed & ~next->listed;
    int uncovered = had->listed & next->listed & had->subdomains & ~next->subdomains;

    return (!model_kept(world, MODEL_HOSTS_STAY) || (omitted & ~released) == 0) &&
           (!model_kept(world, MODEL_SUBDOMAINS_STAY) || (uncovered & ~narrowed) == 0);
}

static bool zone_succeeds(const struct model *world, const struct model_generation *had, int next, int zone)
{
    const struct model_zone *old = delegated_zone(world, had->timestamp, zone);
    const struct model_zone *new = delegated_zone(world, next, zone);
    int version = old != NULL ? old->version : had->past_version[zone];
    int key = old != NULL ? model_targets_of(world, had->timestamp)->zone_key[zone] : had->past_key[zone];

    if (new == NULL || !model_kept(world, old != NULL ? MODEL_ZONES_RISE : MODEL_PAST_ZONES_RISE))
        return true;
    return new->version >= version || (model_kept(world, old != NULL ? MODEL_NEW_ZONE_KEY : MODEL_NEW_PAST_KEY) &&
                                       model_targets_of(world, next)->zone_key[zone] != key);
}

/* Rules 1, 2 and 4. */
static bool contents_succeed(const struct model *world, const struct model_generation *had, int next)
{
    const struct model_targets *before = model_targets_of(world, had->timestamp);
    const struct model_targets *after = model_targets_of(world, next);

    if ((model_kept(world, MODEL_TARGETS_RISE) && after->version < before->version) ||
        !model_charter_succeeds(world, before, after))
        return false;
    for (int z = 0; z < MODEL_ZONES; z++)
        if (!zone_succeeds(world, had, next, z))
            return false;
    return true;
}

static bool online_versions_rise(const struct model *world, int had, int next)
{
    return (!model_kept(world, MODEL_SHIPPED_TIMESTAMP_RISES) || model_timestamp_succeeds(world, had, next)) &&
           (!model_kept(world, MODEL_SHIPPED_ROLES_RISE) || model_snapshot_succeeds(world, had, next));
}

bool model_apply(const struct model *world, const struct model_generation *had, const struct model_generation *next)
{
    if (had->timestamp == 0)
        return true;
    if (model_kept(world, MODEL_ROOT_RISES) && next->root < had->root)
        return false;
    if (model_baseline_holds(world, had, next->root) && !online_versions_rise(world, had->timestamp, next->timestamp))
        return false;
    return contents_succeed(world, had, next->timestamp);
}

void model_inherit(const struct model *world, const struct model_generation *had, struct model_generation *next)
{
    if (had->timestamp == 0)
        return;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *old = delegated_zone(world, had->timestamp, z);
        if (delegated_zone(world, next->timestamp, z) != NULL)
            continue;
        next->past_version[z] = old != NULL ? old->version : had->past_version[z];
        next->past_key[z] = old != NULL ? model_targets_of(world, had->timestamp)->zone_key[z] : had->past_key[z];
    }
    if (model_issued_binds(world, had, next->root) && model_kept(world, MODEL_ISSUED_INHERITED))
        next->issued = model_larger(next->issued, had->issued);
}

/* ---- a shipped charter that is newer than what is in force ---- */

int model_ruling(const struct model *world, const struct model_generation *force)
{
    const struct model_targets *targets = model_targets_of(world, force->timestamp);
    const struct model_targets *shipped = model_targets_of(world, world->app.shipped);

    if (world->app.shipped == 0 || force->timestamp == 0 || !model_kept(world, MODEL_SHIPPED_RULES) ||
        shipped->version <= targets->version || !model_charter_succeeds(world, targets, shipped))
        return force->timestamp;
    return world->app.shipped;
}

int model_ruling_zone(const struct model *world, const struct model_generation *force, int zone)
{
    int ruling = model_ruling(world, force);
    const struct model_zone *old = delegated_zone(world, force->timestamp, zone);
    const struct model_zone *new = delegated_zone(world, ruling, zone);

    if (new == NULL)
        return 0;
    if (ruling == force->timestamp || !model_kept(world, MODEL_SHIPPED_ZONES))
        return ruling;
    if (old == NULL)
        return zone_succeeds(world, force, ruling, zone) ? ruling : 0;
    return new->version > old->version || model_targets_of(world, ruling)->zone_key[zone] !=
                                              model_targets_of(world, force->timestamp)->zone_key[zone]
               ? ruling
               : force->timestamp;
}

bool model_follows(const struct model *world, const struct model_generation *had, const struct model_generation *next)
{
    struct model_generation ruling = {.timestamp = model_ruling(world, had)};

    if (!model_apply(world, had, next))
        return false;
    return ruling.timestamp == had->timestamp || ruling.timestamp == model_ruling(world, next) ||
           !model_kept(world, MODEL_SHIPPED_BINDS) || contents_succeed(world, &ruling, next->timestamp);
}
