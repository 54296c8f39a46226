/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the model: what lib/client, lib/manifest and lib/tuf do, in the same order, without bytes. */
#include <string.h>

#include "model.h"

bool model_kept(const struct model *world, enum model_rule rule)
{
    return (world->without >> rule & 1u) == 0;
}

static int local_clock(const struct model *world)
{
    return world->day + world->skew;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static bool bit(int bits, int index)
{
    return (bits >> index & 1) != 0;
}

static const struct model_snapshot *snapshot_of(const struct model *world, int timestamp)
{
    return &world->snapshots[world->timestamps[timestamp].snapshot];
}

const struct model_targets *model_targets_of(const struct model *world, int timestamp)
{
    return &world->targets[snapshot_of(world, timestamp)->targets];
}

const struct model_zone *model_zone_of(const struct model *world, int timestamp, int zone)
{
    int file = snapshot_of(world, timestamp)->zone[zone];

    return file != 0 ? &world->zones[file] : NULL;
}

static bool verifies(const struct model *world, int key, int expected)
{
    return key == expected || !model_kept(world, MODEL_SIGNATURES);
}

/* ---- apply ---- */

static bool timestamp_succeeds(const struct model *world, int had, int next)
{
    return world->timestamps[next].version >= world->timestamps[had].version &&
           snapshot_of(world, next)->version >= snapshot_of(world, had)->version;
}

static bool snapshot_succeeds(const struct model *world, int had, int next)
{
    if (snapshot_of(world, next)->version < snapshot_of(world, had)->version ||
        model_targets_of(world, next)->version < model_targets_of(world, had)->version)
        return false;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *old = model_zone_of(world, had, z), *new = model_zone_of(world, next, z);
        if (old != NULL && (new == NULL || new->role_version < old->role_version))
            return false;
    }
    return true;
}

static bool baseline_holds(const struct model *world, const struct model_generation *had, int root)
{
    const int *keys = world->roots[root].key;

    return model_kept(world, MODEL_BASELINE) && had->timestamp != 0 &&
           (had->root == root || (verifies(world, world->timestamps[had->timestamp].key, keys[MODEL_TIMESTAMP]) &&
                                  verifies(world, snapshot_of(world, had->timestamp)->key, keys[MODEL_SNAPSHOT])));
}

bool model_charter_succeeds(const struct model_targets *had, const struct model_targets *next)
{
    int omitted = had->listed & ~next->listed & ~next->released;
    int narrowed = had->listed & next->listed & had->subdomains & ~next->subdomains &
                   ~(next->released | next->released_subdomains);

    return omitted == 0 && narrowed == 0;
}

static bool zone_succeeds(const struct model *world, const struct model_generation *had, int next, int zone)
{
    const struct model_targets *before = model_targets_of(world, had->timestamp),
                               *after = model_targets_of(world, next);
    const struct model_zone *old = model_zone_of(world, had->timestamp, zone), *new = model_zone_of(world, next, zone);

    if (!bit(after->delegated, zone) || new == NULL)
        return true;
    if (bit(before->delegated, zone) && old != NULL)
        return !model_kept(world, MODEL_ZONES_RISE) || new->version >= old->version ||
               after->zone_key[zone] != before->zone_key[zone];
    return !model_kept(world, MODEL_PAST_ZONES) || new->version >= had->past_version[zone] ||
           after->zone_key[zone] != had->past_key[zone];
}

static bool apply(const struct model *world, const struct model_generation *had, const struct model_generation *next)
{
    const struct model_targets *before = model_targets_of(world, had->timestamp);
    const struct model_targets *after = model_targets_of(world, next->timestamp);

    if (had->timestamp == 0)
        return true;
    if (model_kept(world, MODEL_ROOT_RISES) && next->root < had->root)
        return false;
    if (baseline_holds(world, had, next->root) && !(timestamp_succeeds(world, had->timestamp, next->timestamp) &&
                                                    snapshot_succeeds(world, had->timestamp, next->timestamp)))
        return false;
    if (model_kept(world, MODEL_TARGETS_RISE) && after->version < before->version)
        return false;
    if (model_kept(world, MODEL_CHARTER_KEEPS) && !model_charter_succeeds(before, after))
        return false;
    for (int z = 0; z < MODEL_ZONES; z++)
        if (!zone_succeeds(world, had, next->timestamp, z))
            return false;
    return true;
}

static void inherit(const struct model *world, const struct model_generation *had, struct model_generation *next)
{
    const struct model_timestamp *old = &world->timestamps[had->timestamp];

    if (had->timestamp == 0)
        return;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_targets *before = model_targets_of(world, had->timestamp);
        bool dropped = bit(before->delegated, z) && model_zone_of(world, had->timestamp, z) != NULL;
        bool present = bit(model_targets_of(world, next->timestamp)->delegated, z) &&
                       model_zone_of(world, next->timestamp, z) != NULL;

        next->past_version[z] = present   ? 0
                                : dropped ? model_zone_of(world, had->timestamp, z)->version
                                          : had->past_version[z];
        next->past_key[z] = present ? 0 : dropped ? before->zone_key[z] : had->past_key[z];
    }
    if (had->root == next->root || verifies(world, old->key, world->roots[next->root].key[MODEL_TIMESTAMP]))
        next->issued = larger(next->issued, had->issued);
}

/* ---- the store ---- */

static bool same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

static bool moved(const struct model *world, const struct model_client *client)
{
    return model_kept(world, MODEL_STORE_COMPARED) && !same(&world->store, &client->seen, sizeof world->store);
}

static bool write_file(struct model *world)
{
    if (world->writes == 0)
        return false;
    if (world->writes > 0)
        world->writes--;
    return true;
}

static bool save_roots(struct model *world, struct model_client *client)
{
    if (client->seen.roots == client->roots && !client->seen.roots_bad)
        return true;
    client->unsaved = !write_file(world);
    if (client->unsaved)
        return false;
    world->store.roots = client->seen.roots = client->roots;
    world->store.roots_bad = client->seen.roots_bad = 0;
    return true;
}

static bool save_accepted(struct model *world, struct model_client *client, const struct model_generation *accepted)
{
    if (!client->seen.accepted_bad && same(&client->seen.accepted, accepted, sizeof *accepted))
        return true;
    if (!write_file(world))
        return false;
    world->store.accepted = client->seen.accepted = *accepted;
    world->store.accepted_bad = client->seen.accepted_bad = 0;
    if (client->apart)
        model_replaced(world, &client->memory);
    client->apart = 0;
    return true;
}

static bool save(struct model *world, struct model_client *client, const struct model_generation *accepted)
{
    if (!model_kept(world, MODEL_ROOTS_FIRST))
        return (accepted == NULL || save_accepted(world, client, accepted)) && save_roots(world, client);
    return save_roots(world, client) && (accepted == NULL || save_accepted(world, client, accepted));
}

struct loaded {
    struct model_generation accepted;
    bool unverified, changed;
};

static void problem(const struct model *world, struct loaded *loaded)
{
    if (model_kept(world, MODEL_UNVERIFIED_REFUSES))
        loaded->unverified = true;
}

static void load(const struct model *world, struct model_client *client, struct loaded *loaded)
{
    client->seen = world->store;
    if (client->seen.roots_bad)
        problem(world, loaded);
    else
        client->roots = larger(client->roots, client->seen.roots);
    if (client->seen.accepted_bad || client->seen.accepted.root > client->roots)
        problem(world, loaded);
    else
        loaded->accepted = client->seen.accepted;
}

static void keep_running(const struct model *world, struct model_client *client, struct loaded *loaded)
{
    client->apart = 0;
    if (client->force.timestamp == 0 || !model_kept(world, MODEL_KEEP_RUNNING))
        return;
    if (loaded->accepted.timestamp != 0 && client->unverified && client->force.shipped) {
        model_stood_in(world, client);
        return; /* what shipped stood in for a store that was not to be had */
    }
    if (loaded->accepted.timestamp != 0 && apply(world, &client->force, &loaded->accepted))
        return;
    loaded->accepted = client->force;
    loaded->changed = true;
    client->apart = 1;
}

static void take_shipped(const struct model *world, struct loaded *loaded)
{
    struct model_generation next = {.timestamp = world->app.shipped, .root = world->app.shipped_root, .shipped = 1};

    if (next.timestamp == 0 || !apply(world, &loaded->accepted, &next))
        return;
    if (loaded->accepted.timestamp == next.timestamp && loaded->accepted.root == next.root)
        return;
    next.issued = world->timestamps[next.timestamp].issued;
    next.accepted_at = local_clock(world);
    inherit(world, &loaded->accepted, &next);
    loaded->accepted = next;
    loaded->changed = true;
}

static void put_in_force(struct model *world, struct model_client *client, const struct loaded *loaded)
{
    if (loaded->accepted.timestamp != 0 && loaded->accepted.root != client->roots)
        client->behind = 1;
    client->force = loaded->accepted;
    client->unverified = loaded->unverified;
    model_notice(world, client);
}

static void read_store(struct model *world, struct model_client *client)
{
    struct loaded loaded = {0};

    load(world, client, &loaded);
    keep_running(world, client, &loaded);
    if (loaded.accepted.timestamp != 0 && !client->apart)
        model_adopted(world, client, &loaded.accepted);
    take_shipped(world, &loaded);
    if (!loaded.unverified)
        (void)save(world, client, loaded.changed ? &loaded.accepted : NULL);
    put_in_force(world, client, &loaded);
}

void model_start(struct model *world, int which)
{
    struct model_client *client = &world->clients[which];

    memset(client, 0, sizeof *client);
    client->memory = world->stored;
    client->roots = world->app.roots;
    read_store(world, client);
}

/* Once the roots are here, what is stored and could not be verified becomes the baseline. */
static bool recover_store(struct model *world, struct model_client *client)
{
    struct loaded loaded = {.unverified = true};

    if (!client->unverified || client->seen.accepted.timestamp == 0 || client->seen.accepted_bad)
        return true;
    if (client->seen.accepted.root > client->roots)
        return !model_kept(world, MODEL_ROOT_NAMED);
    loaded.accepted = client->seen.accepted;
    keep_running(world, client, &loaded);
    take_shipped(world, &loaded);
    put_in_force(world, client, &loaded);
    return true;
}

/* ---- a poll ---- */

static bool request(struct model *world, struct model_poll *poll)
{
    int other = 1 - poll->client;

    if (++poll->made == poll->race) {
        struct model_poll honest = {other,    world->root_count, world->now_timestamp, false, MODEL_WHOLE, -1, 0, 0,
                                    MODEL_OK, MODEL_OK};
        model_poll(world, &honest);
        poll->raced = honest.outcome;
    }
    return poll->requests < 0 || poll->made <= poll->requests;
}

static enum model_outcome fetch_head(struct model *world, struct model_client *client, struct model_poll *poll,
                                     bool *start_over)
{
    if (!request(world, poll))
        return MODEL_NETWORK_FAILED;
    while (client->roots < poll->root) {
        client->roots++;
        client->behind = 1;
        if (client->unverified || !model_kept(world, MODEL_ROOTS_AT_ONCE))
            continue;
        *start_over = moved(world, client);
        if (*start_over)
            return MODEL_OK;
        if (!save(world, client, NULL))
            return MODEL_STORAGE_FAILED;
    }
    return poll->forged_root ? MODEL_REJECTED : MODEL_OK;
}

static enum model_outcome check_zones(const struct model *world, const struct model_poll *poll, bool fetched,
                                      int timestamp)
{
    const struct model_targets *targets = model_targets_of(world, timestamp);

    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, timestamp, z);
        bool last = targets->delegated >> z == 1;

        if (!bit(targets->delegated, z))
            continue;
        if (zone == NULL && model_kept(world, MODEL_ZONES_LISTED))
            return MODEL_REJECTED;
        if (fetched && poll->body == MODEL_WITHOUT_ZONE && last)
            return MODEL_NETWORK_FAILED;
        if (zone != NULL && !verifies(world, zone->key, targets->zone_key[z]))
            return MODEL_REJECTED;
    }
    return MODEL_OK;
}

/* Snapshot, targets and zones that the timestamp names. */
static enum model_outcome check_contents(const struct model *world, const struct model_client *client,
                                         const struct model_poll *poll, bool fetched, int timestamp, int now)
{
    const int *keys = world->roots[client->roots].key;
    const struct model_snapshot *snapshot = snapshot_of(world, timestamp);
    const struct model_targets *targets = model_targets_of(world, timestamp);

    if (!verifies(world, snapshot->key, keys[MODEL_SNAPSHOT]) || now >= snapshot->expires)
        return MODEL_REJECTED;
    if (baseline_holds(world, &client->force, client->roots) &&
        !snapshot_succeeds(world, client->force.timestamp, timestamp))
        return MODEL_REJECTED;
    if (fetched && poll->body == MODEL_OTHER_TARGETS)
        return MODEL_REJECTED;
    if (!verifies(world, targets->key, keys[MODEL_TARGETS]) || now >= targets->expires)
        return MODEL_REJECTED;
    return check_zones(world, poll, fetched, timestamp);
}

/* The timestamp in force after taking this one, or 0.  Sets metadata time. */
static int check_timestamp(const struct model *world, const struct model_client *client, int offered, int *now)
{
    const struct model_root *root = &world->roots[client->roots];
    const struct model_generation *force = &client->force;
    bool baseline = baseline_holds(world, force, client->roots);
    int taken = offered;

    *now = local_clock(world);
    if (force->timestamp != 0 && (force->root == client->roots ||
                                  verifies(world, world->timestamps[force->timestamp].key, root->key[MODEL_TIMESTAMP])))
        *now = larger(*now, force->issued);
    if (*now >= root->expires || !verifies(world, world->timestamps[offered].key, root->key[MODEL_TIMESTAMP]))
        return 0;
    if (baseline && !timestamp_succeeds(world, force->timestamp, offered))
        return 0;
    if (baseline && world->timestamps[offered].version == world->timestamps[force->timestamp].version)
        taken = force->timestamp;
    if (world->timestamps[taken].issued <= local_clock(world) + MODEL_CLOCK_AHEAD_MAX)
        *now = larger(*now, world->timestamps[taken].issued);
    return *now < world->timestamps[taken].expires && *now < root->expires ? taken : 0;
}

static enum model_outcome accept(struct model *world, struct model_client *client, int timestamp, bool *start_over)
{
    struct model_generation next = {.timestamp = timestamp, .root = client->roots};

    next.issued = world->timestamps[timestamp].issued;
    if (next.issued > local_clock(world) + MODEL_CLOCK_AHEAD_MAX)
        next.issued = -1;
    if (!apply(world, &client->force, &next))
        return MODEL_REJECTED;
    if (client->force.timestamp == timestamp && client->force.root == next.root && !client->force.shipped &&
        !client->unverified)
        return MODEL_OK; /* nothing new */
    next.accepted_at = local_clock(world);
    inherit(world, &client->force, &next);
    *start_over = moved(world, client);
    if (*start_over)
        return MODEL_OK;
    if (!save(world, client, &next))
        return MODEL_STORAGE_FAILED;
    client->force = next;
    client->unverified = 0;
    model_notice(world, client);
    return MODEL_OK;
}

static enum model_outcome follow(struct model *world, struct model_client *client, struct model_poll *poll,
                                 bool *start_over)
{
    enum model_outcome outcome = MODEL_OK;
    int now, timestamp = check_timestamp(world, client, poll->timestamp, &now);
    bool fetched;

    if (timestamp == 0)
        return MODEL_REJECTED;
    client->named = world->timestamps[timestamp].snapshot;
    client->named_root = client->roots;
    fetched = client->force.timestamp == 0 || client->named != world->timestamps[client->force.timestamp].snapshot;
    if (fetched)
        client->behind = 1;
    if (fetched && !model_kept(world, MODEL_VERIFIED_FIRST) && write_file(world))
        world->store.accepted_bad = client->seen.accepted_bad = 1; /* a timestamp without what it names */
    if (fetched && !request(world, poll))
        outcome = MODEL_NETWORK_FAILED;
    if (outcome == MODEL_OK)
        outcome = check_contents(world, client, poll, fetched, timestamp, now);
    if (outcome == MODEL_OK)
        outcome = accept(world, client, timestamp, start_over);
    if (!*start_over)
        client->behind = outcome != MODEL_OK;
    return outcome;
}

static enum model_outcome poll_once(struct model *world, struct model_client *client, struct model_poll *poll,
                                    bool *start_over)
{
    enum model_outcome outcome;

    *start_over = moved(world, client);
    if (*start_over)
        return MODEL_OK;
    outcome = fetch_head(world, client, poll, start_over);
    if (outcome != MODEL_OK || *start_over)
        return outcome;
    if (!recover_store(world, client))
        return MODEL_REJECTED;
    return follow(world, client, poll, start_over);
}

void model_poll(struct model *world, struct model_poll *poll)
{
    struct model_client *client = &world->clients[poll->client];
    bool start_over = true;

    poll->made = 0;
    for (int i = 0; i < 4 && start_over; i++) {
        poll->outcome = poll_once(world, client, poll, &start_over);
        if (start_over)
            read_store(world, client);
    }
    if (start_over)
        poll->outcome = MODEL_STORAGE_FAILED;
}

/* ---- what the application sees ---- */

enum model_state model_state(const struct model *world, const struct model_client *client)
{
    const struct model_generation *force = &client->force;
    int now = larger(local_clock(world), force->issued);
    bool fresh;

    if (client->unverified)
        return MODEL_UNVERIFIED;
    if (force->timestamp == 0)
        return MODEL_NONE;
    fresh = now < world->timestamps[force->timestamp].expires && now < snapshot_of(world, force->timestamp)->expires &&
            now < model_targets_of(world, force->timestamp)->expires;
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (bit(model_targets_of(world, force->timestamp)->delegated, z) && zone != NULL && now >= zone->expires)
            fresh = false;
    }
    return fresh && !(client->behind && model_kept(world, MODEL_BEHIND)) ? MODEL_FRESH : MODEL_STALE;
}

struct model_verdict model_check(const struct model *world, const struct model_client *client, int host, bool below)
{
    struct model_verdict verdict = {client->unverified ? MODEL_REFUSED : MODEL_UNLISTED, 0, 0};
    const struct model_generation *force = &client->force;
    const struct model_targets *targets = model_targets_of(world, force->timestamp);
    const struct model_zone *zone = model_zone_of(world, force->timestamp, host);

    if (force->timestamp == 0 || !bit(targets->listed, host) || (below && !bit(targets->subdomains, host)))
        return verdict;
    verdict.charter_pin = host == 1 ? MODEL_CHARTER_PIN : 0;
    verdict.zone_pin = bit(targets->delegated, host) && zone != NULL ? zone->pin : 0;
    verdict.answer = verdict.charter_pin != 0 || verdict.zone_pin != 0 ? MODEL_PINNED : MODEL_NO_PIN;
    if (force->shipped &&
        larger(local_clock(world), force->issued) > world->timestamps[force->timestamp].issued + MODEL_SHIPPED_AGE_MAX)
        verdict.answer = MODEL_TOO_OLD;
    return verdict;
}
