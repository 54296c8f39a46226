/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of the client and its world: publisher, network attacker, thief of online keys, store, clock, applications that
 * are upgraded and downgraded, two processes on one store.  docs/design/0006-model.md says what it leaves out.
 *
 * The world is a plain value without pointers: assigning copies it, comparing bytes compares it.  Files are numbers: every
 * file that was ever signed stays in the world, 0 is "none", and equal numbers mean equal bytes.  A signature is the
 * number of the key that made it; key 0 is no key at all (what a thief below a threshold makes).  Times are days.
 *
 * Host and zone go together: host 0 belongs to zone 0, host 1 to zone 1.  Host 1 has a pin in the charter as well.
 */
#ifndef PINTLE_TESTS_MODEL_H
#define PINTLE_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_ZONES = 2, MODEL_CLIENTS = 2, MODEL_ROOTS_MAX = 24, MODEL_FILES_MAX = 64 };
enum { MODEL_CHARTER_PIN = 200, MODEL_THIEF_PIN = 201, MODEL_PINS_MAX = 199 };
enum { MODEL_SHIPPED_AGE_MAX = 180, MODEL_CLOCK_AHEAD_MAX = 1 };

/* Each can be taken out of the model, to see what it is good for. */
enum model_rule {
    /* TUF */
    MODEL_ROOT_SIGNED,
    MODEL_TIMESTAMP_SIGNED,
    MODEL_SNAPSHOT_SIGNED,
    MODEL_TARGETS_SIGNED,
    MODEL_ZONE_SIGNED,
    MODEL_HASHES,          /* what is fetched is what the snapshot lists */
    MODEL_UNEXPIRED,       /* of new metadata, except zone roles */
    MODEL_TIMESTAMP_RISES, /* timestamp, snapshot and what that lists: no lower version, fetched ... */
    MODEL_SNAPSHOT_RISES,
    MODEL_ROLES_RISE,
    MODEL_SHIPPED_TIMESTAMP_RISES, /* ... or shipped ... */
    MODEL_SHIPPED_ROLES_RISE,
    MODEL_NEW_ONLINE_KEYS, /* ... unless timestamp and snapshot keys were replaced */
    /* apply */
    MODEL_ROOT_RISES,
    MODEL_TARGETS_RISE,    /* 1 */
    MODEL_HOSTS_STAY,      /* 2: a listed host ... */
    MODEL_SUBDOMAINS_STAY, /* ... and its subdomains ... */
    MODEL_RELEASED_LEAVES, /* ... unless it is released */
    MODEL_ZONES_LISTED,    /* 3 */
    MODEL_ZONES_RISE,      /* 4: no lower version of a zone ... */
    MODEL_PAST_ZONES_RISE, /* ... or of one that was dropped ... */
    MODEL_NEW_ZONE_KEY,    /* ... unless its key was replaced */
    MODEL_NEW_PAST_KEY,
    /* time */
    MODEL_ISSUED_AT_ONCE,   /* an issue time binds what is taken with it ... */
    MODEL_ISSUED_BINDS,     /* ... and from then on: no time before an issue time that was taken ... */
    MODEL_ISSUED_INHERITED, /* ... be what follows issued before it ... */
    MODEL_ISSUED_ENDS,      /* ... for as long as the newest root accepts who said it */
    /* store */
    MODEL_ROOTS_AT_ONCE,      /* each new root is stored before anything else is asked for */
    MODEL_ROOTS_FIRST,        /* roots before accepted */
    MODEL_VERIFIED_FIRST,     /* accepted only when all of it has been verified */
    MODEL_UNVERIFIED_REFUSES, /* damaged is not absent */
    MODEL_ROOT_NAMED,         /* nothing is taken under an older root than the one accepted names */
    MODEL_STORE_COMPARED,     /* a process that finds it changed starts over */
    MODEL_KEEPS_RUNNING,      /* what is in force gives way only to what may follow it */
    /* state */
    MODEL_ZONES_EXPIRE,  /* a zone that has expired is not fresh */
    MODEL_BEHIND,        /* a newer manifest or root that is not in force yet is no freshness */
    MODEL_SHIPPED_RULES, /* a shipped charter newer than what is in force rules, though apply refuses the rest */
    MODEL_SHIPPED_ZONES, /* with the newer file of each zone */
    MODEL_SHIPPED_BINDS, /* and what follows may not roll it back */
    MODEL_RULES
};

enum model_role { MODEL_ROOT, MODEL_TARGETS, MODEL_SNAPSHOT, MODEL_TIMESTAMP, MODEL_ROLES };

struct model_root {
    int key[MODEL_ROLES];
    int expires;
};

/* targets.json and charter.json; hosts and zones are bits */
struct model_targets {
    int version, charter, key, expires;
    int listed, subdomains, released, released_subdomains;
    int delegated, zone_key[MODEL_ZONES];
};

/* a zone's role and its file */
struct model_zone {
    int zone, role_version, version, key, expires, pin;
};

struct model_snapshot {
    int version, key, expires, targets, zone[MODEL_ZONES]; /* zone 0: not listed */
};

struct model_timestamp {
    int version, key, expires, issued, snapshot;
};

/* What a client enforces and stores as accepted. */
struct model_generation {
    int timestamp, root, shipped, accepted_at, issued;
    int past_version[MODEL_ZONES], past_key[MODEL_ZONES];
};

/* What has been seen once and may not be lost: kept beside the model of the client, which knows nothing of it. */
struct model_memory {
    int hosts, subdomains; /* bits: had a policy */
    int targets, zone_version[MODEL_ZONES], zone_key[MODEL_ZONES];
    int role_version[MODEL_ZONES];
    int timestamp, snapshot, online_keys[2]; /* versions, and who signed timestamp and snapshot */
    int accepted_root, roots;
    int issued, issued_key;
    int lost; /* the store was damaged: all but the hosts is forgotten, and those with the next refresh */
};

struct model_store {
    int roots, roots_bad, accepted_bad; /* how many roots; 0: no such file */
    struct model_generation accepted;
};

/* What a client has accepted; the same with what only shipped, and rules for as long as this app runs. */
enum { MODEL_ACCEPTED, MODEL_WITH_APP, MODEL_MEMORIES };

struct model_client {
    int roots, unverified, behind;
    int unsaved; /* roots that could not be written */
    int apart;   /* what is in force did not come from what is stored */
    struct model_generation force;
    struct model_store seen; /* as last read or written */
    int named, named_root;   /* the snapshot that the last verified timestamp named: for the invariants */
    struct model_memory memory[MODEL_MEMORIES];
};

struct model_app {
    int roots, shipped, shipped_root; /* shipped: a timestamp, and all it names */
};

struct model {
    uint64_t without; /* bits of enum model_rule */
    int stolen;       /* bits: enum model_role, then zones from MODEL_ROLES on; the thief has every key of that role */
    int day, skew;    /* true time, and how far the clients' clock is off */
    int keys, pins;   /* given out so far */

    int root_count, targets_count, zone_count, snapshot_count, timestamp_count;
    struct model_root roots[MODEL_ROOTS_MAX];
    struct model_targets targets[MODEL_FILES_MAX];
    struct model_zone zones[MODEL_FILES_MAX];
    struct model_snapshot snapshots[MODEL_FILES_MAX];
    struct model_timestamp timestamps[MODEL_FILES_MAX];

    struct model_targets draft; /* the publisher's */
    int pin[MODEL_ZONES];
    int slipped, slipped_subdomains; /* left out of the charter without release */
    int now_targets, now_zone[MODEL_ZONES], now_timestamp;

    struct model_app app, first_app;
    struct model_store store, backup;
    struct model_memory stored, backed_up; /* of the installation: what a restart may not lose */
    int tampered;                          /* somebody damaged the store, and no refresh has succeeded since */
    int writes;                            /* that will still succeed; -1: all */
    struct model_client clients[MODEL_CLIENTS];
    const char *violation; /* the first, if there was one */
};

/* ---- looking at it: inline, for they are asked millions of times ---- */

static inline bool model_kept(const struct model *world, enum model_rule rule)
{
    return (world->without >> rule & 1u) == 0;
}

static inline int model_larger(int a, int b)
{
    return a > b ? a : b;
}

static inline bool model_bit(int bits, int index)
{
    return (bits >> index & 1) != 0;
}

static inline const struct model_snapshot *model_snapshot_of(const struct model *world, int timestamp)
{
    return &world->snapshots[world->timestamps[timestamp].snapshot];
}

static inline const struct model_targets *model_targets_of(const struct model *world, int timestamp)
{
    return &world->targets[model_snapshot_of(world, timestamp)->targets];
}

/* NULL if the snapshot does not list it. */
static inline const struct model_zone *model_zone_of(const struct model *world, int timestamp, int zone)
{
    int file = model_snapshot_of(world, timestamp)->zone[zone];

    return file != 0 ? &world->zones[file] : NULL;
}

/* ---- what may follow what (model_apply.c) ---- */

/* Are the versions of timestamp and snapshot in had a baseline under this root, and does next keep them? */
bool model_baseline_holds(const struct model *world, const struct model_generation *had, int root);
bool model_timestamp_succeeds(const struct model *world, int had, int next);
bool model_snapshot_succeeds(const struct model *world, int had, int next);

bool model_charter_succeeds(const struct model *world, const struct model_targets *had,
                            const struct model_targets *next);
bool model_apply(const struct model *world, const struct model_generation *had, const struct model_generation *next);
/* What outlives a generation: dropped zones, the issue time. */
void model_inherit(const struct model *world, const struct model_generation *had, struct model_generation *next);
/* Has the issue time of had still to be believed, under this root? */
bool model_issued_binds(const struct model *world, const struct model_generation *had, int root);

/* Whose charter rules while this generation is in force: that of its own timestamp, or of the one that shipped. */
int model_ruling(const struct model *world, const struct model_generation *force);
/* Whose file of a zone counts then; 0: nobody's. */
int model_ruling_zone(const struct model *world, const struct model_generation *force, int zone);
/* apply, and what shipped and rules is not lost. */
bool model_follows(const struct model *world, const struct model_generation *had, const struct model_generation *next);

/* ---- the client (model_client.c) ---- */

enum model_outcome { MODEL_OK, MODEL_NETWORK_FAILED, MODEL_REJECTED, MODEL_STORAGE_FAILED };

enum model_body { MODEL_WHOLE, MODEL_WITHOUT_ZONE, MODEL_OTHER_TARGETS };

/* One poll: what the network makes of it, and who comes in between. */
struct model_poll {
    int client;
    int root, timestamp;  /* offered: the roots up to this one, and this timestamp */
    bool forged_root;     /* then a root that no threshold signed */
    enum model_body body; /* the last zone is missing; other targets than the snapshot lists */
    int requests;         /* that are answered; -1: all */
    int race;             /* the other client polls during this request, 1 or 2; 0: it does not */
    int made;             /* requests so far */
    enum model_outcome outcome, raced;
};

void model_start(struct model *world, int client);
void model_poll(struct model *world, struct model_poll *poll);

enum model_state { MODEL_NONE, MODEL_UNVERIFIED, MODEL_STALE, MODEL_FRESH };
enum model_state model_state(const struct model *world, const struct model_client *client);

enum model_answer { MODEL_UNLISTED, MODEL_REFUSED, MODEL_PINNED, MODEL_NO_PIN, MODEL_TOO_OLD };
struct model_verdict {
    enum model_answer answer;
    int zone_pin, charter_pin; /* 0: none; for MODEL_PINNED */
};
/* What the client does with a host, or with a name below it. */
struct model_verdict model_check(const struct model *world, const struct model_client *client, int host, bool below);

int model_clock(const struct model *world); /* what the clients take for the day */

/* ---- the world around it (model_world.c, and a file for each who acts) ---- */

/* What one step did, for whoever does the same to the library. */
enum model_deed_kind { MODEL_STARTED, MODEL_POLLED, MODEL_WRITES, MODEL_APP, MODEL_CLOCK, MODEL_STORE };
enum model_damage {
    MODEL_LOSE_ROOTS,
    MODEL_DAMAGE_ROOTS,
    MODEL_DAMAGE_ACCEPTED,
    MODEL_DELETE,
    MODEL_BACK_UP,
    MODEL_RESTORE,
    MODEL_DAMAGES
};
struct model_deed {
    enum model_deed_kind kind;
    int value; /* which client, how many writes, which damage */
    struct model_poll poll;
};
struct model_deeds {
    struct model_deed items[8];
    size_t count;
};

struct model_action {
    int kind, a, b;
    bool poll; /* then client 0 polls, undisturbed */
};

struct model_kind {
    bool (*act)(struct model *world, const struct model_action *action, struct model_deeds *deeds);
    const char *name, *words[2]; /* in the name, '%' stands for a word, by a and by b */
    int search[2], walk[2];      /* how many values a and b have; 0 is 1 */
    int weight;                  /* in a random walk */
    bool publishes;              /* may be followed by a poll of client 0 */
};
extern const struct model_kind model_kinds[];
extern const int model_kind_count;

/* Two publications, and two clients that run, and hold nothing yet, or the second. */
enum model_beginning {
    MODEL_FRESH_CLIENTS,
    MODEL_EARLY,
    MODEL_LATE /* a hundred days later: a third publication, for zones and more had expired, and they hold that */
};
void model_init(struct model *world, uint64_t without, int stolen, enum model_beginning beginning,
                struct model_deeds *deeds);
/* false, and the world is to be thrown away: this action is not possible here.  deeds may be NULL. */
bool model_step(struct model *world, const struct model_action *action, struct model_deeds *deeds);
/*
 * The publisher replaces what is stolen, repairs what slipped and delegates every zone again; then every client polls,
 * undisturbed.
 */
void model_recover(struct model *world, struct model_deeds *deeds);
/* Every client starts again, under this app or the first one. */
void model_restart_all(struct model *world, bool first_app, struct model_deeds *deeds);
void model_print(const struct model_action *action, char *out, size_t size);

/* ---- what must hold (model_check.c) ---- */

/* Whenever something has come into force: judges and remembers it. */
void model_notice(struct model *world, struct model_client *client);
/* The same of a generation that a poll takes just now: it has not expired. */
void model_taken(struct model *world, const struct model_generation *taken);
/* The accepted that was stored is gone: who could not verify it never held it. */
void model_replaced(struct model *world, const struct model_memory *memory);
/* What shipped gives way to the store that it stood in for. */
void model_stood_in(const struct model *world, struct model_client *client);
/* Who takes over what another process stored takes over what that one remembers of dropped zones. */
void model_adopted(struct model *world, struct model_client *client, const struct model_generation *accepted);
/* After every step: NULL, or what has been violated. */
const char *model_violation(struct model *world);
/* After model_recover(): NULL, or what has been violated or not been recovered. */
const char *model_recovered(struct model *world);

#endif
