/* SPDX-License-Identifier: Apache-2.0 */
/* The trusted set and what was accepted before: rollback, equal versions, replaced keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tuf_world.h"

/* A baseline of timestamp 5 naming snapshot 5, with targets 5 and main 5. */
static const char baseline_timestamp[] = "{'_type':'timestamp'," WORLD_DATES
                                         ",'version':5,'meta':{'snapshot.json':{'version':5}}}";
static const char baseline_snapshot[] = "{'_type':'snapshot'," WORLD_DATES
                                        ",'version':5,'meta':{'targets.json':{'version':5},'main.json':{'version':5}}}";

static void test_baseline(void **state)
{
    static const struct {
        const char *name, *timestamp, *snapshot; /* versions of what is offered, and meta */
        enum world_step fails;
        const char *want;
    } cases[] = {
        {"next", "6 6", "6'targets.json':{'version':6},'main.json':{'version':5}", WORLD_DONE, NULL},
        {"same snapshot", "6 5", "5'targets.json':{'version':5},'main.json':{'version':5}", WORLD_DONE, NULL},
        {"lower timestamp", "4 5", "", WORLD_TIMESTAMP, "timestamp: version 4 is older than version 5"},
        {"lower snapshot in timestamp", "6 4", "", WORLD_TIMESTAMP, "names snapshot version 4"},
        {"targets go back", "6 6", "6'targets.json':{'version':4},'main.json':{'version':5}", WORLD_SNAPSHOT,
         "targets.json goes back"},
        {"main goes back", "6 6", "6'targets.json':{'version':5},'main.json':{'version':4}", WORLD_SNAPSHOT,
         "main.json goes back"},
        {"main vanishes", "6 6", "6'targets.json':{'version':5}", WORLD_SNAPSHOT, "no longer lists main.json"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_tuf_metadata *timestamp, *snapshot;
        char text[512];
        struct world world;

        world_begin(&world, NULL);
        timestamp = tuf_parse(&world.fixture, PTI_TUF_TIMESTAMP, baseline_timestamp, "3");
        snapshot = tuf_parse(&world.fixture, PTI_TUF_SNAPSHOT, baseline_snapshot, "2");
        assert_int_equal(pti_trusted_set_baseline(&world.set, timestamp, snapshot, WORLD_NOW + 5, 1, NULL), PINTLE_OK);
        assert_int_equal(world.set.now, WORLD_NOW + 5);
        assert_ptr_equal(pti_trusted_timestamp(&world.set), timestamp);
        pti_bytes_free(&world.files[WORLD_TIMESTAMP]);
        pti_bytes_free(&world.files[WORLD_SNAPSHOT]);
        (void)snprintf(text, sizeof text,
                       "{'_type':'timestamp'," WORLD_DATES ",'version':%c,'meta':{'snapshot.json':"
                       "{'version':%c}}}",
                       cases[i].timestamp[0], cases[i].timestamp[2]);
        world.files[WORLD_TIMESTAMP] = tuf_envelope(&world.fixture, text, "3");
        if (cases[i].snapshot[0] != '\0') {
            (void)snprintf(text, sizeof text, "{'_type':'snapshot'," WORLD_DATES ",'version':%c,'meta':{%s}}",
                           cases[i].snapshot[0], cases[i].snapshot + 1);
            world.files[WORLD_SNAPSHOT] = tuf_envelope(&world.fixture, text, "2");
        }
        world_takes(&world, cases[i].fails == WORLD_DONE ? WORLD_TARGETS : cases[i].fails);
        if (cases[i].fails != WORLD_DONE)
            world_refuses(&world, cases[i].fails, PINTLE_ERR_TRUST, cases[i].want);
        pti_tuf_metadata_free(timestamp);
        pti_tuf_metadata_free(snapshot);
        world_end(&world);
    }
}

/* Equal version: the one at hand stays in force, whatever the other says, and its expiry is checked again. */
static void test_equal_timestamp_is_discarded(void **state)
{
    struct pti_tuf_metadata *timestamp, *snapshot;
    struct world world;

    (void)state;
    world_begin(&world, NULL);
    timestamp = tuf_parse(&world.fixture, PTI_TUF_TIMESTAMP, baseline_timestamp, "3");
    snapshot = tuf_parse(&world.fixture, PTI_TUF_SNAPSHOT, baseline_snapshot, "2");
    pti_bytes_free(&world.files[WORLD_TIMESTAMP]);
    world.files[WORLD_TIMESTAMP] = tuf_envelope(
        &world.fixture,
        "{'_type':'timestamp','spec_version':'1.0','expires':'2029-01-01T00:00:00Z','version':5,"
        "'meta':{'snapshot.json':{'version':9}}}",
        "3");
    assert_int_equal(pti_trusted_set_baseline(&world.set, timestamp, snapshot, -1, 1, NULL), PINTLE_OK);
    world_takes(&world, WORLD_SNAPSHOT);
    assert_ptr_equal(pti_trusted_timestamp(&world.set), timestamp);
    assert_int_equal(pti_trusted_snapshot_file(&world.set)->version, 5);
    pti_trusted_init(&world.set, world.fixture.crypto, world.root, WORLD_EXPIRES);
    assert_int_equal(pti_trusted_set_baseline(&world.set, timestamp, snapshot, -1, 1, NULL), PINTLE_OK);
    world_refuses(&world, WORLD_TIMESTAMP, PINTLE_ERR_TRUST, "timestamp: version 5 expired");
    pti_tuf_metadata_free(timestamp);
    pti_tuf_metadata_free(snapshot);
    world_end(&world);
}

/* Specification 5.3.11: once root has replaced either key, versions start again; the issue time is the timestamp's. */
static void test_baseline_of_replaced_keys_does_not_count(void **state)
{
    static const struct {
        const char *timestamp_signer, *snapshot_signer;
        int64_t verified_root;
        bool counts, time_counts;
    } cases[] = {
        {"3", "2", 7, true, true},   {"4", "2", 7, false, false}, {"3", "4", 7, false, true},
        {"4", "4", 7, false, false}, {"4", "4", 1, true, true}, /* verified under this very root before */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_tuf_metadata *timestamp, *snapshot;
        struct world world;

        world_begin(&world, NULL);
        timestamp = tuf_parse(&world.fixture, PTI_TUF_TIMESTAMP, baseline_timestamp, cases[i].timestamp_signer);
        snapshot = tuf_parse(&world.fixture, PTI_TUF_SNAPSHOT, baseline_snapshot, cases[i].snapshot_signer);
        assert_int_equal(pti_trusted_set_baseline(&world.set, timestamp, snapshot, WORLD_NOW + 9,
                                                  cases[i].verified_root, &world.fixture.error),
                         PINTLE_OK);
        assert_int_equal(pti_trusted_timestamp(&world.set) != NULL, cases[i].counts);
        assert_int_equal(world.set.now, cases[i].time_counts ? WORLD_NOW + 9 : WORLD_NOW);
        if (cases[i].counts)
            world_refuses(&world, WORLD_TIMESTAMP, PINTLE_ERR_TRUST, "rollback");
        else
            world_takes(&world, WORLD_DONE);
        pti_tuf_metadata_free(timestamp);
        pti_tuf_metadata_free(snapshot);
        world_end(&world);
    }
}

/* "A day ahead" is measured from the local clock, not from what was taken: nobody walks a client into the future. */
static void test_issue_times_do_not_add_up(void **state)
{
    static const struct world_change issued = {
        WORLD_TIMESTAMP, "'expires':'2027-01-16T08:00:00Z'",
        "'expires':'2031-01-01T00:00:00Z','x-pintle-issued':'2027-01-16T20:00:00Z'", NULL};
    struct pti_tuf_metadata *timestamp, *snapshot;
    struct world world;

    (void)state;
    world_begin(&world, &issued);
    timestamp = tuf_parse(&world.fixture, PTI_TUF_TIMESTAMP, baseline_timestamp, "4");
    snapshot = tuf_parse(&world.fixture, PTI_TUF_SNAPSHOT, baseline_snapshot, "2");
    assert_int_equal(pti_trusted_set_baseline(&world.set, timestamp, snapshot, WORLD_NOW + 80000, 1, NULL), PINTLE_OK);
    world.set.baseline_timestamp = NULL; /* only its time is of interest */
    world_takes(&world, WORLD_SNAPSHOT);
    assert_int_equal(world.set.now, WORLD_NOW + 80000);
    pti_tuf_metadata_free(timestamp);
    pti_tuf_metadata_free(snapshot);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline),
        cmocka_unit_test(test_equal_timestamp_is_discarded),
        cmocka_unit_test(test_baseline_of_replaced_keys_does_not_count),
        cmocka_unit_test(test_issue_times_do_not_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
