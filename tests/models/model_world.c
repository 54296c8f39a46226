/* SPDX-License-Identifier: Apache-2.0 */
/* What can happen, how it begins and how it is put right. */
#include "model_world.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define ZONES "0|1"
#define VERSIONS "the next|1|far ahead|far ahead and issued late"
const struct model_kind model_kinds[] = {
    {model_turn_clock, "clock: %", {"6 days pass|100 days pass|30 days slow|30 days fast|right"}, {4}, {5}, 4, false},
    {model_publish_pins, "publisher: new pin for zone %", {ZONES}, {2}, {2}, 8, true},
    {model_publish_host, "publisher: host % listed, or released if it was", {ZONES}, {2}, {2}, 6, true},
    {model_publish_omission, "publisher: host % left out by mistake", {ZONES}, {2}, {2}, 1, true},
    {model_publish_subdomains, "publisher: names below host % covered, or released", {ZONES}, {1}, {2}, 4, true},
    {model_publish_narrower, "publisher: names below host % left out by mistake", {ZONES}, {1}, {2}, 1, true},
    {model_publish_zone, "publisher: zone % dropped, or added again with its key", {ZONES}, {2}, {2}, 5, true},
    {model_publish_zone_key, "publisher: new key for zone %", {ZONES}, {1}, {2}, 4, true},
    {model_rotate, "publisher: new root, new keys for %%",
     {"root|targets|snapshot|timestamp|snapshot and timestamp, whose versions restart",
      "|; zone 0 dropped, or added again with its key"}, {5, 2}, {5, 2}, 6, true},
    {model_publish_again, "publisher: new snapshot and timestamp", {NULL}, {1}, {1}, 4, true},
    {model_poll_client, "client % polls%", {ZONES, "|, answers: 0|, answers: 1|, answers: 2"}, {1, 3}, {2, 4}, 12, false},
    {model_poll_full_disk, "client % polls, writes: %", {ZONES, "0|1|2|3"}, {1, 3}, {2, 4}, 4, false},
    {model_replay, "network: timestamp #-% again%, client polls",
     {"0|1|2|3|4|5|6|7|8|9|10|11", "|, no newer root|, to client 1|, to client 1, no newer root"},
     {5, 2}, {12, 4}, 10, false},
    {model_garble, "network: %, client % polls", {"body without a zone|body with other targets|forged root", ZONES},
     {3, 1}, {3, 2}, 3, false},
    {model_race, "client % polls%", {"0 (the timestamp before)|1 (the timestamp before)|0|1",
     ", the other comes in at the head|, the other comes in at the body"}, {1, 2}, {4, 2}, 5, false},
    {model_steal, "thief: snapshot and timestamp%, versions: %, client polls",
     {"|, oldest targets|, oldest file of zone 0|, oldest file of zone 1|, without zone 0|, without zone 1|, all "
      "oldest|, targets below threshold|, own file of zone 0|, own file of zone 1",
      VERSIONS "|" VERSIONS "|" VERSIONS ", zone too|" VERSIONS ", zone too"}, {10, 4}, {10, 16}, 14, false},
    {model_steal_timestamp, "thief: timestamp, snapshot #-%, versions: %, client polls",
     {"0|1|2|3|4|5", VERSIONS "|" VERSIONS}, {2, 4}, {6, 8}, 5, false},
    {model_restart, "client % restarts", {ZONES}, {1}, {2}, 6, false},
    {model_upgrade, "newer app with roots%, starts%",
     {"| and the current generation| and the last generation", "|, writes: 0|, writes: 1|, writes: 2"},
     {3, 3}, {3, 4}, 4, false},
    {model_downgrade, "first app again", {NULL}, {1}, {1}, 3, false},
    {model_damage, "store: %%", {"roots lost|roots damaged|accepted damaged|deleted|accepted backed up|accepted put back",
     "|, client 0 restarts"}, {6, 2}, {6, 2}, 4, false},
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
    return !action->poll || model_do_poll(world, model_honest_poll(world, 0), deeds);
}

static void poll_all(struct model *world, struct model_deeds *deeds)
{
    for (int i = 0; i < MODEL_CLIENTS; i++)
        (void)model_do_poll(world, model_honest_poll(world, i), deeds);
}

void model_init(struct model *world, uint64_t without, int stolen, enum model_beginning beginning,
                struct model_deeds *deeds)
{
    if (deeds != NULL)
        deeds->count = 0;
    memset(world, 0, sizeof *world);
    world->without = without;
    world->stolen = stolen;
    world->writes = -1;
    world->draft.delegated = 3;
    world->draft.listed = world->draft.subdomains = 1;
    world->draft.zone_key[0] = ++world->keys;
    world->draft.zone_key[1] = ++world->keys;
    model_next_root(world, 15);
    world->pin[0] = ++world->pins;
    world->pin[1] = ++world->pins;
    model_publish(world, false);
    world->draft.subdomains = 0;
    world->draft.released_subdomains = 1;
    world->pin[0] = ++world->pins;
    model_publish(world, false);
    world->app.roots = world->first_app.roots = 1;
    for (int i = 0; i < MODEL_CLIENTS; i++)
        model_start_client(world, i, deeds);
    if (beginning == MODEL_FRESH_CLIENTS)
        return;
    poll_all(world, deeds);
    if (beginning == MODEL_EARLY)
        return;
    (void)model_add_deed(deeds, MODEL_CLOCK, world->day += 100);
    model_publish(world, false);
    poll_all(world, deeds);
}

void model_restart_all(struct model *world, bool first_app, struct model_deeds *deeds)
{
    if (deeds != NULL)
        deeds->count = 0;
    if (first_app)
        world->app = world->first_app;
    model_start_all(world, deeds);
}

void model_recover(struct model *world, struct model_deeds *deeds)
{
    bool theft = world->stolen != 0;

    if (deeds != NULL)
        deeds->count = 0;
    world->skew = 0;
    (void)model_add_deed(deeds, MODEL_CLOCK, world->day);
    world->draft.listed |= world->slipped;
    world->draft.subdomains |= world->slipped_subdomains & world->draft.listed;
    world->slipped = world->slipped_subdomains = 0;
    world->draft.delegated = 3;
    if (theft) {
        model_next_root(world, 1 << MODEL_SNAPSHOT | 1 << MODEL_TIMESTAMP);
        world->draft.zone_key[0] = ++world->keys;
        world->draft.zone_key[1] = ++world->keys;
    }
    model_publish(world, theft);
    poll_all(world, deeds);
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
