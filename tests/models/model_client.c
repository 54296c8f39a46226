/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the model: what lib/client does with store and network, in the same order, without bytes. */
#include <string.h>

#include "model.h"

int model_clock(const struct model *world)
{
    return world->day + world->skew;
}

static bool verifies(const struct model *world, enum model_rule rule, int key, int expected)
{
    return key == expected || !model_kept(world, rule);
}

static bool expired(const struct model *world, int now, int expires)
{
    return now >= expires && model_kept(world, MODEL_UNEXPIRED);
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
        model_replaced(world, &client->memory[MODEL_ACCEPTED]);
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
        client->roots = model_larger(client->roots, client->seen.roots);
    if (client->seen.accepted_bad || client->seen.accepted.root > client->roots)
        problem(world, loaded);
    else
        loaded->accepted = client->seen.accepted;
}

static void keep_issued(const struct model *world, const struct model_client *client, struct loaded *loaded)
{
    if (!model_issued_binds(world, &client->force, client->roots) || client->force.issued <= loaded->accepted.issued)
        return;
    loaded->accepted.issued = client->force.issued;
    loaded->changed = true;
}

static void keep_running(const struct model *world, struct model_client *client, struct loaded *loaded)
{
    client->apart = 0;
    if (client->force.timestamp == 0 || !model_kept(world, MODEL_KEEPS_RUNNING))
        return;
    if (loaded->accepted.timestamp != 0 && client->unverified && client->force.shipped) {
        model_stood_in(world, client);
        return; /* what shipped stood in for a store that was not to be had */
    }
    if (loaded->accepted.timestamp != 0 && model_follows(world, &client->force, &loaded->accepted)) {
        keep_issued(world, client, loaded);
        return;
    }
    loaded->accepted = client->force;
    loaded->changed = true;
    client->apart = 1;
}

static void take_shipped(const struct model *world, struct loaded *loaded)
{
    struct model_generation next = {.timestamp = world->app.shipped, .root = world->app.shipped_root, .shipped = 1};

    if (next.timestamp == 0 || !model_apply(world, &loaded->accepted, &next))
        return;
    if (loaded->accepted.timestamp == next.timestamp && loaded->accepted.root == next.root)
        return;
    next.issued = world->timestamps[next.timestamp].issued;
    next.accepted_at = model_clock(world);
    model_inherit(world, &loaded->accepted, &next);
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
    client->memory[MODEL_ACCEPTED] = client->memory[MODEL_WITH_APP] = world->stored;
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
    if (!client->apart && memcmp(&client->seen, &world->store, sizeof client->seen) == 0)
        model_adopted(world, client, &loaded.accepted);
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
    if (poll->forged_root && model_kept(world, MODEL_ROOT_SIGNED))
        return MODEL_REJECTED;
    client->roots += poll->forged_root;
    return MODEL_OK;
}

static enum model_outcome check_zones(const struct model *world, const struct model_poll *poll, bool fetched,
                                      int timestamp)
{
    const struct model_targets *targets = model_targets_of(world, timestamp);

    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = model_zone_of(world, timestamp, z);
        bool last = targets->delegated >> z == 1;

        if (!model_bit(targets->delegated, z))
            continue;
        if (zone == NULL && model_kept(world, MODEL_ZONES_LISTED))
            return MODEL_REJECTED;
        if (fetched && poll->body == MODEL_WITHOUT_ZONE && last)
            return MODEL_NETWORK_FAILED;
        if (zone != NULL && !verifies(world, MODEL_ZONE_SIGNED, zone->key, targets->zone_key[z]))
            return MODEL_REJECTED;
    }
    return MODEL_OK;
}

/* Snapshot, targets and zones that the timestamp names. */
static enum model_outcome check_contents(const struct model *world, const struct model_client *client,
                                         const struct model_poll *poll, bool fetched, int timestamp, int now)
{
    const int *keys = world->roots[client->roots].key;
    const struct model_snapshot *snapshot = model_snapshot_of(world, timestamp);
    const struct model_targets *targets = model_targets_of(world, timestamp);

    if (!verifies(world, MODEL_SNAPSHOT_SIGNED, snapshot->key, keys[MODEL_SNAPSHOT]) ||
        expired(world, now, snapshot->expires))
        return MODEL_REJECTED;
    if (model_baseline_holds(world, &client->force, client->roots) &&
        !model_snapshot_succeeds(world, client->force.timestamp, timestamp))
        return MODEL_REJECTED;
    if (fetched && poll->body == MODEL_OTHER_TARGETS && model_kept(world, MODEL_HASHES))
        return MODEL_REJECTED;
    if (!verifies(world, MODEL_TARGETS_SIGNED, targets->key, keys[MODEL_TARGETS]) ||
        expired(world, now, targets->expires))
        return MODEL_REJECTED;
    return check_zones(world, poll, fetched, timestamp);
}

/* The timestamp in force after taking this one, or 0.  Sets metadata time. */
static int check_timestamp(const struct model *world, const struct model_client *client, int offered, int *now)
{
    const struct model_root *root = &world->roots[client->roots];
    const struct model_generation *force = &client->force;
    bool baseline = model_baseline_holds(world, force, client->roots);
    int taken = offered;

    *now = model_clock(world);
    if (model_issued_binds(world, force, client->roots))
        *now = model_larger(*now, force->issued);
    if (expired(world, *now, root->expires) ||
        !verifies(world, MODEL_TIMESTAMP_SIGNED, world->timestamps[offered].key, root->key[MODEL_TIMESTAMP]))
        return 0;
    if (baseline && world->timestamps[offered].version == world->timestamps[force->timestamp].version)
        taken = force->timestamp;
    else if (baseline && !model_timestamp_succeeds(world, force->timestamp, offered))
        return 0;
    if (world->timestamps[taken].issued <= model_clock(world) + MODEL_CLOCK_AHEAD_MAX &&
        model_kept(world, MODEL_ISSUED_AT_ONCE))
        *now = model_larger(*now, world->timestamps[taken].issued);
    return expired(world, *now, world->timestamps[taken].expires) || expired(world, *now, root->expires) ? 0 : taken;
}

/* Contents that no snapshot lists: as if nobody had signed one that does. */
static int mixed(struct model *world, int timestamp)
{
    struct model_snapshot snapshot = *model_snapshot_of(world, timestamp);

    snapshot.key = 0;
    snapshot.targets = 1;
    world->snapshots[++world->snapshot_count] = snapshot;
    world->timestamps[++world->timestamp_count] = world->timestamps[timestamp];
    world->timestamps[world->timestamp_count].snapshot = world->snapshot_count;
    return world->timestamp_count;
}

static enum model_outcome accept(struct model *world, struct model_client *client, int timestamp, bool *start_over)
{
    struct model_generation next = {.timestamp = timestamp, .root = client->roots};

    next.issued = world->timestamps[timestamp].issued;
    if (next.issued > model_clock(world) + MODEL_CLOCK_AHEAD_MAX)
        next.issued = -1;
    if (!model_follows(world, &client->force, &next))
        return MODEL_REJECTED;
    if (client->force.timestamp == timestamp && client->force.root == next.root && !client->force.shipped &&
        !client->unverified)
        return MODEL_OK; /* nothing new */
    next.accepted_at = model_clock(world);
    model_inherit(world, &client->force, &next);
    *start_over = moved(world, client);
    if (*start_over)
        return MODEL_OK;
    if (!save(world, client, &next))
        return MODEL_STORAGE_FAILED;
    client->force = next;
    client->unverified = 0;
    model_taken(world, &next);
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
    if (outcome == MODEL_OK && fetched && poll->body == MODEL_OTHER_TARGETS)
        timestamp = mixed(world, timestamp);
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
    int now = model_kept(world, MODEL_ISSUED_BINDS) ? model_larger(model_clock(world), force->issued)
                                                    : model_clock(world);
    bool fresh;

    if (client->unverified)
        return MODEL_UNVERIFIED;
    if (force->timestamp == 0)
        return MODEL_NONE;
    fresh = now < world->timestamps[force->timestamp].expires &&
            now < model_snapshot_of(world, force->timestamp)->expires &&
            now < model_targets_of(world, force->timestamp)->expires && model_ruling(world, force) == force->timestamp;
    for (int z = 0; z < MODEL_ZONES && model_kept(world, MODEL_ZONES_EXPIRE); z++) {
        const struct model_zone *zone = model_zone_of(world, force->timestamp, z);
        if (model_bit(model_targets_of(world, force->timestamp)->delegated, z) && zone != NULL && now >= zone->expires)
            fresh = false;
    }
    return fresh && !(client->behind && model_kept(world, MODEL_BEHIND)) ? MODEL_FRESH : MODEL_STALE;
}

static bool too_old(const struct model *world, const struct model_generation *force, int timestamp)
{
    if (timestamp == force->timestamp && !force->shipped)
        return false;
    return model_larger(model_clock(world), force->issued) >
           world->timestamps[timestamp].issued + MODEL_SHIPPED_AGE_MAX;
}

struct model_verdict model_check(const struct model *world, const struct model_client *client, int host, bool below)
{
    struct model_verdict verdict = {client->unverified ? MODEL_REFUSED : MODEL_UNLISTED, 0, 0};
    const struct model_generation *force = &client->force;
    int ruling = model_ruling(world, force), zone = model_ruling_zone(world, force, host);
    const struct model_targets *targets = model_targets_of(world, ruling);

    if (force->timestamp == 0 || !model_bit(targets->listed, host) || (below && !model_bit(targets->subdomains, host)))
        return verdict;
    verdict.charter_pin = host == 1 ? MODEL_CHARTER_PIN : 0;
    verdict.zone_pin = zone != 0 ? model_zone_of(world, zone, host)->pin : 0;
    verdict.answer = verdict.charter_pin != 0 || verdict.zone_pin != 0 ? MODEL_PINNED : MODEL_NO_PIN;
    if (too_old(world, force, zone != 0 ? zone : ruling))
        verdict.answer = MODEL_TOO_OLD;
    return verdict;
}
