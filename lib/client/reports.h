/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reports that wait: a bounded queue; one report per (host, leaf key, versions, reason) in 24 hours; how many checks
 * matched since the last report; the number that lets a collector count devices on a day.  Handshakes add to what stands
 * here in memory; lib/client/outbox.c keeps it together with the store.  When memory runs out a report is dropped and
 * counted, nothing else happens.  Everything but pti_successes is used under a lock of its owner.
 */
#ifndef PTI_CLIENT_REPORTS_H
#define PTI_CLIENT_REPORTS_H

#include <stdatomic.h>

#include "base/limits.h"
#include "client/report.h"

struct pti_reports_entry {
    char id[PTI_REPORT_ID_SIZE + 1];
    uint64_t key;             /* of what it is about, so that it is told once */
    int64_t at;               /* Unix seconds */
    uint64_t connection;      /* of host and leaf; 0: about none */
    bool retry;               /* the refusal asked for a refresh: was it made, and did the same chain pass later? */
    bool tried, ok;           /* then these */
    unsigned bucket, rank;    /* its HyperLogLog update */
    bool stored, told;        /* it is in the store; the application was given its text */
    struct pintle_bytes json; /* owned; without the fields above */
};

/* Checks of one policy that matched: base is in the store, of which consumed went into reports; delta is not there yet. */
struct pti_reports_count {
    uint64_t policy; /* hash of its name; 0: a free place */
    int64_t base, consumed, delta;
};

struct pti_reports {
    struct pti_report_settings settings;
    struct pti_report_network network;
    struct pti_reports_entry queue[PTI_REPORTS_MAX];
    size_t count;
    struct pti_reports_seen {
        uint64_t key;
        int64_t at; /* Unix seconds */
    } seen[PTI_REPORT_DEDUP_MAX];
    size_t seen_count;
    struct pti_reports_count counts[PTI_SUCCESS_HOSTS_MAX];
    uint64_t seed; /* random, of one UTC day, and never sent */
    int64_t seed_day;
    int64_t total_day;                                  /* the UTC day of the last totals; -1: none yet */
    char gone[PTI_REPORTS_MAX][PTI_REPORT_ID_SIZE + 1]; /* sent or refused, and perhaps still in the store */
    size_t gone_count;
    bool unsaved;     /* something here is not in the store */
    uint64_t dropped; /* queue full or out of memory */
    bool drop_told;   /* the application knows of it since the queue last had room */
};

/* Successful checks, counted without a lock by all threads at once. */
struct pti_successes {
    struct {
        _Atomic uint64_t policy;
        _Atomic int64_t count;
    } hosts[PTI_SUCCESS_HOSTS_MAX];
};

void pti_successes_init(struct pti_successes *successes);
void pti_successes_add(struct pti_successes *successes, const char *policy);
/* Moves what was counted into reports. */
void pti_reports_collect(struct pti_reports *reports, struct pti_successes *successes);

void pti_reports_init(struct pti_reports *reports);
void pti_reports_clear(struct pti_reports *reports); /* frees the queue */

/* About a connection.  successes may be NULL. */
void pti_reports_add(struct pti_reports *reports, struct pti_successes *successes, const struct pintle_pinset *pinset,
                     const struct pintle_evidence *evidence, const struct pintle_verdict *verdict,
                     const struct pti_report_moment *moment);
/* About a manifest instead: reason is "manifest_rejected" or "stale", host where the manifest came from. */
void pti_reports_add_manifest(struct pti_reports *reports, const char *host, const char *reason,
                              int64_t charter_version, const struct pti_report_moment *moment);
/* How many checks of a policy matched since its last report, when nothing failed; at most once a day. */
void pti_reports_add_total(struct pti_reports *reports, const struct pintle_pinset *pinset,
                           const struct pti_policy *policy, const struct pti_report_moment *moment);
/* Are totals due on this UTC day?  The first day of a store only begins to count. */
bool pti_reports_totals_due(struct pti_reports *reports, int64_t day);

/* The refreshes asked for so far have been made; a connection of this host and leaf has passed. */
void pti_reports_tried(struct pti_reports *reports);
void pti_reports_recovered(struct pti_reports *reports, const char *host, const uint8_t leaf[PINTLE_SHA256_SIZE]);
unsigned pti_reports_recovering(const struct pti_reports *reports); /* how many wait for that */

/* The whole report, for the wire. */
void pti_reports_compose(const struct pti_reports_entry *entry, struct pti_buf *out);
/* Register and rank of a HyperLogLog over devices (p = 12) from the seed of the day. */
void pti_reports_set_device(const struct pti_reports *reports, struct pti_reports_entry *entry);
/* Takes the one of this id out: it was sent, or refused. */
void pti_reports_remove(struct pti_reports *reports, const char *id);

/* Hash of a policy's name, never 0. */
uint64_t pti_reports_policy(const char *name);
/* What policy counted since its last report; -1 if there was no place to count it. */
int64_t pti_reports_consume(struct pti_reports *reports, uint64_t policy);

#endif
