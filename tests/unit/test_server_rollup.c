/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of reports: ids that are known again, sketches, series, what one transaction brings to a cell. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/hll.h"
#include "server/rollup.h"
#include "server/seen.h"
#include "server/series.h"

#define NOW INT64_C(1800000000)

/* splitmix64: hashes that a test can make again */
static uint64_t hash_of(uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- ids ---- */

static void see(struct pti_seen *seen, int64_t at, int64_t number, uint64_t first, size_t count)
{
    pti_seen_turn(seen, at, number);
    assert_true(pti_seen_reserve(seen, count));
    for (size_t i = 0; i < count; i++)
        pti_seen_add(seen, hash_of(first + i));
}

static size_t known(const struct pti_seen *seen, uint64_t first, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += pti_seen_has(seen, hash_of(first + i));
    return found;
}

static void ids_are_known_for_one_to_two_spans(void **state)
{
    struct pti_seen seen;

    (void)state;
    pti_seen_init(&seen, 1 << 20);
    assert_false(pti_seen_has(&seen, hash_of(1)));
    see(&seen, NOW, 1, 0, 5000);
    see(&seen, NOW + PTI_SEEN_SPAN_S - 1, 2, 5000, 5000);
    assert_int_equal(known(&seen, 0, 10000), 10000);
    assert_int_equal(known(&seen, 10000, 10000), 0);
    see(&seen, NOW + PTI_SEEN_SPAN_S, 3, 10000, 5000); /* a second generation */
    assert_int_equal(known(&seen, 0, 15000), 15000);
    assert_int_equal(pti_seen_oldest(&seen), 1);
    see(&seen, NOW + 2 * PTI_SEEN_SPAN_S, 4, 15000, 5000); /* a third: the first is forgotten */
    assert_int_equal(known(&seen, 0, 10000), 0);
    assert_int_equal(known(&seen, 10000, 10000), 10000);
    assert_int_equal(pti_seen_oldest(&seen), 3);
    pti_seen_clear(&seen);
}

static void ids_are_bounded_in_number(void **state)
{
    struct pti_seen seen;

    (void)state;
    pti_seen_init(&seen, 1000);
    for (int i = 0; i < 100; i++)
        see(&seen, NOW, 1 + i, (uint64_t)i * 100, 100);
    assert_true(seen.young.count + seen.old.count <= 2000);
    assert_int_equal(known(&seen, 9000, 1000), 1000);
    assert_int_equal(known(&seen, 0, 8000), 0);
    pti_seen_clear(&seen);
}

/* A clock that jumps ahead turns once: what came just before is still known. */
static void a_clock_that_jumps_costs_one_generation_at_most(void **state)
{
    struct pti_seen seen;

    (void)state;
    pti_seen_init(&seen, 1 << 20);
    see(&seen, NOW, 1, 0, 100);
    see(&seen, NOW + 100 * PTI_SEEN_SPAN_S, 2, 100, 100);
    assert_int_equal(known(&seen, 0, 200), 200);
    see(&seen, NOW - 100 * PTI_SEEN_SPAN_S, 3, 200, 100);
    assert_int_equal(known(&seen, 0, 300), 300);
    pti_seen_clear(&seen);
}

static void an_id_of_zero_is_one_like_any_other(void **state)
{
    struct pti_seen seen;

    (void)state;
    pti_seen_init(&seen, 100);
    see(&seen, NOW, 1, 0, 0);
    assert_true(pti_seen_reserve(&seen, 1));
    assert_false(pti_seen_has(&seen, 0));
    pti_seen_add(&seen, 0);
    assert_true(pti_seen_has(&seen, 0));
    pti_seen_clear(&seen);
}

/* ---- sketches ---- */

static void note_many(struct pti_hll *hll, uint64_t first, size_t count)
{
    uint16_t index = 0;
    uint8_t rank = 0;

    for (size_t i = 0; i < count; i++) {
        pti_hll_place(hash_of(first + i), &index, &rank);
        pti_hll_note(hll, index, rank);
    }
}

static void sketches_estimate_within_four_deviations(void **state)
{
    static const size_t counts[] = {0, 1, 2, 10, 100, 1000, 5000, 10000, 20000, 100000, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct pti_hll hll = {{0}};
        double found, bound = (double)counts[i] * 4 * 0.01625;

        note_many(&hll, 7, counts[i]);
        note_many(&hll, 7, counts[i] / 2); /* again: no difference */
        found = (double)pti_hll_estimate(&hll);
        if (found < (double)counts[i] - bound - 0.5 || found > (double)counts[i] + bound + 0.5)
            fail_msg("%zu things: estimated %.0f", counts[i], found);
    }
}

static void sketches_are_the_same_after_writing_and_reading(void **state)
{
    static const size_t counts[] = {0, 1, 3, 1000, 1200, 1500, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct pti_hll hll = {{0}}, again = {{0}};
        uint8_t encoded[PTI_HLL_SIZE_MAX];
        size_t size;

        note_many(&hll, 3, counts[i]);
        hll.ranks[PTI_HLL_REGISTERS - 1] = counts[i] > 0 ? PTI_HLL_RANK_MAX : 0;
        size = pti_hll_encode(&hll, encoded);
        assert_int_equal(size == 0, counts[i] == 0);
        assert_true(pti_hll_merge(&again, (struct pintle_bytes){encoded, size}));
        assert_memory_equal(&hll, &again, sizeof hll);
    }
}

static void two_sketches_merge_into_that_of_both(void **state)
{
    struct pti_hll left = {{0}}, right = {{0}}, both = {{0}};
    uint8_t encoded[PTI_HLL_SIZE_MAX];
    size_t size;

    (void)state;
    note_many(&left, 0, 700);
    note_many(&right, 350, 70000);
    note_many(&both, 0, 70350);
    size = pti_hll_encode(&right, encoded);
    assert_true(pti_hll_merge(&left, (struct pintle_bytes){encoded, size}));
    assert_memory_equal(&left, &both, sizeof both);
}

static void a_sketch_updated_in_place_is_that_of_all(void **state)
{
    struct pti_hll whole = {{0}}, found = {{0}};
    uint8_t encoded[PTI_HLL_SIZE_MAX] = {0xff}, again[PTI_HLL_SIZE_MAX];
    size_t size = 0;

    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        uint16_t index = 0;
        uint8_t rank = 0;

        pti_hll_place(hash_of(i), &index, &rank);
        pti_hll_note(&whole, index, rank);
        size = pti_hll_update(encoded, size, index, rank);
        if (i % 97 == 0 || i > 19990) {
            assert_int_equal(size, pti_hll_encode(&whole, again));
            assert_memory_equal(encoded, again, size);
        }
    }
    assert_true(pti_hll_merge(&found, (struct pintle_bytes){encoded, size}));
    assert_memory_equal(&found, &whole, sizeof whole);
    encoded[0] = 9; /* damaged: begins again */
    assert_int_equal(pti_hll_update(encoded, size, 7, 3), 4);
}

static void what_is_no_sketch_is_refused(void **state)
{
    static const struct {
        const char *name;
        uint8_t bytes[8];
        size_t size;
    } cases[] = {
        {"another form", {3, 0, 0, 1}, 4},
        {"a form alone is dense", {2}, 1},
        {"half a pair", {1, 0, 0}, 3},
        {"a register past the last", {1, 0x10, 0, 1}, 4},
        {"a rank past the last", {1, 0, 0, 54}, 4},
        {"dense, cut short", {2, 1, 1, 1}, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_hll hll = {{0}};

        if (pti_hll_merge(&hll, (struct pintle_bytes){cases[i].bytes, cases[i].size}))
            fail_msg("%s: taken", cases[i].name);
    }
}

/* ---- series ---- */

static struct pti_series_key key_of(uint64_t number)
{
    struct pti_series_key key;
    uint64_t halves[2] = {hash_of(number), hash_of(number + (UINT64_C(1) << 40))};

    memcpy(key.bytes, halves, sizeof key.bytes);
    return key;
}

static void live_series_are_bounded_and_idle_ones_make_room(void **state)
{
    struct pti_series_set set;
    struct pti_series_key key;

    (void)state;
    assert_int_equal(pti_series_set_init(&set, NULL), PINTLE_OK);
    for (uint64_t i = 0; i < PTI_SERIES_MAX; i++) {
        key = key_of(i);
        assert_true(pti_series_room(&set, NOW) > 0);
        assert_non_null(pti_series_note(&set, &key, NOW));
    }
    assert_int_equal(pti_series_room(&set, NOW), 0);
    for (uint64_t i = 0; i < PTI_SERIES_MAX / 2; i++) {
        key = key_of(2 * i);
        assert_non_null(pti_series_note(&set, &key, NOW + PTI_SERIES_IDLE_S));
    }
    assert_int_equal(pti_series_room(&set, NOW + PTI_SERIES_IDLE_S), 0);
    assert_int_equal(pti_series_room(&set, NOW + PTI_SERIES_IDLE_S + 100), PTI_SERIES_MAX / 2);
    for (uint64_t i = 0; i < PTI_SERIES_MAX; i++) {
        key = key_of(i);
        assert_int_equal(pti_series_find(&set, &key) != NULL, i % 2 == 0);
    }
    pti_series_set_clear(&set);
}

static void samples_are_counted_by_the_hour(void **state)
{
    struct pti_series series = {.last = 0};
    int64_t hour = NOW - NOW % 3600;

    (void)state;
    assert_int_equal(pti_series_sampled(&series, hour), 0);
    pti_series_note_sampled(&series, 3, hour);
    pti_series_note_sampled(&series, 4, hour + 3599);
    assert_int_equal(pti_series_sampled(&series, hour + 3599), 7);
    assert_int_equal(pti_series_sampled(&series, hour + 3600), 0);
    pti_series_note_sampled(&series, 1, hour + 3600);
    assert_int_equal(pti_series_sampled(&series, hour + 3600), 1);
}

/* ---- cells ---- */

static void a_series_is_all_of_its_labels(void **state)
{
    struct pti_series_labels labels[] = {
        {"", "a.example", "mismatch", "leaf", "main", "app", "1", "Debian", 4},
        {"shop", "a.example", "mismatch", "leaf", "main", "app", "1", "Debian", 4},
        {"", "b.example", "mismatch", "leaf", "main", "app", "1", "Debian", 4},
        {"", "a.example", "denied", "leaf", "main", "app", "1", "Debian", 4},
        {"", "a.example", "mismatch", "", "main", "app", "1", "Debian", 4},
        {"", "a.example", "mismatch", "leaf", "", "app", "1", "Debian", 4},
        {"", "a.example", "mismatch", "leaf", "main", "ap", "p1", "Debian", 4},
        {"", "a.example", "mismatch", "leaf", "main", "app", "2", "Debian", 4},
        {"", "a.example", "mismatch", "leaf", "main", "app", "1", "", 4},
        {"", "a.example", "mismatch", "leaf", "main", "app", "1", "Debian", 5},
        {"", "a.example", "mismatch", "leaf", "main", "app", "1", "Debian", INT64_C(4) << 32},
    };
    struct pti_series_key keys[sizeof labels / sizeof labels[0]], again;
    struct pintle_crypto *crypto = NULL;

    (void)state;
    assert_int_equal(pintle_crypto_openssl_new(&crypto), PINTLE_OK);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        assert_int_equal(pti_series_key_of(crypto, &labels[i], &keys[i]), PINTLE_OK);
        for (size_t j = 0; j < i; j++)
            if (pti_series_key_compare(&keys[i], &keys[j]) == 0)
                fail_msg("series %zu and %zu are one", i, j);
    }
    assert_int_equal(pti_series_key_of(crypto, &labels[0], &again), PINTLE_OK);
    assert_int_equal(pti_series_key_compare(&again, &keys[0]), 0);
    pintle_crypto_free(crypto);
}

static void reports_add_up_to_cells(void **state)
{
    struct pti_rollup *rollup = calloc(1, sizeof *rollup);
    struct pti_series_labels labels;
    struct pti_report report;

    (void)state;
    assert_non_null(rollup);
    memset(&report, 0, sizeof report);
    pti_series_labels_of(&report, "", &labels);
    for (int turn = 0; turn < 2; turn++) { /* the second finds nothing of the first */
        pti_rollup_clear(rollup);
        for (uint64_t i = 0; i < PTI_INTAKE_REPORTS_MAX; i++) {
            struct pti_series_key key = key_of(i % 100);

            report.weight = 10;
            report.successes = i == 7 ? PTI_JSON_INTEGER_MAX : 2;
            report.recovery_tried = i % 200 == 0;
            report.hll_register = (int64_t)(i % PTI_HLL_REGISTERS);
            report.hll_rank = i % 3 == 0 ? 4095 : 2; /* no rank of a hash is above 53 */
            pti_rollup_add(rollup, pti_rollup_cell(rollup, &key, &labels), &report, i % 2 ? 0 : hash_of(i));
        }
        assert_int_equal(rollup->cell_count, 100);
        pti_rollup_sort(rollup);
        for (size_t i = 0, at = 0; i < 100; i++) {
            const struct pti_rollup_cell *cell = &rollup->cells[i];
            int64_t reports = cell->reports;

            assert_true(reports == 40 || reports == 41);
            assert_true(i == 0 || pti_series_key_compare(&rollup->cells[i - 1].key, &cell->key) < 0);
            assert_int_equal(cell->weight, 10 * reports);
            assert_true(cell->successes == 2 * reports ||
                        cell->successes == 2 * (reports - 1) + PTI_INTAKE_SUCCESSES_MAX);
            for (int sketch = 0; sketch < PTI_SKETCHES; sketch++) {
                assert_int_equal(cell->updates[sketch], at);
                for (size_t left = cell->update_count[sketch]; left > 0; left--, at++) {
                    assert_int_equal(pti_series_key_compare(&rollup->updates[at].key, &cell->key), 0);
                    assert_int_equal(rollup->updates[at].sketch, sketch);
                    assert_true(rollup->updates[at].rank <= PTI_HLL_RANK_MAX);
                }
            }
            assert_true(at <= rollup->update_count && (i < 99 || at == rollup->update_count));
        }
    }
    free(rollup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_known_for_one_to_two_spans),
        cmocka_unit_test(ids_are_bounded_in_number),
        cmocka_unit_test(a_clock_that_jumps_costs_one_generation_at_most),
        cmocka_unit_test(an_id_of_zero_is_one_like_any_other),
        cmocka_unit_test(sketches_estimate_within_four_deviations),
        cmocka_unit_test(sketches_are_the_same_after_writing_and_reading),
        cmocka_unit_test(two_sketches_merge_into_that_of_both),
        cmocka_unit_test(a_sketch_updated_in_place_is_that_of_all),
        cmocka_unit_test(what_is_no_sketch_is_refused),
        cmocka_unit_test(live_series_are_bounded_and_idle_ones_make_room),
        cmocka_unit_test(samples_are_counted_by_the_hour),
        cmocka_unit_test(a_series_is_all_of_its_labels),
        cmocka_unit_test(reports_add_up_to_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
