/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: what a client tells a collector about refused or unusual connections.  An allow-list of fields without any
 * identifier of a person or device; a bounded queue in memory; one report per (host, leaf key, versions, reason) in 24
 * hours, in one process.  When memory runs out a report is dropped and counted, nothing else happens.
 */
#ifndef PTI_CLIENT_REPORT_H
#define PTI_CLIENT_REPORT_H

#include "base/buf.h"
#include "pin/pinset.h"

struct pti_report_settings {
    char app_id[64];
    char app_version[64];
    int sample_per_mille;
    bool shipped;    /* the pins in force came inside the app */
    int64_t issued;  /* of the manifest in force, Unix seconds; -1 if unknown */
    int64_t expires; /* likewise */
};

struct pti_reports {
    struct pti_report_settings settings;
    struct pintle_bytes queue[PTI_REPORTS_MAX]; /* JSON, owned */
    size_t count;
    struct {
        uint64_t key;
        int64_t at; /* Unix seconds */
    } seen[PTI_REPORT_DEDUP_MAX];
    size_t seen_count;
    uint64_t dropped; /* queue full or out of memory */
    bool drop_told;   /* the application knows of it since the queue last had room */
};

/* random decides on sampling, id names the report; both uniform. */
void pti_reports_add(struct pti_reports *reports, const struct pintle_pinset *pinset,
                     const struct pintle_evidence *evidence, const struct pintle_verdict *verdict, int64_t now,
                     uint64_t random, uint64_t id);
/* About a manifest instead of a connection: reason is "manifest_rejected" or "stale", host where the manifest came from. */
void pti_reports_add_manifest(struct pti_reports *reports, const char *host, const char *reason,
                              int64_t charter_version, int64_t now, uint64_t random, uint64_t id);
/* Takes the oldest out of the queue; the caller frees it with pti_bytes_free(). false if there is none. */
bool pti_reports_take(struct pti_reports *reports, struct pintle_bytes *report);
/* Puts one back at the front, after a failed transfer; it is dropped and counted if the queue has filled up meanwhile. */
void pti_reports_put_back(struct pti_reports *reports, struct pintle_bytes report);
void pti_reports_clear(struct pti_reports *reports);

#endif
