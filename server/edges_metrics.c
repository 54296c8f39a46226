/* SPDX-License-Identifier: Apache-2.0 */
#include "server/edges_metrics.h"

#include <inttypes.h>
#include <string.h>

#include "server/edges.h"
#include "server/metrics.h"

#define FAMILY_MAX (8u << 20)

struct families {
    struct pti_buf mismatches, expiries; /* each is written together, edges come once */
};

/* Names and addresses hold nothing that a label would have to escape. */
static void put_labels(struct pti_buf *out, const char *name, const struct pti_edge_key *key)
{
    pti_buf_printf(out, "%s{host=\"%s\",edge=\"", name, key->host);
    pti_buf_printf(out, strchr(key->address, ':') ? "[%s]:%u" : "%s:%u", key->address, (unsigned)key->port);
    pti_buf_printf(out, "\",key=\"%s\"", pti_edge_key_type(key->key));
    if (key->repository[0])
        pti_buf_printf(out, ",repository=\"%s\"", key->repository);
}

static bool take_edge(void *ctx, const struct pti_edge *edge)
{
    struct families *families = ctx;
    const struct pti_edge_finding *finding = &edge->finding;

    if (finding->pinned != PTI_EDGE_UNKNOWN) {
        put_labels(&families->mismatches, "pintle_edge_mismatch", &edge->key);
        pti_buf_printf(&families->mismatches, "} %d\n", finding->pinned == PTI_EDGE_UNPINNED);
    }
    if (finding->leaf[0]) {
        put_labels(&families->expiries, "pintle_cert_not_after_timestamp_seconds", &edge->key);
        pti_buf_printf(&families->expiries, "} %" PRId64 "\n", finding->not_after);
    }
    return true;
}

static void put_rows(struct pti_buf *out, const struct pti_buf *rows)
{
    if (rows->status == PINTLE_OK)
        pti_buf_append(out, rows->data, rows->size);
}

void pti_edges_write_metrics(struct pti_database *database, struct pti_buf *out)
{
    struct families families;
    const struct pti_edge_query query = {.active = true, .limit = PTI_EDGES_MAX, .row = take_edge, .ctx = &families};

    pti_buf_init(&families.mismatches, FAMILY_MAX);
    pti_buf_init(&families.expiries, FAMILY_MAX);
    if (pti_edges_list(database, &query, NULL) == PINTLE_OK) {
        pti_metrics_family(out, "pintle_edge_mismatch", "gauge",
                           "1 where an edge serves a key that not all clients find pinned.");
        put_rows(out, &families.mismatches);
        pti_metrics_family(out, "pintle_cert_not_after_timestamp_seconds", "gauge",
                           "When the certificate that an edge serves expires.");
        put_rows(out, &families.expiries);
    }
    pti_buf_clear(&families.mismatches);
    pti_buf_clear(&families.expiries);
}
