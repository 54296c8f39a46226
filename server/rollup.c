/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rollup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/hll.h"

#define SLOTS (2 * PTI_INTAKE_REPORTS_MAX)
#define LABELS_SIZE_MAX 1024

void pti_series_labels_of(const struct pti_report *report, const char *repository, struct pti_series_labels *labels)
{
    *labels = (struct pti_series_labels){
        .repository = repository,
        .host = report->host,
        .reason = report->reason,
        .leaf = report->leaf,
        .zone = report->zone,
        .app = report->app_id,
        .app_version = report->app_version,
        .os = report->os,
        .zone_version = report->zone_version,
    };
}

void pti_series_labels_other(const char *repository, struct pti_series_labels *labels)
{
    *labels = (struct pti_series_labels){repository, "other", "other", "", "", "", "", "", 0};
}

/* Each text with its terminator, so that no two series are written alike. */
enum pintle_status pti_series_key_of(struct pintle_crypto *crypto, const struct pti_series_labels *labels,
                                     struct pti_series_key *key)
{
    const char *const texts[] = {labels->repository, labels->host, labels->reason,      labels->leaf,
                                 labels->zone,       labels->app,  labels->app_version, labels->os};
    uint8_t written[LABELS_SIZE_MAX], digest[PINTLE_SHA256_SIZE];
    enum pintle_status status = PINTLE_ERR_MISUSE;
    size_t size = 0;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t length = strlen(texts[i]) + 1;

        assert(length <= sizeof written - size - sizeof labels->zone_version);
        memcpy(written + size, texts[i], length);
        size += length;
    }
    for (int shift = 56; shift >= 0; shift -= 8)
        written[size++] = (uint8_t)((uint64_t)labels->zone_version >> shift);
    status = pti_sha256(crypto, (struct pintle_bytes){written, size}, digest);
    memcpy(key->bytes, digest, sizeof key->bytes);
    return status;
}

int pti_series_key_compare(const struct pti_series_key *a, const struct pti_series_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

void pti_rollup_clear(struct pti_rollup *rollup)
{
    rollup->cell_count = rollup->update_count = 0;
    memset(rollup->slots, 0, sizeof rollup->slots);
}

static uint32_t *find_slot(struct pti_rollup *rollup, const struct pti_series_key *key)
{
    uint32_t at = 0;

    memcpy(&at, key->bytes, sizeof at); /* a hash: any of its bits will do */
    for (at %= SLOTS; rollup->slots[at] != 0; at = (at + 1) % SLOTS)
        if (pti_series_key_compare(&rollup->cells[rollup->slots[at] - 1].key, key) == 0)
            break;
    return &rollup->slots[at];
}

struct pti_rollup_cell *pti_rollup_find(struct pti_rollup *rollup, const struct pti_series_key *key)
{
    uint32_t slot = *find_slot(rollup, key);

    return slot == 0 ? NULL : &rollup->cells[slot - 1];
}

struct pti_rollup_cell *pti_rollup_cell(struct pti_rollup *rollup, const struct pti_series_key *key,
                                        const struct pti_series_labels *labels)
{
    uint32_t *slot = find_slot(rollup, key);

    if (*slot == 0) {
        assert(rollup->cell_count < PTI_INTAKE_REPORTS_MAX);
        rollup->cells[rollup->cell_count] = (struct pti_rollup_cell){.key = *key, .labels = *labels};
        *slot = (uint32_t)++rollup->cell_count;
    }
    return &rollup->cells[*slot - 1];
}

static void update(struct pti_rollup *rollup, struct pti_rollup_cell *cell, enum pti_sketch sketch, uint16_t index,
                   uint8_t rank)
{
    assert(rollup->update_count < sizeof rollup->updates / sizeof rollup->updates[0]);
    rollup->updates[rollup->update_count++] = (struct pti_rollup_update){cell->key, (uint16_t)sketch, index, rank};
    cell->update_count[sketch]++;
}

void pti_rollup_add(struct pti_rollup *rollup, struct pti_rollup_cell *cell, const struct pti_report *report,
                    uint64_t network)
{
    uint16_t index = 0;
    uint8_t rank = 0;

    cell->reports++;
    cell->weight += report->weight;
    cell->successes += report->successes < PTI_INTAKE_SUCCESSES_MAX ? report->successes : PTI_INTAKE_SUCCESSES_MAX;
    cell->tried += report->recovery_tried;
    cell->recovered += report->recovered;
    if (report->hll_rank >= 1 && report->hll_rank <= PTI_HLL_RANK_MAX)
        update(rollup, cell, PTI_SKETCH_DEVICES, (uint16_t)report->hll_register, (uint8_t)report->hll_rank);
    if (network != 0) {
        pti_hll_place(network, &index, &rank);
        update(rollup, cell, PTI_SKETCH_NETWORKS, index, rank);
    }
}

static int by_key(const void *a, const void *b)
{
    const struct pti_rollup_cell *left = a, *right = b;

    return pti_series_key_compare(&left->key, &right->key);
}

static int by_cell(const void *a, const void *b)
{
    const struct pti_rollup_update *left = a, *right = b;
    int order = pti_series_key_compare(&left->key, &right->key);

    return order != 0 ? order : (int)left->sketch - (int)right->sketch;
}

void pti_rollup_sort(struct pti_rollup *rollup)
{
    size_t at = 0;

    qsort(rollup->cells, rollup->cell_count, sizeof rollup->cells[0], by_key);
    qsort(rollup->updates, rollup->update_count, sizeof rollup->updates[0], by_cell);
    for (size_t i = 0; i < rollup->cell_count; i++) {
        for (int sketch = 0; sketch < PTI_SKETCHES; sketch++) {
            rollup->cells[i].updates[sketch] = at;
            at += rollup->cells[i].update_count[sketch];
        }
    }
}
