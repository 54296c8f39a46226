/* SPDX-License-Identifier: Apache-2.0 */
#include "explore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_BITS = 20, CHOICES_MAX = 256 };

/* States from which so many steps were looked at; a full place is taken over. */
struct seen {
    uint64_t hash;
    int depth;
};

struct search {
    struct seen *seen;
    struct model *path; /* one world for every step */
    struct model_action choices[CHOICES_MAX];
    int choice_count;
    struct explore_trace *trace;
    unsigned long states;
    bool recovery;
};

static uint64_t hash_of(const struct model *world)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15), word;
    const unsigned char *bytes = (const unsigned char *)world;

    for (size_t at = 0; at + sizeof word <= sizeof *world; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        if (word != 0)
            hash = (hash ^ word ^ at) * UINT64_C(0xff51afd7ed558ccd), hash ^= hash >> 32;
    }
    return hash;
}

static bool looked_at(struct search *search, const struct model *world, int depth)
{
    uint64_t hash = hash_of(world);
    struct seen *seen = &search->seen[hash >> (64 - SEEN_BITS)];

    if (seen->hash == hash && seen->depth >= depth)
        return true;
    *seen = (struct seen){hash, depth};
    return false;
}

static void add_choices(struct search *search, int kind)
{
    const int *values = model_kinds[kind].search;

    for (int a = 0; a < values[0]; a++)
        for (int b = 0; b == 0 || b < values[1]; b++)
            for (int poll = 0; poll <= model_kinds[kind].publishes; poll++)
                if (search->choice_count < CHOICES_MAX)
                    search->choices[search->choice_count++] = (struct model_action){kind, a, b, poll == 1};
}

const char *explore_judge(struct model *world)
{
    static struct model later;
    const char *violation = model_violation(world);

    if (violation != NULL)
        return violation;
    memcpy(&later, world, sizeof later);
    model_recover(&later, NULL);
    return model_recovered(&later);
}

static bool descend(struct search *search, int step, int depth)
{
    const struct model *world = &search->path[step];
    struct model *next = &search->path[step + 1];

    for (int i = 0; i < search->choice_count; i++) {
        memcpy(next, world, sizeof *next);
        if (!model_step(next, &search->choices[i], NULL))
            continue;
        search->states++;
        search->trace->actions[step] = search->choices[i];
        search->trace->count = step + 1;
        search->trace->violation = search->recovery ? explore_judge(next) : model_violation(next);
        if (search->trace->violation != NULL)
            return true;
        if (step + 1 < depth && !looked_at(search, next, depth - step - 1) && descend(search, step + 1, depth))
            return true;
    }
    return false;
}

bool explore_search(const struct model *start, int depth, bool recovery, struct explore_trace *trace,
                    unsigned long *states)
{
    struct search search = {.trace = trace, .recovery = recovery};
    bool found = false;

    *trace = (struct explore_trace){.count = 0};
    search.seen = calloc((size_t)1 << SEEN_BITS, sizeof *search.seen);
    search.path = calloc((size_t)depth + 1, sizeof *search.path);
    if (search.seen == NULL || search.path == NULL)
        abort();
    for (int kind = 0; kind < model_kind_count; kind++)
        add_choices(&search, kind);
    memcpy(&search.path[0], start, sizeof *start);
    (void)model_violation(&search.path[0]); /* remembers the start */
    for (int most = 1; most <= depth && !found; most++)
        found = descend(&search, 0, most);
    if (!found)
        trace->count = 0, trace->violation = NULL;
    *states = search.states;
    free(search.seen);
    free(search.path);
    return found;
}

/* splitmix64 */
uint64_t explore_random(uint64_t *seed)
{
    uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

int explore_below(uint64_t *seed, int bound)
{
    return bound > 1 ? (int)(explore_random(seed) % (uint64_t)bound) : 0;
}

void explore_begin(uint64_t *seed, struct model *world, struct model_deeds *deeds)
{
    static const int stolen[] = {0, 1 << MODEL_TIMESTAMP, 1 << MODEL_TIMESTAMP | 1 << MODEL_SNAPSHOT,
                                 1 << MODEL_TIMESTAMP | 1 << MODEL_SNAPSHOT | 1 << MODEL_ROLES,
                                 1 << MODEL_TIMESTAMP | 1 << MODEL_SNAPSHOT | 3 << MODEL_ROLES};
    int keys = stolen[explore_below(seed, (int)(sizeof stolen / sizeof stolen[0]))];

    model_init(world, 0, keys, (enum model_beginning)explore_below(seed, 3), deeds);
    (void)model_violation(world); /* remembers the start */
}

struct model_action explore_action(uint64_t *seed)
{
    struct model_action action = {0, 0, 0, false};
    int total = 0, drawn;

    for (int kind = 0; kind < model_kind_count; kind++)
        total += model_kinds[kind].weight;
    drawn = explore_below(seed, total);
    while (drawn >= model_kinds[action.kind].weight)
        drawn -= model_kinds[action.kind++].weight;
    action.a = explore_below(seed, model_kinds[action.kind].walk[0]);
    action.b = explore_below(seed, model_kinds[action.kind].walk[1]);
    action.poll = model_kinds[action.kind].publishes && explore_below(seed, 3) > 0;
    return action;
}

unsigned long explore_setting(const char *name, unsigned long normal)
{
    const char *text = getenv(name);

    return text != NULL ? strtoul(text, NULL, 10) : normal;
}

unsigned long explore_effort(void)
{
    return explore_setting("MODEL_EFFORT", MODEL_EFFORT);
}

/* clang-format off */
enum {
    TIMESTAMP_KEY = 1 << MODEL_TIMESTAMP,
    ONLINE_KEYS = TIMESTAMP_KEY | 1 << MODEL_SNAPSHOT,
    ALL_KEYS = ONLINE_KEYS | 3 << MODEL_ROLES
};
const struct explore_rule explore_rules[MODEL_RULES] = {
    {MODEL_ROOT_SIGNED, "TUF: root has its threshold", 0, MODEL_EARLY, false},
    {MODEL_TIMESTAMP_SIGNED, "TUF: timestamp has its threshold", 0, MODEL_EARLY, false},
    {MODEL_SNAPSHOT_SIGNED, "TUF: snapshot has its threshold", TIMESTAMP_KEY, MODEL_EARLY, false},
    {MODEL_TARGETS_SIGNED, "TUF: targets has its threshold", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_ZONE_SIGNED, "TUF: a zone has its threshold", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_HASHES, "TUF: what is taken is what the snapshot lists", 0, MODEL_FRESH_CLIENTS, false},
    {MODEL_UNEXPIRED, "TUF: nothing that has expired is taken", 0, MODEL_EARLY, false},
    {MODEL_TIMESTAMP_RISES, "TUF: timestamp never goes back", TIMESTAMP_KEY, MODEL_EARLY, false},
    {MODEL_SNAPSHOT_RISES, "TUF: snapshot never goes back", TIMESTAMP_KEY, MODEL_EARLY, false},
    {MODEL_ROLES_RISE, "TUF: nor does what snapshot lists", ONLINE_KEYS, MODEL_LATE, false},
    {MODEL_SHIPPED_TIMESTAMP_RISES, "TUF: nor does a timestamp that shipped", TIMESTAMP_KEY, MODEL_EARLY, false},
    {MODEL_SHIPPED_ROLES_RISE, "TUF: nor does what a snapshot that shipped lists", ONLINE_KEYS, MODEL_LATE, false},
    {MODEL_NEW_ONLINE_KEYS, "TUF: until timestamp or snapshot keys are replaced", ONLINE_KEYS, MODEL_EARLY, true},
    {MODEL_ROOT_RISES, "apply: the root of a manifest never goes back", 0, MODEL_EARLY, false},
    {MODEL_TARGETS_RISE, "apply 1: targets never go back", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_HOSTS_STAY, "apply 2: a host stays", 0, MODEL_EARLY, false},
    {MODEL_SUBDOMAINS_STAY, "apply 2: subdomains stay covered", 0, MODEL_EARLY, false},
    {MODEL_RELEASED_LEAVES, "apply 2: until they are released", 0, MODEL_EARLY, true},
    {MODEL_ZONES_LISTED, "apply 3: a delegated zone is there", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_ZONES_RISE, "apply 4: a zone never goes back", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_PAST_ZONES_RISE, "apply 4: nor does one that was dropped", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_NEW_ZONE_KEY, "apply 4: until its key is replaced", ALL_KEYS, MODEL_EARLY, true},
    {MODEL_NEW_PAST_KEY, "apply 4: that of a dropped one, too", ALL_KEYS, MODEL_EARLY, true},
    {MODEL_ISSUED_AT_ONCE, "time: an issue time binds what is taken with it", TIMESTAMP_KEY, MODEL_EARLY, false},
    {MODEL_ISSUED_BINDS, "time: an issue time that was taken has passed", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_ISSUED_INHERITED, "time: whatever is taken next", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_ISSUED_ENDS, "time: until the timestamp key is replaced", ONLINE_KEYS, MODEL_EARLY, true},
    {MODEL_ROOTS_AT_ONCE, "store: each root is stored at once", 0, MODEL_EARLY, false},
    {MODEL_ROOTS_FIRST, "store: roots before accepted", 0, MODEL_EARLY, false},
    {MODEL_VERIFIED_FIRST, "store: nothing but what is verified", 0, MODEL_EARLY, false},
    {MODEL_UNVERIFIED_REFUSES, "store: damaged is not absent", 0, MODEL_EARLY, false},
    {MODEL_ROOT_NAMED, "store: no root older than the one that accepted names", 0, MODEL_EARLY, false},
    {MODEL_STORE_COMPARED, "store: who finds it changed starts over", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_KEEPS_RUNNING, "store: a running client forgets nothing", 0, MODEL_EARLY, false},
    {MODEL_ZONES_EXPIRE, "state: a zone that has expired is not fresh", ONLINE_KEYS, MODEL_EARLY, false},
    {MODEL_BEHIND, "state: who knows of something newer is not fresh", 0, MODEL_EARLY, false},
    {MODEL_SHIPPED_RULES, "app: a shipped charter that is newer rules", ALL_KEYS, MODEL_EARLY, false},
    {MODEL_SHIPPED_ZONES, "app: with each zone's newer file", ALL_KEYS, MODEL_EARLY, false},
    {MODEL_SHIPPED_BINDS, "app: nor is it lost to what follows", ALL_KEYS, MODEL_FRESH_CLIENTS, false},
};
/* clang-format on */

bool explore_without(const struct explore_rule *rule, struct explore_trace *trace)
{
    enum { DEPTH = 3 };
    static struct model start;
    unsigned long states;

    model_init(&start, UINT64_C(1) << rule->rule, rule->stolen, rule->beginning, NULL);
    return explore_search(&start, DEPTH, rule->recovery, trace, &states);
}

void explore_print(const struct explore_trace *trace)
{
    char line[256];

    if (trace->seed != 0)
        printf("    MODEL_SEED=%" PRIu64 "\n", trace->seed);
    for (int i = 0; i < trace->count; i++) {
        model_print(&trace->actions[i], line, sizeof line);
        printf("    %d. %s\n", i + 1, line);
    }
    printf("    => %s\n", trace->violation != NULL ? trace->violation : "no violation");
}
