/* SPDX-License-Identifier: Apache-2.0 */
/* Renewing timestamp and snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/resign.h"
#include "scratch.h"

struct renewal {
    struct pti_repository *repository;
    struct pti_keyring ring;
    struct pti_resign_input input;
};

static void open_renewal(struct scratch *scratch, struct renewal *renewal, bool snapshot, int64_t now)
{
    *renewal = (struct renewal){.repository = scratch_open(scratch, "repo", PTI_REPOSITORY_PUBLISHED)};
    scratch_ok(scratch,
               pti_repository_load_keys(renewal->repository, NULL, NULL, &renewal->ring, NULL, &scratch->error));
    renewal->input = (struct pti_resign_input){.root = pti_published_root(&renewal->repository->published),
                                               .snapshot = renewal->repository->published.snapshot,
                                               .timestamp = renewal->repository->published.timestamp,
                                               .keys = &renewal->ring,
                                               .renew_snapshot = snapshot,
                                               .days = renewal->repository->settings.days,
                                               .now = now,
                                               .crypto = scratch->crypto};
}

static void close_renewal(struct renewal *renewal)
{
    pti_keyring_clear(&renewal->ring);
    pti_repository_close(renewal->repository);
}

static void test_renewal_moves_dates_and_nothing_else(void **state)
{
    struct scratch *scratch = *state;
    struct renewal renewal;
    struct pti_resigned resigned;
    struct pti_generation *generation;

    scratch_init(scratch, "repo", 0, 0);
    for (int64_t round = 0; round < 2; round++) {
        const int64_t now = SCRATCH_NOW + (round + 1) * SCRATCH_DAY;
        open_renewal(scratch, &renewal, round == 1, now);
        scratch_ok(scratch, pti_resign(&renewal.input, &resigned, &scratch->error));
        assert_int_equal(resigned.snapshot.size > 0, round == 1);
        scratch_ok(scratch, pti_publish_resigned(renewal.repository, &resigned, now, &scratch->error));
        generation = scratch_client_view(scratch, renewal.repository, now);
        assert_int_equal(generation->timestamp->version, round + 2);
        assert_int_equal(generation->timestamp->issued, now);
        assert_int_equal(generation->timestamp->expires, now + 3 * SCRATCH_DAY);
        assert_int_equal(generation->snapshot->version, round + 1);
        assert_int_equal(generation->targets->version, 1);
        pti_generation_free(generation);
        scratch_assert_served_whole(scratch, "repo");
        pti_resigned_clear(&resigned);
        close_renewal(&renewal);
    }
}

static void test_a_server_that_was_down_for_weeks_recovers(void **state)
{
    struct scratch *scratch = *state;
    const int64_t now = SCRATCH_NOW + 30 * SCRATCH_DAY;
    struct renewal renewal;
    struct pti_resigned resigned;

    scratch_init(scratch, "repo", 0, 0);
    open_renewal(scratch, &renewal, true, now);
    scratch_ok(scratch, pti_resign(&renewal.input, &resigned, &scratch->error));
    scratch_ok(scratch, pti_publish_resigned(renewal.repository, &resigned, now, &scratch->error));
    pti_generation_free(scratch_client_view(scratch, renewal.repository, now));
    pti_resigned_clear(&resigned);
    close_renewal(&renewal);
}

static void test_the_signer_refuses_what_it_cannot_vouch_for(void **state)
{
    enum { WRONG_ROOT, OTHER_SNAPSHOT, NO_KEYS, LOW_VERSION, CASES };
    static const struct {
        enum pintle_status want;
        const char *text;
    } table[CASES] = {
        [WRONG_ROOT] = {PINTLE_ERR_TRUST, "0 of 1 required signatures verify"},
        [OTHER_SNAPSHOT] = {PINTLE_ERR_TRUST, "snapshot.json"},
        [NO_KEYS] = {PINTLE_ERR_TRUST, "0 of 1 keys are at hand"},
        [LOW_VERSION] = {PINTLE_ERR_INPUT, "the next one must be higher"},
    };
    struct scratch *scratch = *state;
    struct pintle_bytes first, stranger;
    struct renewal renewal;
    struct pti_resigned resigned;
    const struct pti_keyring none = {NULL, 0};

    scratch_init(scratch, "other", 0, 0);
    stranger = scratch_read(scratch, scratch_path(scratch, "other/public/metadata/1.root.json"));
    scratch_init(scratch, "repo", 0, 0);
    first = scratch_read(scratch, scratch_path(scratch, "repo/public/metadata/1.snapshot.json"));
    renewal.repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    (void)scratch_publish(scratch, renewal.repository, SCRATCH_NOW);
    pti_repository_close(renewal.repository);
    for (int i = 0; i < CASES; i++) {
        open_renewal(scratch, &renewal, true, SCRATCH_NOW);
        if (i == WRONG_ROOT)
            renewal.input.root = stranger;
        if (i == OTHER_SNAPSHOT)
            renewal.input.snapshot = first;
        if (i == NO_KEYS)
            renewal.input.keys = &none;
        if (i == LOW_VERSION)
            renewal.input.snapshot_version = 2;
        scratch_refused(scratch, pti_resign(&renewal.input, &resigned, &scratch->error), table[i].want, table[i].text);
        assert_int_equal(resigned.timestamp.size + resigned.snapshot.size, 0);
        close_renewal(&renewal);
    }
    pti_bytes_free(&first);
    pti_bytes_free(&stranger);
}

static void test_what_was_renewed_elsewhere_is_verified_before_it_is_served(void **state)
{
    struct scratch *scratch = *state;
    struct renewal renewal;
    struct pti_resigned resigned;

    scratch_init(scratch, "repo", 0, 0);
    open_renewal(scratch, &renewal, false, SCRATCH_NOW);
    scratch_ok(scratch, pti_resign(&renewal.input, &resigned, &scratch->error));
    ((uint8_t *)(uintptr_t)resigned.timestamp.data)[resigned.timestamp.size / 3] ^= 1;
    assert_int_not_equal(pti_publish_resigned(renewal.repository, &resigned, SCRATCH_NOW, &scratch->error), PINTLE_OK);
    pti_resigned_clear(&resigned);
    scratch_ok(scratch, pti_resign(&renewal.input, &resigned, &scratch->error));
    scratch_ok(scratch, pti_publish_resigned(renewal.repository, &resigned, SCRATCH_NOW, &scratch->error));
    scratch_refused(scratch, pti_publish_resigned(renewal.repository, &resigned, SCRATCH_NOW, &scratch->error),
                    PINTLE_ERR_TRUST, "is not newer");
    pti_resigned_clear(&resigned);
    close_renewal(&renewal);
}

static void test_renewal_is_due_at_half_life(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_resign_dates dates;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_READ);
    scratch_ok(scratch,
               pti_resign_dates_of(&repository->published, &repository->settings.days, &dates, &scratch->error));
    assert_int_equal(dates.timestamp_at, SCRATCH_NOW + 3 * SCRATCH_DAY / 2);
    assert_int_equal(dates.snapshot_at, SCRATCH_NOW + 7 * SCRATCH_DAY / 2);
    assert_int_equal(dates.targets_expires, SCRATCH_NOW + 365 * SCRATCH_DAY);
    assert_int_equal(dates.zone_expires, SCRATCH_NOW + 90 * SCRATCH_DAY);
    assert_string_equal(dates.zone, "main");
    pti_repository_close(repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_renewal_moves_dates_and_nothing_else),
        SCRATCH_TEST(test_a_server_that_was_down_for_weeks_recovers),
        SCRATCH_TEST(test_the_signer_refuses_what_it_cannot_vouch_for),
        SCRATCH_TEST(test_what_was_renewed_elsewhere_is_verified_before_it_is_served),
        SCRATCH_TEST(test_renewal_is_due_at_half_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
