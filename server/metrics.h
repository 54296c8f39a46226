/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, and their text for Prometheus (exposition format 0.0.4).  Every label comes from an enumeration or a
 * bounded list; nothing that a client sends becomes one.  Counting never blocks.
 */
#ifndef PTI_SERVER_METRICS_H
#define PTI_SERVER_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "server/alert_rules.h"
#include "server/checks.h"
#include "server/disk.h"
#include "server/files.h"
#include "server/status.h"

/* Routes beside the published files, which are counted by their kind (enum pti_file_kind): a route is either. */
enum pti_route {
    PTI_ROUTE_REPORTS = PTI_FILE_KINDS, /* POST */
    PTI_ROUTE_REPORT_LIST,
    PTI_ROUTE_HEALTHZ,
    PTI_ROUTE_METRICS,
    PTI_ROUTE_JOURNAL,
    PTI_ROUTE_TOKENS,
    PTI_ROUTE_CELLS,
    PTI_ROUTE_ADOPTION,
    PTI_ROUTE_RELEASES,
    PTI_ROUTE_ALERTS,
    PTI_ROUTE_REPOSITORIES,
    PTI_ROUTE_ZONES,
    PTI_ROUTE_HOSTS,
    PTI_ROUTE_VERSIONS,
    PTI_ROUTE_EDGES,
    PTI_ROUTES /* how many, those of the files included */
};

/* What became of a report. */
enum pti_report_result {
    PTI_REPORT_ACCEPTED,  /* stored */
    PTI_REPORT_DUPLICATE, /* stored before */
    PTI_REPORT_INVALID,   /* refused for good: 400, 413, 415 */
    PTI_REPORT_DEFERRED   /* not now: 503 */
};
#define PTI_REPORT_RESULTS 4

/* Why a report is not, or no longer, there. */
enum pti_report_drop {
    PTI_DROP_SCHEMA,
    PTI_DROP_TOO_LARGE,
    PTI_DROP_MEDIA_TYPE,
    PTI_DROP_QUEUE_FULL,
    PTI_DROP_STORAGE,
    PTI_DROP_STOPPING,
    PTI_DROP_RATE, /* its network sends too many */
    PTI_DROP_OLD   /* was stored, and made room for newer ones */
};
#define PTI_REPORT_DROPS 8

/* What became of a request that says which versions its client holds. */
enum pti_adoption_result {
    PTI_ADOPTION_COUNTED,
    PTI_ADOPTION_MALFORMED, /* no such header */
    PTI_ADOPTION_UNKNOWN,   /* a zone that there is not, or a version above the published one */
    PTI_ADOPTION_CAPPED,    /* its network has been counted often enough today */
    PTI_ADOPTION_FULL       /* too many rows, or no memory */
};
#define PTI_ADOPTION_RESULTS 5

#define PTI_METRIC_CODES 16

struct pti_metrics {
    atomic_ullong requests[PTI_ROUTES][PTI_METRIC_CODES];
    atomic_ullong reports[PTI_REPORT_RESULTS];
    atomic_ullong dropped[PTI_REPORT_DROPS];
    atomic_ullong alerts[PTI_ALERT_RULES];
    struct pti_checks checks;
    atomic_ullong webhooks[2]; /* requests that failed, and that were taken */
    atomic_ullong adoption[PTI_ADOPTION_RESULTS];
};

/* Zero-initialised metrics are ready. */
void pti_metrics_count_request(struct pti_metrics *metrics, unsigned route, unsigned code);
void pti_metrics_count_report(struct pti_metrics *metrics, enum pti_report_result result);
void pti_metrics_count_drop(struct pti_metrics *metrics, enum pti_report_drop drop, unsigned long long count);
void pti_metrics_count_adoption(struct pti_metrics *metrics, enum pti_adoption_result result, unsigned long long count);
void pti_metrics_set_alerts(struct pti_metrics *metrics, enum pti_alert_rule rule, unsigned firing);
void pti_metrics_count_webhook(struct pti_metrics *metrics, bool taken);

/* The two lines that go before the samples of a metric, for those who write their own. */
void pti_metrics_family(struct pti_buf *out, const char *name, const char *type, const char *help);
/* disk NULL: unknown. */
void pti_metrics_write(struct pti_metrics *metrics, struct pti_service_status *service, const struct pti_disk_use *disk,
                       struct pti_buf *out);

#endif
