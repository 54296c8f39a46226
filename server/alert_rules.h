/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which alerts the state of things raises: facts in, a list of alerts out.  Pure: time, counts and thresholds are
 * arguments.  Only what the server saw itself can raise a page; what comes from reports can be forged, and raises
 * tickets.
 */
#ifndef PTI_SERVER_ALERT_RULES_H
#define PTI_SERVER_ALERT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/limits.h"
#include "server/status.h"

enum pti_alert_rule {
    PTI_ALERT_MISMATCH_RATE,
    PTI_ALERT_EDGE_UNPINNED,
    PTI_ALERT_MANIFEST_EXPIRY,
    PTI_ALERT_ZONE_EXPIRY,
    PTI_ALERT_CERTIFICATE_EXPIRY,
    PTI_ALERT_ONLINE_KEY_FAILING,
    PTI_ALERT_SIGNER_SILENT,
    PTI_ALERT_DISK_FILLING
};
#define PTI_ALERT_RULES 8

enum pti_severity {
    PTI_SEVERITY_TICKET, /* somebody looks in working hours */
    PTI_SEVERITY_PAGE    /* somebody gets up */
};

#define PTI_ALERT_LABELS_SIZE 1024 /* bytes with terminator, here and below */
#define PTI_ALERT_SUMMARY_SIZE 512
#define PTI_ALERT_FINGERPRINT_SIZE 17

struct pti_alert {
    enum pti_alert_rule rule;
    enum pti_severity severity;
    bool only_goes_on;                  /* nothing is known of it now: it neither begins nor ends */
    bool listed;                        /* reports raised it, about a host that a charter lists */
    char labels[PTI_ALERT_LABELS_SIZE]; /* a JSON object of texts, names sorted, none empty: what makes it this alert */
    char fingerprint
        [PTI_ALERT_FINGERPRINT_SIZE];     /* of the labels, as Alertmanager computes it; names, decides nothing */
    char summary[PTI_ALERT_SUMMARY_SIZE]; /* what is wrong, in one sentence */
};

struct pti_alert_list {
    struct pti_alert items[PTI_ALERTS_MAX];
    size_t count;
    bool truncated;                /* there are more */
    bool unknown[PTI_ALERT_RULES]; /* nothing is known of it now: neither raised nor over */
};

/* What the server knows.  Texts and arrays are borrowed. */
struct pti_alert_repository {
    const char *name; /* "": the plain one */
    const struct pti_status *status;
};

struct pti_alert_edge {
    const char *repository, *host, *address, *key; /* "192.0.2.1:443", "ec" */
    enum {
        PTI_ALERT_EDGE_FINE,
        PTI_ALERT_EDGE_BAD,
        PTI_ALERT_EDGE_UNSEEN
    } served;                      /* bad: a supported pinset refuses it */
    int64_t not_before, not_after; /* of its certificate; not_after 0: not seen */
};

/* Reports of mismatches from one host: in the last window, and in the days before it. */
struct pti_alert_traffic {
    const char *repository, *host;
    int64_t recent, before;
    int64_t before_s; /* how long "before" is */
    bool listed;      /* a charter has this host; any other name a stranger may have made up */
};

struct pti_alert_disk {
    int64_t size, available; /* bytes; size 0: unknown */
    int64_t full_in_s;       /* at the pace of the last hours; -1: it does not fill */
};

struct pti_alert_facts {
    int64_t now;
    const struct pti_alert_repository *repositories;
    size_t repository_count;
    const struct pti_alert_edge *edges;
    size_t edge_count;
    const struct pti_alert_traffic *traffic;
    size_t traffic_count;
    bool edges_known, traffic_known; /* false: they could not be read */
    struct pti_alert_disk disk;
};

struct pti_alert_limits {
    int64_t expiry_days;  /* a ticket so long before something expires, a page at a quarter of it */
    int64_t disk_percent; /* a ticket when less is left, a page at a quarter of it */
    int64_t mismatches;   /* fewer of them in a window are never news */
};

#define PTI_ALERT_WINDOW_S 900 /* of pti_alert_traffic.recent */

/*
 * Empties list and fills it; what strangers can raise comes last, so that it takes nobody's place.  PINTLE_ERR_MEMORY:
 * it is not to be used.
 */
enum pintle_status pti_alert_rules_apply(const struct pti_alert_facts *facts, const struct pti_alert_limits *limits,
                                         struct pti_alert_list *list);

/*
 * Whether recent events in a window are more than twice what the time before lets one expect, with 99.9 % confidence on
 * either side (Poisson bounds after Wilson and Hilferty).  A time before of less than a day counts as a day.
 */
bool pti_alert_rate_is_high(int64_t recent, int64_t window_s, int64_t before, int64_t before_s);

/* Static texts. */
const char *pti_alert_rule_name(enum pti_alert_rule rule); /* "PintleEdgeUnpinned" */
const char *pti_alert_advice(enum pti_alert_rule rule);    /* the first thing to do */
const char *pti_severity_name(enum pti_severity severity); /* "ticket", "page" */
/* How long it has to hold before it fires, and to be gone before it is over. */
int64_t pti_alert_pending_s(enum pti_alert_rule rule);
int64_t pti_alert_keep_s(enum pti_alert_rule rule);
/* By name; false if there is none such. */
bool pti_alert_rule_find(const char *name, enum pti_alert_rule *rule);

#endif
