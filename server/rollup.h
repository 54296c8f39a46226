/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports added up before they touch the database: what one transaction brings to each cell.  A cell is a minute of a
 * series, and a series is what reports have in common (its labels); its key is a hash of those.
 *
 * Pure, and of fixed size: whoever adds more than PTI_INTAKE_REPORTS_MAX reports to one rollup has a bug.
 */
#ifndef PTI_SERVER_ROLLUP_H
#define PTI_SERVER_ROLLUP_H

#include "base/crypto.h"
#include "report/report.h"
#include "server/limits.h"

#define PTI_SERIES_KEY_SIZE 16

struct pti_series_key {
    uint8_t bytes[PTI_SERIES_KEY_SIZE];
};

/* Borrowed; never NULL. */
struct pti_series_labels {
    const char *repository, *host, *reason, *leaf, *zone, *app, *app_version, *os;
    int64_t zone_version;
};

enum pti_sketch { PTI_SKETCH_DEVICES, PTI_SKETCH_NETWORKS };
#define PTI_SKETCHES 2

struct pti_rollup_cell {
    struct pti_series_key key;
    struct pti_series_labels labels;
    int64_t reports, weight, successes, tried, recovered;
    int64_t sampled;                                          /* so many are kept whole */
    size_t updates[PTI_SKETCHES], update_count[PTI_SKETCHES]; /* where they stand, once sorted */
    bool fresh;                                               /* its series is not known to be in the database */
};

struct pti_rollup_update {
    struct pti_series_key key;
    uint16_t sketch, index;
    uint8_t rank;
};

struct pti_rollup {
    struct pti_rollup_cell cells[PTI_INTAKE_REPORTS_MAX];
    size_t cell_count;
    struct pti_rollup_update updates[PTI_SKETCHES * PTI_INTAKE_REPORTS_MAX];
    size_t update_count;
    uint32_t slots[2 * PTI_INTAKE_REPORTS_MAX]; /* by key: 1 + the number of a cell; 0: free */
};

void pti_series_labels_of(const struct pti_report *report, const char *repository, struct pti_series_labels *labels);
/* Of what is beyond the cap on series: one for each repository. */
void pti_series_labels_other(const char *repository, struct pti_series_labels *labels);
enum pintle_status pti_series_key_of(struct pintle_crypto *crypto, const struct pti_series_labels *labels,
                                     struct pti_series_key *key);
int pti_series_key_compare(const struct pti_series_key *a, const struct pti_series_key *b);

void pti_rollup_clear(struct pti_rollup *rollup);
/* The cell of this key; NULL if there is none yet. */
struct pti_rollup_cell *pti_rollup_find(struct pti_rollup *rollup, const struct pti_series_key *key);
/* The same; made if there is none.  labels are borrowed as long as the rollup is used. */
struct pti_rollup_cell *pti_rollup_cell(struct pti_rollup *rollup, const struct pti_series_key *key,
                                        const struct pti_series_labels *labels);
/* network is the hash of where the report came from; 0: not known. */
void pti_rollup_add(struct pti_rollup *rollup, struct pti_rollup_cell *cell, const struct pti_report *report,
                    uint64_t network);
/* Cells by key, and updates by cell, after which nothing may be added or found. */
void pti_rollup_sort(struct pti_rollup *rollup);

#endif
