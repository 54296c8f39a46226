/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: the draft that every editing command changes and every `sign` signs.  It holds the charter and the zones
 * as they will be, and a draft of each role whose content differs from what is published, with the signatures gathered
 * so far.  Changing content voids the signatures of the drafts that list it; reverting an edit removes the draft.
 *
 * Pure: directories are publish/repository.h's business.  A stage borrows the published state it was made over, which
 * must outlive it.  All edits refuse what a client would reject or ignore, with PINTLE_ERR_INPUT and a message that
 * says what to do instead; the stage is then unchanged.
 */
#ifndef PTI_PUBLISH_STAGE_H
#define PTI_PUBLISH_STAGE_H

#include "pin/charter.h"
#include "pin/zone.h"
#include "publish/envelope.h"
#include "publish/published.h"
#include "tuf/metadata.h"

/* Days until metadata expire, from the repository's settings. */
struct pti_expiry_days {
    int64_t root, targets, zone, snapshot, timestamp;
};

struct pti_stage_zone {
    char name[64];
    struct pti_zone zone;      /* content; its version is set by pti_stage_update() */
    struct pti_role_keys keys; /* who signs it */
    struct pintle_bytes draft; /* role metadata with signatures so far; empty: what is published is current */
    struct pintle_bytes file;  /* zones/<zone>.json with the changes; empty: what is published is current */
};

struct pti_stage {
    const struct pti_published *base;
    struct pti_expiry_days days;
    struct pintle_crypto *crypto; /* borrowed */
    struct pti_charter charter;
    struct pti_stage_zone *zones; /* in delegation order */
    size_t zone_count;
    struct pti_role_keys root_keys[PTI_TUF_TYPES]; /* who may sign root, targets, snapshot and timestamp */
    struct pintle_bytes root;                      /* draft with signatures so far; empty: no new root is staged */
    struct pintle_bytes targets;      /* draft with signatures so far; empty: what is published is current */
    struct pintle_bytes charter_file; /* charter.json with the changes; empty: what is published is current */
};

/* A stage without changes.  base and crypto are borrowed.  On failure *stage is empty. */
enum pintle_status pti_stage_init(struct pti_stage *stage, const struct pti_published *base,
                                  const struct pti_expiry_days *days, struct pintle_crypto *crypto,
                                  struct pti_error *error);
void pti_stage_clear(struct pti_stage *stage);
struct pti_stage_zone *pti_stage_zone(const struct pti_stage *stage, const char *zone); /* NULL if it is not there */

/*
 * Where a stage is kept: "charter.json", "zones/<zone>.json", "metadata/<role>.json", each only if it differs from what
 * is published.  Loading adds them to a fresh stage and updates it, so that files of an interrupted edit or of a
 * publication that is out already do no harm.  Writing yields every file there should be.
 */
struct pti_output;
enum pintle_status pti_stage_load(struct pti_stage *stage, const struct pti_file_source *source, int64_t now,
                                  struct pti_error *error);
enum pintle_status pti_stage_write(const struct pti_stage *stage, struct pti_output *output, struct pti_error *error);

/* ---- edits: after one or several of them call pti_stage_update() ---- */

struct pti_host_edit {     /* what `host add` may set; what is not set keeps its value, or the default for a new host */
    const char *zone;      /* NULL: unchanged; for a new host the only zone, if there is just one */
    enum pintle_mode mode; /* PINTLE_MODE_NONE: unchanged; a new host enforces */
    bool set_subdomains;
    bool subdomains;
};

/*
 * Adds a host to the charter or changes it.  host is normalised.  Moving a host to another zone takes its pins and
 * denials along.  Refuses an unknown zone, and `subdomains` on an IP literal.  Turning `subdomains` off releases
 * "*.host".
 */
enum pintle_status pti_stage_host_add(struct pti_stage *stage, const char *host, const struct pti_host_edit *edit,
                                      struct pti_error *error);
/* Releases a host: clients stop pinning it.  Its zone entry goes too. */
enum pintle_status pti_stage_host_release(struct pti_stage *stage, const char *host, struct pti_error *error);

struct pti_pin_edit {
    struct pti_pin pin; /* at is ignored for a denial */
    bool permanent;     /* in the charter, signed by the offline threshold; else in the host's zone */
    bool deny;
};

/*
 * *added is false if an equal one was there.  Refuses a host that is not in the charter, and a zone denial of a charter
 * pin.
 */
enum pintle_status pti_stage_pin_add(struct pti_stage *stage, const char *host, const struct pti_pin_edit *edit,
                                     bool *added, struct pti_error *error);
/*
 * Removes every pin (or denial) of this host with the hash of edit->pin; of and at do not matter.  PINTLE_ERR_INPUT:
 * none.
 */
enum pintle_status pti_stage_pin_remove(struct pti_stage *stage, const char *host, const struct pti_pin_edit *edit,
                                        struct pti_error *error);

/*
 * Adds a zone: a delegation to keys, none of which root names for another role, and an empty zone file.  A name that
 * once existed continues its version numbers and needs keys that it never had: source, where every published targets
 * version is to be read, tells.
 */
enum pintle_status pti_stage_zone_add(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                      const struct pti_file_source *source, struct pti_error *error);
/* Withdraws a zone that no charter host uses any more.  Its last version stays listed by every snapshot. */
enum pintle_status pti_stage_zone_remove(struct pti_stage *stage, const char *zone, struct pti_error *error);

/*
 * Who may sign a zone from now on: hands it to others, one key at a time or all at once, its old keys being honest.
 * Refuses a key that it had once and has no more.
 */
enum pintle_status pti_stage_zone_set_keys(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                           const struct pti_file_source *source, struct pti_error *error);

/*
 * Replaces all keys of a zone: what answers a stolen zone key.  Refuses a key that the zone has or ever had, as
 * pti_stage_zone_add() does.
 */
enum pintle_status pti_stage_zone_rotate(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                         const struct pti_file_source *source, struct pti_error *error);

/*
 * The trust anchor: who may sign root, targets, snapshot and timestamp.  Each edit goes into the one next root, which
 * old and new root keys sign (TUF specification 6.1).  All refuse a role that could not meet its threshold.
 */

/*
 * Adds a key to role.  Refuses one that is there; one that an earlier root named and a later one did not (a removed key
 * never returns); and one key for both an offline role (root, targets) and an online one or a zone.
 */
enum pintle_status pti_stage_root_add(struct pti_stage *stage, enum pti_tuf_type role, const struct pti_public_key *key,
                                      struct pti_error *error);
enum pintle_status pti_stage_root_remove(struct pti_stage *stage, enum pti_tuf_type role, const char *keyid,
                                         struct pti_error *error);
/* Removes the one and adds the other; the threshold stays. */
enum pintle_status pti_stage_root_replace(struct pti_stage *stage, enum pti_tuf_type role, const char *keyid,
                                          const struct pti_public_key *key, struct pti_error *error);
enum pintle_status pti_stage_root_threshold(struct pti_stage *stage, enum pti_tuf_type role, int64_t threshold,
                                            struct pti_error *error);
/*
 * Replaces every key of timestamp and snapshot by a new one of the same kind: what answers stolen online keys.  The new
 * private keys are in rings[PTI_TUF_TIMESTAMP] and rings[PTI_TUF_SNAPSHOT], owned by the caller, who keeps them before
 * the stage is written.  Refuses while such a change is staged.  On failure the rings are empty.
 */
enum pintle_status pti_stage_root_replace_online(struct pti_stage *stage, struct pti_keyring rings[PTI_TUF_TYPES],
                                                 struct pti_error *error);
/* A new version with the same content and a new expiry: for "root", "targets" or a zone that would expire. */
enum pintle_status pti_stage_renew(struct pti_stage *stage, const char *role, int64_t now, struct pti_error *error);

/*
 * Brings the drafts in line with the content: makes, remakes (old signatures void) or drops them.  Versions become
 * published + 1, charter and zone versions too where content differs; expiries count from now (Unix seconds).
 */
enum pintle_status pti_stage_update(struct pti_stage *stage, int64_t now, struct pti_error *error);

/*
 * The drafts of some roles ("root", "targets", a zone) as a stage of their own, over the same published state: all else in
 * it is as published.  What one team has finished is signed and published without waiting for another's.  Refuses a role
 * that is none or has no draft.  On failure *part is empty.
 */
enum pintle_status pti_stage_part(struct pti_stage *stage, const char *const *roles, size_t count, int64_t now,
                                  struct pti_stage *part, struct pti_error *error);
/* Takes the drafts of these roles, with what was signed meanwhile, back into the stage that part was made from. */
enum pintle_status pti_stage_part_return(struct pti_stage *part, const char *const *roles, size_t count,
                                         struct pti_stage *stage, struct pti_error *error);

/* ---- signing ---- */

/* The roles that key signed just now: "root", "targets", or a zone. */
struct pti_signed_roles {
    char names[PTI_ZONES_MAX + 4][64];
    size_t count;
};

/* Adds key's signature to every draft that it may sign.  None: PINTLE_OK with count 0. */
enum pintle_status pti_stage_sign(struct pti_stage *stage, const struct pti_signing_key *key,
                                  struct pti_signed_roles *signed_roles, struct pti_error *error);

/* ---- questions ---- */

/* root, timestamp, snapshot, targets, then the zones. */
struct pti_role_state {
    char name[64];
    int64_t version, expires;             /* published; 0: not yet */
    int64_t draft_version, draft_expires; /* 0: no draft */
    int64_t threshold;
    int64_t signatures;        /* good ones on the draft, from distinct keys; 0 without a draft */
    struct pti_role_keys keys; /* who may sign, as staged */
    bool *has_signed;          /* the draft, parallel to keys.keys */
    /* Of a root draft that changes who may sign root: the keys before, a threshold of which must sign it too. */
    struct pti_role_keys old_keys;
    bool *old_has_signed;
    int64_t old_signatures;
};

/* How many more signatures the draft needs at least; 0: it has what it needs, or there is none. */
int64_t pti_role_state_missing(const struct pti_role_state *state);
/* "1 of 2 signatures", or "1 of 2 signatures of the old keys and 0 of 2 of the new ones". */
void pti_role_state_describe(const struct pti_role_state *state, char *out, size_t size);

enum pintle_status pti_stage_roles(const struct pti_stage *stage, struct pti_role_state **states, size_t *count,
                                   struct pti_error *error);
void pti_role_states_free(struct pti_role_state *states, size_t count);
/* True if publishing would change more than snapshot and timestamp. */
bool pti_stage_has_drafts(const struct pti_stage *stage);

enum pti_change_kind {
    PTI_CHANGE_HOST_ADDED,
    PTI_CHANGE_HOST_RELEASED,
    PTI_CHANGE_MODE,
    PTI_CHANGE_ZONE,
    PTI_CHANGE_SUBDOMAINS,
    PTI_CHANGE_PIN_ADDED,
    PTI_CHANGE_PIN_REMOVED,
    PTI_CHANGE_DENIAL_ADDED,
    PTI_CHANGE_DENIAL_REMOVED,
    PTI_CHANGE_ZONE_ADDED,
    PTI_CHANGE_ZONE_WITHDRAWN,
    PTI_CHANGE_SETTING,   /* reports, refresh and age bounds of the charter */
    PTI_CHANGE_KEY_ADDED, /* of a role: who may sign it */
    PTI_CHANGE_KEY_REMOVED,
    PTI_CHANGE_KEY_REPLACED,
    PTI_CHANGE_THRESHOLD,
    PTI_CHANGE_RENEWED /* same content, new version and expiry */
};

struct pti_change {
    enum pti_change_kind kind;
    char role[64];                      /* whose signatures it needs: "root", "targets" or a zone */
    char host[PINTLE_HOST_MAX + 1];     /* "" where there is none */
    bool permanent;                     /* a pin or denial of the charter */
    struct pti_pin pin;                 /* of pin and denial changes */
    char key_role[64];                  /* of changes of keys and thresholds: the role they sign; else "" */
    char keyid[PTI_KEYID_SIZE + 1];     /* of added, removed and (the new one) replaced keys */
    char old_keyid[PTI_KEYID_SIZE + 1]; /* of replaced ones */
    char text[512];                     /* one line in words: what is changed */
    char effect[256];                   /* what clients do then: "refuse it without ..."; "" where text says it */
};

const char *pti_change_kind_name(enum pti_change_kind kind); /* "host_added", ... for JSON */
/* What publishing would change, in words: root, then charter, then zone by zone. *changes is freed with free(). */
enum pintle_status pti_stage_diff(const struct pti_stage *stage, struct pti_change **changes, size_t *count,
                                  struct pti_error *error);

/* What of changes, which pti_stage_diff() found, somebody may regret: one line each. */
typedef void pti_stage_warning_fn(void *ctx, const char *line);
enum pintle_status pti_stage_warnings(const struct pti_stage *stage, const struct pti_change *changes, size_t count,
                                      pti_stage_warning_fn *warn, void *ctx, struct pti_error *error);

/*
 * What a client would reject or ignore in the staged content, found before anybody signs it: an enforce host without a
 * usable pin, a zone entry for a host of another zone...  PINTLE_ERR_INPUT with the first of them.
 */
enum pintle_status pti_stage_check(const struct pti_stage *stage, struct pti_error *error);
/* The same for any charter with its zones. */
enum pintle_status pti_content_check(const struct pti_charter *charter, const struct pti_zone *const *zones,
                                     size_t count, struct pti_error *error);

#endif
