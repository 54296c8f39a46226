/* SPDX-License-Identifier: Apache-2.0 */
/* The world of the model: the publisher with its slips, the thief, the network, the applications, the store, the clock. */
#include <stdio.h>
#include <string.h>

#include "model.h"

enum { ROOT_DAYS = 365, TARGETS_DAYS = 365, ZONE_DAYS = 90, SNAPSHOT_DAYS = 7, TIMESTAMP_DAYS = 3 };
enum { FAR_AHEAD = 1000, ONLINE = MODEL_ROLES };

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

static int sign_targets(struct model *world, int key)
{
    struct model_targets file = world->draft;

    file.key = key;
    file.expires = world->day + TARGETS_DAYS;
    return keep(world->targets, &world->targets_count, sizeof file, &file);
}

static int sign_zone(struct model *world, int zone, int role_version, int version, int pin)
{
    struct model_zone file = {zone, role_version, version, world->draft.zone_key[zone], world->day + ZONE_DAYS, pin};

    return keep(world->zones, &world->zone_count, sizeof file, &file);
}

/* Signed with the online keys of the newest root. */
static int sign_online(struct model *world, int version, int snapshot_version, int ahead, int targets,
                       const int zone[MODEL_ZONES])
{
    const int *keys = world->roots[world->root_count].key;
    struct model_snapshot snapshot = {
        snapshot_version, keys[MODEL_SNAPSHOT], world->day + SNAPSHOT_DAYS, targets, {zone[0], zone[1]}};
    struct model_timestamp timestamp = {version, keys[MODEL_TIMESTAMP], world->day + TIMESTAMP_DAYS, world->day + ahead,
                                        0};

    timestamp.snapshot = keep(world->snapshots, &world->snapshot_count, sizeof snapshot, &snapshot);
    return keep(world->timestamps, &world->timestamp_count, sizeof timestamp, &timestamp);
}

static const struct model_timestamp *timestamp_now(const struct model *world)
{
    return &world->timestamps[world->now_timestamp];
}

static int snapshot_version_now(const struct model *world)
{
    return world->snapshots[timestamp_now(world)->snapshot].version;
}

/* ---- the publisher ---- */

static void next_root(struct model *world, int new_keys)
{
    struct model_root next = world->roots[world->root_count];

    for (int role = 0; role < MODEL_ROLES; role++)
        if ((new_keys >> role & 1) != 0)
            next.key[role] = ++world->keys;
    next.expires = world->day + ROOT_DAYS;
    world->roots[++world->root_count] = next;
}

/* Everything that changed or expired, then snapshot and timestamp; their versions may start again. */
static void publish(struct model *world, bool restart)
{
    const struct model_targets *last;

    if (world->roots[world->root_count].expires <= world->day)
        next_root(world, 0);
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *zone = &world->zones[world->now_zone[z]];
        int version = zone->version + (zone->pin != world->pin[z]);

        if (version != zone->version || zone->key != world->draft.zone_key[z] || zone->expires <= world->day)
            world->now_zone[z] = sign_zone(world, z, zone->role_version + 1, version, world->pin[z]);
    }
    last = &world->targets[world->now_targets];
    world->draft.key = world->roots[world->root_count].key[MODEL_TARGETS];
    world->draft.expires = last->expires;
    world->draft.version = last->version;
    world->draft.charter = last->charter;
    if (memcmp(&world->draft, last, sizeof *last) != 0 || last->expires <= world->day) {
        world->draft.version++;
        world->draft.charter += last->listed != world->draft.listed || last->subdomains != world->draft.subdomains ||
                                last->released != world->draft.released ||
                                last->released_subdomains != world->draft.released_subdomains;
        world->now_targets = sign_targets(world, world->draft.key);
    }
    world->now_timestamp = sign_online(world, restart ? 1 : timestamp_now(world)->version + 1,
                                       restart ? 1 : snapshot_version_now(world) + 1, 0, world->now_targets,
                                       world->now_zone);
}

static bool publish_pins(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)deeds;
    if (world->pins == MODEL_PINS_MAX)
        return false;
    world->pin[action->a] = ++world->pins;
    publish(world, false);
    return true;
}

static bool publish_host(struct model *world, const struct model_action *action, struct model_deeds *deeds)
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
    publish(world, false);
    return true;
}

static bool publish_omission(struct model *world, const struct model_action *action, struct model_deeds *deeds)
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
    publish(world, false);
    return true;
}

static bool publish_subdomains(struct model *world, const struct model_action *action, struct model_deeds *deeds)
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
    publish(world, false);
    return true;
}

static bool publish_narrower(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    int host = 1 << action->a;

    (void)deeds;
    if ((world->draft.subdomains & host) == 0)
        return false;
    world->slipped_subdomains |= host;
    world->draft.subdomains &= ~host;
    publish(world, false);
    return true;
}

static bool publish_zone(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)deeds;
    world->draft.delegated ^= 1 << action->a;
    publish(world, false);
    return true;
}

static bool publish_zone_key(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)deeds;
    world->draft.delegated |= 1 << action->a;
    world->draft.zone_key[action->a] = ++world->keys;
    publish(world, false);
    return true;
}

static bool rotate(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    bool both = action->a == ONLINE;

    (void)deeds;
    if (action->b == 1)
        world->draft.delegated ^= 1;
    next_root(world, both ? 1 << MODEL_SNAPSHOT | 1 << MODEL_TIMESTAMP : 1 << action->a);
    publish(world, both);
    return true;
}

static bool publish_again(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)action;
    (void)deeds;
    publish(world, false);
    return true;
}

/* ---- the network, and a thief who owns it ---- */

static struct model_deed *add_deed(struct model_deeds *deeds, enum model_deed_kind kind, int value)
{
    static struct model_deed nowhere;
    struct model_deed *deed = deeds != NULL ? &deeds->items[deeds->count++] : &nowhere;

    *deed = (struct model_deed){.kind = kind, .value = value};
    return deed;
}

static struct model_poll honest_poll(const struct model *world, int client)
{
    return (struct model_poll){
        .client = client, .root = world->root_count, .timestamp = world->now_timestamp, .requests = -1};
}

static bool do_poll(struct model *world, struct model_poll poll, struct model_deeds *deeds)
{
    model_poll(world, &poll);
    add_deed(deeds, MODEL_POLLED, poll.client)->poll = poll;
    return true;
}

/* a: which client; b: how many requests are answered. */
static bool poll_client(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = honest_poll(world, action->a);

    poll.requests = action->b - 1;
    return do_poll(world, poll, deeds);
}

/* a: which client; b: how many writes succeed.  A crash is this, then a restart. */
static bool poll_full_disk(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    bool possible;

    add_deed(deeds, MODEL_WRITES, world->writes = action->b);
    possible = do_poll(world, honest_poll(world, action->a), deeds);
    add_deed(deeds, MODEL_WRITES, world->writes = -1);
    return possible;
}

/* a: which of the files served before, 0 is the newest; b: with the newest root (0), or none (1); +2: to client 1. */
static bool replay(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = honest_poll(world, action->b >> 1);

    poll.timestamp = world->timestamp_count - action->a;
    if ((action->b & 1) != 0)
        poll.root = 1;
    return poll.timestamp > 0 && do_poll(world, poll, deeds);
}

/* a: a zone is missing, other targets, a forged root; b: which client. */
static bool garble(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = honest_poll(world, action->b);

    if (action->a == 0)
        poll.body = MODEL_WITHOUT_ZONE;
    else if (action->a == 1)
        poll.body = MODEL_OTHER_TARGETS;
    else
        poll.forged_root = true;
    return (action->a != 1 || world->now_targets > 1) && do_poll(world, poll, deeds);
}

/* Client a & 1 is given the file before the newest (or the newest: a & 2) while the other polls, during request b + 1. */
static bool race(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = honest_poll(world, action->a & 1);

    if ((action->a & 2) == 0)
        poll.timestamp--;
    poll.race = action->b + 1;
    return poll.timestamp > 0 && do_poll(world, poll, deeds);
}

static bool stolen(const struct model *world, int role)
{
    return (world->stolen >> role & 1) != 0;
}

/* The oldest file of a zone that its key, as the targets name it, has signed; 0 if there is none. */
static int oldest_zone(const struct model *world, int targets, int zone)
{
    for (int i = 1; i <= world->zone_count; i++)
        if (world->zones[i].zone == zone && world->zones[i].key == world->targets[targets].zone_key[zone])
            return i;
    return 0;
}

/*
 * a: what the snapshot names instead of what is current: 0 nothing else; 1 the oldest targets; 2, 3 the oldest file of a
 * zone; 4, 5 no file of a zone; 6 the oldest of everything; 7 targets below the threshold that release all hosts;
 * 8, 9 a zone file of the thief's own.  b & 3: versions: the next, from the start, far ahead, far ahead and a day early;
 * b & 4: to client 1; b & 8: the zone file of 8 and 9 has a version far ahead.
 */
static bool steal(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = honest_poll(world, action->b >> 2 & 1);
    int mode = action->b & 3, targets = world->now_targets, zone[MODEL_ZONES];
    int base = mode == 0 ? timestamp_now(world)->version : mode == 1 ? 0 : FAR_AHEAD;
    int snapshot_base = mode == 0 ? snapshot_version_now(world) : base;

    if (!stolen(world, MODEL_TIMESTAMP) || !stolen(world, MODEL_SNAPSHOT))
        return false;
    if (action->a == 1 || action->a == 6)
        targets = 1;
    if (action->a == 7) {
        struct model_targets honest = world->draft;
        world->draft.released |= honest.listed;
        world->draft.listed = 0;
        world->draft.version++;
        targets = sign_targets(world, 0);
        world->draft = honest;
    }
    for (int z = 0; z < MODEL_ZONES; z++) {
        const struct model_zone *now = &world->zones[world->now_zone[z]];
        bool fits = now->key == world->targets[targets].zone_key[z];
        zone[z] = action->a == 2 + z || action->a == 6 || !fits ? oldest_zone(world, targets, z) : world->now_zone[z];
        if (action->a == 4 + z)
            zone[z] = 0;
        if (action->a != 8 + z)
            continue;
        if (!stolen(world, MODEL_ROLES + z))
            return false;
        zone[z] = sign_zone(world, z, now->role_version + 1,
                            (action->b & 8) != 0 ? FAR_AHEAD + now->version : now->version + 1, MODEL_THIEF_PIN);
    }
    poll.timestamp = sign_online(world, base + 1, snapshot_base + 1, mode == 3, targets, zone);
    return do_poll(world, poll, deeds);
}

/* With the timestamp key alone: a new timestamp for snapshot a (0: the newest there is); b as above, without 8. */
static bool steal_timestamp(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    struct model_poll poll = honest_poll(world, action->b >> 2 & 1);
    int mode = action->b & 3;
    struct model_timestamp forged = {1 + (mode == 0   ? timestamp_now(world)->version
                                          : mode == 1 ? 0
                                                      : FAR_AHEAD),
                                     world->roots[world->root_count].key[MODEL_TIMESTAMP], world->day + TIMESTAMP_DAYS,
                                     world->day + (mode == 3), world->snapshot_count - action->a};

    if (!stolen(world, MODEL_TIMESTAMP) || forged.snapshot <= 0)
        return false;
    poll.timestamp = keep(world->timestamps, &world->timestamp_count, sizeof forged, &forged);
    return do_poll(world, poll, deeds);
}

/* ---- the machine of the user ---- */

static void start(struct model *world, int client, struct model_deeds *deeds)
{
    model_start(world, client);
    (void)add_deed(deeds, MODEL_STARTED, client);
}

static bool restart(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    start(world, action->a, deeds);
    return true;
}

static void start_all(struct model *world, struct model_deeds *deeds)
{
    (void)add_deed(deeds, MODEL_APP, 0);
    for (int i = 0; i < MODEL_CLIENTS; i++)
        start(world, i, deeds);
}

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
static bool upgrade(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    int shipped = action->a == 1 ? world->now_timestamp : world->timestamp_count;

    if (action->a == 2 && (shipped == world->now_timestamp || !verifies(world, shipped)))
        return false;
    world->app.roots = world->root_count;
    if (action->a > 0) {
        world->app.shipped = shipped;
        world->app.shipped_root = world->root_count;
    }
    (void)add_deed(deeds, MODEL_WRITES, world->writes = action->b - 1);
    start_all(world, deeds);
    (void)add_deed(deeds, MODEL_WRITES, world->writes = -1);
    return true;
}

static bool downgrade(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    (void)action;
    if (memcmp(&world->app, &world->first_app, sizeof world->app) == 0)
        return false;
    world->app = world->first_app;
    start_all(world, deeds);
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
static bool damage(struct model *world, const struct model_action *action, struct model_deeds *deeds)
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
    (void)add_deed(deeds, MODEL_STORE, action->a);
    if (action->b == 1)
        start(world, 0, deeds);
    return true;
}

/* a: 4 or 100 days pass, the clock is 30 days slow, 30 days fast, right. */
static bool turn_clock(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    static const int passes[] = {4, 100, 0, 0, 0}, skews[] = {0, 0, -30, 30, 0};

    if (action->a < 2)
        world->day += passes[action->a];
    else
        world->skew = skews[action->a];
    (void)add_deed(deeds, MODEL_CLOCK, world->day + world->skew);
    return true;
}

/* ---- steps ---- */

/* clang-format off */
#define ZONES "0|1"
#define VERSIONS "the next|1|far ahead|far ahead and issued a day early"
const struct model_kind model_kinds[] = {
    {publish_pins, "publisher: new pin for zone %", {ZONES}, {2}, {2}, 8, true},
    {publish_host, "publisher: host % listed, or released if it was", {ZONES}, {2}, {2}, 6, true},
    {publish_omission, "publisher: host % left out by mistake", {ZONES}, {2}, {2}, 1, true},
    {publish_subdomains, "publisher: names below host % covered, or released", {ZONES}, {1}, {2}, 4, true},
    {publish_narrower, "publisher: names below host % left out by mistake", {ZONES}, {1}, {2}, 1, true},
    {publish_zone, "publisher: zone % dropped, or added again with its key", {ZONES}, {2}, {2}, 5, true},
    {publish_zone_key, "publisher: new key for zone %", {ZONES}, {1}, {2}, 4, true},
    {rotate, "publisher: new root, new keys for %%",
     {"root|targets|snapshot|timestamp|snapshot and timestamp, whose versions restart",
      "|; zone 0 dropped, or added again with its key"}, {5, 2}, {5, 2}, 6, true},
    {publish_again, "publisher: new snapshot and timestamp", {NULL}, {1}, {1}, 4, true},
    {poll_client, "client % polls%", {ZONES, "|, answers: 0|, answers: 1|, answers: 2"}, {1, 3}, {2, 4}, 12, false},
    {poll_full_disk, "client % polls, writes: %", {ZONES, "0|1|2|3"}, {1, 3}, {2, 4}, 4, false},
    {replay, "network: timestamp #-% again%, client polls",
     {"0|1|2|3|4|5|6|7|8|9|10|11", "|, no newer root|, to client 1|, to client 1, no newer root"},
     {5, 2}, {12, 4}, 10, false},
    {garble, "network: %, client % polls", {"body without a zone|body with other targets|forged root", ZONES},
     {3, 1}, {3, 2}, 3, false},
    {race, "client % polls%", {"0 (the timestamp before)|1 (the timestamp before)|0|1",
     ", the other comes in at the head|, the other comes in at the body"}, {1, 2}, {4, 2}, 5, false},
    {steal, "thief: snapshot and timestamp%, versions: %, client polls",
     {"|, oldest targets|, oldest file of zone 0|, oldest file of zone 1|, without zone 0|, without zone 1|, all "
      "oldest|, targets below threshold|, own file of zone 0|, own file of zone 1",
      VERSIONS "|" VERSIONS "|" VERSIONS ", zone too|" VERSIONS ", zone too"}, {10, 3}, {10, 16}, 14, false},
    {steal_timestamp, "thief: timestamp, snapshot #-%, versions: %, client polls",
     {"0|1|2|3|4|5", VERSIONS "|" VERSIONS}, {2, 2}, {6, 8}, 5, false},
    {restart, "client % restarts", {ZONES}, {1}, {2}, 6, false},
    {upgrade, "newer app with roots%, starts%",
     {"| and the current generation| and the last generation", "|, writes: 0|, writes: 1|, writes: 2"},
     {2, 3}, {3, 4}, 4, false},
    {downgrade, "first app again", {NULL}, {1}, {1}, 3, false},
    {damage, "store: %%", {"roots lost|roots damaged|accepted damaged|deleted|accepted backed up|accepted put back",
     "|, client 0 restarts"}, {6, 2}, {6, 2}, 4, false},
    {turn_clock, "clock: %", {"4 days pass|100 days pass|30 days slow|30 days fast|right"}, {2}, {5}, 4, false},
};
/* clang-format on */
const int model_kind_count = (int)(sizeof model_kinds / sizeof model_kinds[0]);

static bool room_left(const struct model *world)
{
    return world->root_count + 3 < MODEL_ROOTS_MAX && world->targets_count + 4 < MODEL_FILES_MAX &&
           world->zone_count + 6 < MODEL_FILES_MAX && world->snapshot_count + 4 < MODEL_FILES_MAX &&
           world->timestamp_count + 4 < MODEL_FILES_MAX;
}

bool model_step(struct model *world, const struct model_action *action, struct model_deeds *deeds)
{
    const struct model_kind *kind = &model_kinds[action->kind];

    if (deeds != NULL)
        deeds->count = 0;
    if (!room_left(world) || !kind->act(world, action, deeds))
        return false;
    return !action->poll || do_poll(world, honest_poll(world, 0), deeds);
}

void model_init(struct model *world, unsigned without, int stolen_keys, bool fresh, struct model_deeds *deeds)
{
    if (deeds != NULL)
        deeds->count = 0;
    memset(world, 0, sizeof *world);
    world->without = without;
    world->stolen = stolen_keys;
    world->writes = -1;
    world->draft.delegated = 3;
    world->draft.listed = world->draft.subdomains = 1;
    world->draft.zone_key[0] = ++world->keys;
    world->draft.zone_key[1] = ++world->keys;
    next_root(world, 15);
    world->pin[0] = ++world->pins;
    world->pin[1] = ++world->pins;
    publish(world, false);
    world->draft.subdomains = 0;
    world->draft.released_subdomains = 1;
    world->pin[0] = ++world->pins;
    publish(world, false);
    world->app.roots = world->first_app.roots = 1;
    for (int i = 0; i < MODEL_CLIENTS; i++) {
        start(world, i, deeds);
        if (!fresh)
            (void)do_poll(world, honest_poll(world, i), deeds);
    }
}

void model_recover(struct model *world, struct model_deeds *deeds)
{
    bool theft = world->stolen != 0;

    if (deeds != NULL)
        deeds->count = 0;
    world->skew = 0;
    (void)add_deed(deeds, MODEL_CLOCK, world->day);
    world->draft.listed |= world->slipped;
    world->draft.subdomains |= world->slipped_subdomains & world->draft.listed;
    world->slipped = world->slipped_subdomains = 0;
    if (theft) {
        next_root(world, 1 << MODEL_SNAPSHOT | 1 << MODEL_TIMESTAMP);
        world->draft.zone_key[0] = ++world->keys;
        world->draft.zone_key[1] = ++world->keys;
    }
    publish(world, theft);
    for (int i = 0; i < MODEL_CLIENTS; i++) {
        (void)do_poll(world, honest_poll(world, i), deeds);
    }
}

/* The nth of some pieces separated by '|'. */
static size_t piece(const char *pieces, int n, const char **start)
{
    for (; n > 0; n--)
        pieces = strchr(pieces, '|') + 1;
    *start = pieces;
    return strcspn(pieces, "|");
}

void model_print(const struct model_action *action, char *out, size_t size)
{
    const struct model_kind *kind = &model_kinds[action->kind];
    const int values[] = {action->a, action->b};
    size_t used = 0, next = 0;

    for (const char *at = kind->name; *at != '\0'; at++) {
        const char *text = at;
        size_t length = *at == '%' ? piece(kind->words[next], values[next], &text) : 1;
        if (*at == '%')
            next++;
        if (used + length < size) {
            memcpy(out + used, text, length);
            used += length;
        }
    }
    out[used] = '\0';
    if (action->poll)
        (void)snprintf(out + used, size - used, "; client 0 polls");
}
