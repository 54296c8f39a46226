/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository in memory, with the transport, the store and the clock of a client beside it, so that a whole attack is
 * a short test:
 *
 *     struct sim *sim = sim_new();                       // root 1, 1 of 1 Ed25519 keys, zone "main", nothing published
 *     sim_add_host(sim, "api.example.com", "main");
 *     sim_add_pin(sim, "api.example.com", 1);            // in the zone: SHA-256 is 32 bytes of 1, spki, leaf
 *     sim_publish(sim);
 *     struct sim_files *old = sim_save(sim);             // what is served now
 *     sim_add_pin(sim, "api.example.com", 2);
 *     sim_publish(sim);
 *     ... client refresh ...
 *     sim_serve(sim, old);                               // the attacker replays
 *     ... client refresh fails, pins stay ...
 *
 * It refuses nothing: what a publisher would never sign, a thief of its keys does.  Everything may be set directly in
 * the structs before the next publication: versions (sim->snapshot_version = 1000), contents, expiries, who signs.
 * Whatever goes wrong inside fails the running cmocka test.  All of it is freed by sim_free().
 *
 * Threads: transport, store and clock may be used by a client's thread while the test calls sim_serve, sim_override,
 * sim_requests, sim_publish...; everything else is for one thread.
 */
#ifndef PTI_TESTS_SIM_REPOSITORY_H
#define PTI_TESTS_SIM_REPOSITORY_H

#include <pintle/clock.h>
#include <pintle/crypto.h>
#include <pintle/store.h>
#include <pintle/transport.h>

#include "pin/charter.h"
#include "pin/zone.h"
#include "publish/published.h"
#include "publish/signing_key.h"

#define SIM_URL "https://sim.example/" /* the base URL of the repository */
#define SIM_START INT64_C(1800000000)  /* Unix seconds at which every sim starts: 2027-01-15T08:00:00Z */
#define SIM_DAY INT64_C(86400)
#define SIM_KEYS_MAX 8

/* Who signs a role. */
struct sim_signers {
    struct pti_signing_key *keys[SIM_KEYS_MAX];
    size_t count;
    int64_t threshold;
    size_t sign_with; /* how many of the keys really sign, from the first on; 0: as many as threshold */
};

enum sim_role { SIM_ROOT, SIM_TARGETS, SIM_SNAPSHOT, SIM_TIMESTAMP };
#define SIM_ROLES 4

struct sim_zone {
    char name[64];
    struct sim_signers signers;
    struct pti_zone content; /* content.version rises by itself when the content changed */
    int64_t role_version;    /* last signed */
    int64_t expires_days;
    bool delegated;           /* false: withdrawn; the snapshot still lists it */
    bool hidden;              /* true: the snapshot omits it (an attack) */
    struct pintle_bytes role; /* last signed bytes; sim_take() and tests may replace them */
    struct pintle_bytes file;
};

struct sim_files; /* paths and bytes as served at one moment; owned by the sim */

struct sim {
    struct pintle_crypto *crypto;
    const char *repository; /* x-pintle-repo */
    struct sim_signers signers[SIM_ROLES];
    struct pti_charter charter; /* charter.version rises by itself when the content changed */
    struct sim_zone *zones;
    size_t zone_count;
    /* last signed; the next publication takes the next number */
    int64_t root_version, targets_version, snapshot_version, timestamp_version;
    int64_t expires_days[SIM_ROLES]; /* 365, 365, 7, 3 */
    int64_t issued_offset_s;         /* added to now in x-pintle-issued; INT64_MIN leaves the field out */
    struct pintle_bytes targets, charter_file, snapshot, timestamp; /* last signed */
    struct sim_machine *machine;                                    /* clock, network, store */
};

struct sim *sim_new(void);
/* The same with n keys of a kind per role and threshold m for root and targets. */
struct sim *sim_new_with(enum pti_key_kind kind, size_t keys, int64_t threshold);
void sim_free(struct sim *sim);

/* ---- contents (publish afterwards) ---- */

struct pti_charter_host *sim_add_host(struct sim *sim, const char *host, const char *zone); /* enforce, no subdomains */
void sim_release_host(struct sim *sim, const char *host);
/* Takes it out of the charter without releasing it: an attack. */
void sim_omit_host(struct sim *sim, const char *host);
struct pti_pin sim_pin(uint8_t seed); /* sha256 is 32 bytes of seed; spki, leaf */
/* In the zone that the charter gives the host; permanent: in the charter. */
void sim_add_pin(struct sim *sim, const char *host, uint8_t seed);
void sim_add_permanent_pin(struct sim *sim, const char *host, uint8_t seed);
void sim_remove_pin(struct sim *sim, const char *host, uint8_t seed); /* from the zone */
void sim_add_collector(struct sim *sim, const char *url);             /* reports go there */
/* In any zone, whatever the charter says: for zones that overstep. */
struct pti_zone_host *sim_zone_entry(struct sim *sim, const char *zone, const char *host);
struct sim_zone *sim_zone(struct sim *sim, const char *name);
struct sim_zone *sim_add_zone(struct sim *sim, const char *name); /* 1 of 1, Ed25519 */
void sim_remove_zone(struct sim *sim, const char *name);          /* withdrawn: no delegation, still in the snapshot */
void sim_restore_zone(struct sim *sim, const char *name);         /* delegated again, with the same keys and versions */
void sim_rotate_zone_keys(struct sim *sim, const char *name);     /* a new key instead; targets change */

/* ---- keys ---- */

/* New keys for a role, named by the next root (SIM_ROOT: root is signed by old and new). */
void sim_new_keys(struct sim *sim, enum sim_role role, enum pti_key_kind kind, size_t count, int64_t threshold);
/* Publishes the root file of the next version; heads follow with the next publication. */
void sim_publish_root(struct sim *sim);
/* sim_new_keys() for the role, same number and threshold, sim_publish_root(), sim_publish(). */
void sim_rotate(struct sim *sim, enum sim_role role);

/* ---- publishing ---- */

/* Signs what changed (charter, zones, targets), then snapshot and timestamp, and serves it all. */
void sim_publish(struct sim *sim);
/* Signs and serves a new timestamp alone. */
void sim_publish_timestamp(struct sim *sim);
/*
 * Signs a new snapshot and timestamp over the role bytes as they stand (sim->targets, zone->role...) and serves them:
 * what a thief of the online keys can do after sim_take().
 */
void sim_publish_online(struct sim *sim);
/* The parts of sim_publish(), for thieves: one role signed with its next version, not yet served. */
void sim_sign_targets(struct sim *sim);
void sim_sign_zone(struct sim *sim, const char *zone);
/* Signs any JSON text as "signed" with the signers of a role; the caller frees the envelope with pti_bytes_free(). */
struct pintle_bytes sim_sign(struct sim *sim, const struct sim_signers *signers, struct pintle_bytes signed_json);

/* ---- old states ---- */

struct sim_files *sim_save(struct sim *sim); /* everything that is served now */
/* The network answers from files; NULL: from the repository again. */
void sim_serve(struct sim *sim, const struct sim_files *files);
/*
 * Puts an old role back as the current one: "targets" (with the charter it lists) or a zone (role and zone file), as it
 * was in files; version numbers go back too.  Then sim_publish_online() is mix and match with stolen online keys.
 */
void sim_take(struct sim *sim, const struct sim_files *files, const char *role);
/* A file as served: path relative to the base URL, "metadata/timestamp.json"; fails the test if it is not there. */
struct pintle_bytes sim_file(const struct sim_files *files, const char *path);
struct pintle_bytes sim_current(struct sim *sim, const char *path);
/* "head/1", "body/<hash of the current snapshot>". out has 128 bytes. */
void sim_head_path(struct sim *sim, size_t root_version, char *out);
void sim_body_path(struct sim *sim, char *out);
/* Replaces or adds a file of the repository. */
void sim_put(struct sim *sim, const char *path, struct pintle_bytes bytes);

/* What apps embed: caller frees with pti_bytes_free(). */
struct pintle_bytes sim_roots(struct sim *sim);
struct pintle_bytes sim_shipped(struct sim *sim);
/* The current publication as the publisher reads it; the caller clears it. */
void sim_published(struct sim *sim, struct pti_published *published);
struct pti_file_source sim_source(struct sim *sim);

/* ---- network ---- */

/* For pintle_config_set_transport(); owned by the sim. */
const struct pintle_transport *sim_transport(struct sim *sim);

enum sim_answer {
    SIM_BYTES,  /* 200 with these bytes */
    SIM_STATUS, /* this HTTP status and no body */
    SIM_FAIL,   /* PINTLE_ERR_NETWORK before a byte */
    SIM_CUT,    /* the right bytes, but the last one is missing and the transfer is said to be complete */
    SIM_FLIP,   /* the right bytes with one bit changed in the middle */
    SIM_BLOCK   /* waits until cancelled or until the override goes, then PINTLE_ERR_NETWORK */
};
/* For every request whose path or whole URL matches: exact, or a prefix that ends in '*'.  The latest override wins. */
void sim_override(struct sim *sim, const char *pattern, enum sim_answer answer, int http_status,
                  struct pintle_bytes bytes);
void sim_override_clear(struct sim *sim);
void sim_retry_after(struct sim *sim, int64_t seconds); /* sent with every status of 400 and more; -1: not sent */
/* The next n requests are answered, all later ones fail, until n is negative. */
void sim_fail_after(struct sim *sim, int requests);
/* How many requests were made whose path matches ("*": all), since the last reset. */
size_t sim_requests(struct sim *sim, const char *pattern);
/* What the request number index (from 0) said in `Pintle-Manifest`; "" if nothing.  Borrowed until the next reset. */
const char *sim_request_header(struct sim *sim, size_t index);
void sim_requests_reset(struct sim *sim);
/* Bodies that were POSTed, oldest first (answered 202); NULL data past the end.  Borrowed until sim_free(). */
struct pintle_bytes sim_posted(struct sim *sim, size_t index);

/* ---- store ---- */

/* For pintle_config_set_store(); owned by the sim, shared by all clients of this sim: a restart is a new client. */
const struct pintle_store *sim_store(struct sim *sim);
void sim_store_clear(struct sim *sim);
/* A blob ("roots", "accepted") as stored; {NULL,0} if absent.  Borrowed until the next change. */
struct pintle_bytes sim_store_get(struct sim *sim, const char *name);
void sim_store_put(struct sim *sim, const char *name, struct pintle_bytes bytes); /* empty bytes: removes it */
/* The next n saves of "roots" and "accepted" succeed, all later ones fail (a crash, a full disk), until n is negative. */
void sim_store_fail_after(struct sim *sim, int saves);
void sim_store_fail_load(struct sim *sim, bool fail);
void sim_store_fail_notes(struct sim *sim, bool fail); /* saves of the other blobs, on which no pin depends */
size_t sim_store_saves(struct sim *sim);               /* of "roots" and "accepted" so far */

/* ---- clock ---- */

/* For pintle_config_set_clock(); owned by the sim.  Starts at SIM_START and moves only by sim_advance(). */
const struct pintle_clock *sim_clock(struct sim *sim);
int64_t sim_now(struct sim *sim);
void sim_advance(struct sim *sim, int64_t seconds);    /* wall clock and monotonic clock */
void sim_set_wall_clock(struct sim *sim, int64_t now); /* the wall clock alone: somebody turned it */

#endif
