/* SPDX-License-Identifier: Apache-2.0 */
/* The trusted set: the order of the steps, and every check of each step, one at a time. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tuf_world.h"

static void test_all_steps(void **state)
{
    const struct pti_tuf_metadata *targets;
    struct world world;

    (void)state;
    world_begin(&world, NULL);
    assert_null(pti_trusted_timestamp(&world.set));
    assert_null(pti_trusted_snapshot_file(&world.set));
    assert_null(pti_trusted_role_file(&world.set, pti_bytes_text("targets")));
    assert_null(pti_trusted_targets(&world.set));
    world_takes(&world, WORLD_DONE);
    targets = pti_trusted_targets(&world.set);
    assert_int_equal(pti_trusted_timestamp(&world.set)->version, 1);
    assert_int_equal(targets->version, 3);
    assert_int_equal(pti_trusted_role(&world.set, targets, pti_bytes_text("main"))->version, 4);
    assert_null(pti_trusted_role(&world.set, world.root, pti_bytes_text("main"))); /* by whom counts */
    assert_int_equal(pti_trusted_role_file(&world.set, pti_bytes_text("main"))->version, 4);
    assert_null(pti_trusted_role_file(&world.set, pti_bytes_text("main.json")));
    world_end(&world);
}

static void test_order(void **state)
{
    struct world world;

    (void)state;
    world_begin(&world, NULL);
    world_refuses(&world, WORLD_SNAPSHOT, PINTLE_ERR_MISUSE, "there is no timestamp yet");
    world_refuses(&world, WORLD_TARGETS, PINTLE_ERR_MISUSE, "there is no snapshot yet");
    world_refuses(&world, WORLD_MAIN, PINTLE_ERR_MISUSE, "there is no delegator yet");
    world_takes(&world, WORLD_SNAPSHOT);
    world_refuses(&world, WORLD_TARGETS, PINTLE_ERR_MISUSE, "there is no snapshot yet");
    world_takes(&world, WORLD_TARGETS);
    world_refuses(&world, WORLD_TIMESTAMP, PINTLE_ERR_MISUSE, "a snapshot was verified against");
    world_refuses(&world, WORLD_MAIN, PINTLE_ERR_MISUSE, "there is no delegator yet");
    assert_int_equal(world_take(&world, WORLD_TARGETS), PINTLE_OK);
    world_refuses(&world, WORLD_SNAPSHOT, PINTLE_ERR_MISUSE, "targets were verified against");
    world_refuses(&world, WORLD_TARGETS, PINTLE_ERR_MISUSE, "targets: taken already");
    assert_int_equal(world_take(&world, WORLD_MAIN), PINTLE_OK);
    world_refuses(&world, WORLD_MAIN, PINTLE_ERR_MISUSE, "main: taken already");
    world_end(&world);
}

static void test_each_check(void **state)
{
    static const struct {
        const char *name;
        struct world_change change;
        enum world_step fails;
        const char *want;
    } cases[] = {
        {"timestamp not signed", {WORLD_TIMESTAMP, NULL, NULL, ""}, WORLD_TIMESTAMP, "timestamp: 0 of 1"},
        {"timestamp signed by snapshot's key",
         {WORLD_TIMESTAMP, NULL, NULL, "2"},
         WORLD_TIMESTAMP,
         "timestamp: 0 of 1"},
        {"snapshot signed by timestamp's key", {WORLD_SNAPSHOT, NULL, NULL, "3"}, WORLD_SNAPSHOT, "snapshot: 0 of 1"},
        {"targets signed by snapshot's key", {WORLD_TARGETS, NULL, NULL, "2"}, WORLD_TARGETS, "targets: 0 of 1"},
        {"targets signed by the zone's key", {WORLD_TARGETS, NULL, NULL, "4"}, WORLD_TARGETS, "targets: 0 of 1"},
        {"zone signed by targets' key", {WORLD_MAIN, NULL, NULL, "1"}, WORLD_MAIN, "main: 0 of 1"},
        {"zone signed by another zone's key", {WORLD_MAIN, NULL, NULL, "5"}, WORLD_MAIN, "main: 0 of 1"},
        {"snapshot of another version",
         {WORLD_SNAPSHOT, "'version':2,'meta'", "'version':3,'meta'", NULL},
         WORLD_SNAPSHOT,
         "snapshot: version 3 where version 2 is listed (mix and match)"},
        {"targets of an older version",
         {WORLD_TARGETS, "'version':3", "'version':2", NULL},
         WORLD_TARGETS,
         "targets: version 2 where version 3 is listed"},
        {"targets of a newer version",
         {WORLD_TARGETS, "'version':3", "'version':4", NULL},
         WORLD_TARGETS,
         "targets: version 4 where version 3 is listed"},
        {"zone of another version (CVE-2025-2887)",
         {WORLD_MAIN, "'version':4", "'version':3", NULL},
         WORLD_MAIN,
         "main: version 3 where version 4 is listed"},
        {"timestamp expired",
         {WORLD_TIMESTAMP, "2027-01-16", "2027-01-14", NULL},
         WORLD_TIMESTAMP,
         "timestamp: version 1 expired at 2027-01-14T08:00:00Z (it is 2027-01-15T08:00:00Z)"},
        {"snapshot expired",
         {WORLD_SNAPSHOT, "2027-01-16", "2027-01-14", NULL},
         WORLD_SNAPSHOT,
         "snapshot: version 2 expired"},
        {"targets expired",
         {WORLD_TARGETS, "2027-01-16", "2027-01-14", NULL},
         WORLD_TARGETS,
         "targets: version 3 expired"},
        {"zone expired (CVE-2026-6967)",
         {WORLD_MAIN, "2027-01-16", "2027-01-14", NULL},
         WORLD_MAIN,
         "main: version 4 expired"},
        {"snapshot does not list the zone",
         {WORLD_SNAPSHOT, "'main.json'", "'other.json'", NULL},
         WORLD_MAIN,
         "main: delegated, but the snapshot does not list it"},
        {"targets does not delegate the zone",
         {WORLD_TARGETS, "'name':'main'", "'name':'other'", NULL},
         WORLD_MAIN,
         "main: not delegated"},
        {"snapshot hash", {WORLD_TIMESTAMP, "'sha256':'", "'sha256':'00", NULL}, WORLD_TIMESTAMP, "64 lower-case hex"},
        {"snapshot length",
         {WORLD_TIMESTAMP, "'length':", "'length':1", NULL},
         WORLD_SNAPSHOT,
         "the signed length is 1"},
        {"zone length (CVE-2026-6967)",
         {WORLD_SNAPSHOT, "'main.json':{'version':4,'length':", "'main.json':{'version':4,'length':1", NULL},
         WORLD_MAIN,
         "the signed length is 1"},
        {"a role where a snapshot belongs",
         {WORLD_SNAPSHOT, "'snapshot'", "'timestamp'", NULL},
         WORLD_SNAPSHOT,
         "expected metadata of type snapshot"},
        {"a timestamp where targets belong",
         {WORLD_TARGETS, "'_type':'targets'", "'_type':'root'", NULL},
         WORLD_TARGETS,
         "expected metadata of type targets"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pintle_status status;
        struct world world;

        world_begin(&world, &cases[i].change);
        world_takes(&world, cases[i].fails);
        status = world_take(&world, cases[i].fails);
        if ((status != PINTLE_ERR_TRUST && status != PINTLE_ERR_INPUT) ||
            strstr(world.fixture.error.detail, cases[i].want) == NULL)
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), world.fixture.error.detail);
        world_end(&world);
    }
}

/* Properly signed, but not what is listed: hash first, so that nothing of it is even parsed. */
static void test_other_file_than_listed(void **state)
{
    static const struct world_change others[] = {
        {WORLD_SNAPSHOT, "'meta'", "'x':1,'meta'", NULL},
        {WORLD_TARGETS, "'version'", "'x':1,'version'", NULL},
        {WORLD_MAIN, "'version'", "'x':1,'version'", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct world world, other;

        world_begin(&world, NULL);
        other = world;
        world_publish(&other, &others[i]);
        pti_bytes_free(&world.files[others[i].where]);
        world.files[others[i].where] = other.files[others[i].where];
        other.files[others[i].where] = (struct pintle_bytes){NULL, 0};
        world_takes(&world, others[i].where);
        world_refuses(&world, others[i].where, PINTLE_ERR_TRUST, "the signed length is");
        world_unpublish(&other);
        world_end(&world);
    }
}

static void test_flipped_byte(void **state)
{
    (void)state;
    for (int step = WORLD_SNAPSHOT; step < WORLD_DONE; step++) {
        struct world world;

        world_begin(&world, NULL);
        world_takes(&world, (enum world_step)step);
        ((uint8_t *)(uintptr_t)world.files[step].data)[20] ^= 1;
        world_refuses(&world, (enum world_step)step, PINTLE_ERR_TRUST, "do not have the signed hash");
        world_end(&world);
    }
}

/* A file is good until the second before its expiry; the zone's expiry may be waived alone, or all of them. */
static void test_expiry_to_the_second(void **state)
{
    static const struct {
        int64_t now;
        bool waive, waive_delegated;
        enum world_step fails;
    } cases[] = {
        {WORLD_EXPIRES - 1, false, false, WORLD_DONE},      {WORLD_EXPIRES, false, false, WORLD_TIMESTAMP},
        {WORLD_EXPIRES + 1, false, false, WORLD_TIMESTAMP}, {WORLD_EXPIRES, false, true, WORLD_TIMESTAMP},
        {WORLD_EXPIRES, true, false, WORLD_DONE},           {INT64_MAX / 2, true, false, WORLD_DONE},
        {WORLD_ROOT_EXPIRES, true, false, WORLD_DONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;

        world_begin(&world, NULL);
        pti_trusted_init(&world.set, world.fixture.crypto, world.root, cases[i].now);
        world.set.waive_expiry = cases[i].waive;
        world.set.waive_delegated_expiry = cases[i].waive_delegated;
        world_takes(&world, cases[i].fails);
        if (cases[i].fails != WORLD_DONE)
            world_refuses(&world, cases[i].fails, PINTLE_ERR_TRUST, "expired at 2027-01-16T08:00:00Z");
        world_end(&world);
    }
}

static void test_each_expires_alone(void **state)
{
    static const enum world_step steps[] = {WORLD_TIMESTAMP, WORLD_SNAPSHOT, WORLD_TARGETS, WORLD_MAIN};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct world_change soon = {steps[i], "2027-01-16", "2027-01-15", NULL}; /* expires WORLD_NOW */
        struct world world;

        for (int early = 0; early < 2; early++) {
            world_begin(&world, &soon);
            pti_trusted_init(&world.set, world.fixture.crypto, world.root, WORLD_NOW - early);
            world_takes(&world, early ? WORLD_DONE : steps[i]);
            if (!early)
                world_refuses(&world, steps[i], PINTLE_ERR_TRUST, "expired at 2027-01-15T08:00:00Z");
            world_end(&world);
        }
        world_begin(&world, &soon);
        world.set.waive_delegated_expiry = true;
        world_takes(&world, steps[i] == WORLD_MAIN ? WORLD_DONE : steps[i]);
        if (steps[i] != WORLD_MAIN) /* targets is no delegated role */
            world_refuses(&world, steps[i], PINTLE_ERR_TRUST, "expired");
        world_end(&world);
    }
}

static void test_root_expiry(void **state)
{
    struct world world;

    (void)state;
    world_begin(&world, NULL);
    assert_int_equal(pti_trusted_check_root(&world.set, NULL), PINTLE_OK);
    pti_trusted_init(&world.set, world.fixture.crypto, world.root, WORLD_ROOT_EXPIRES - 1);
    assert_int_equal(pti_trusted_check_root(&world.set, NULL), PINTLE_OK);
    pti_trusted_init(&world.set, world.fixture.crypto, world.root, WORLD_ROOT_EXPIRES);
    assert_int_equal(pti_trusted_check_root(&world.set, &world.fixture.error), PINTLE_ERR_TRUST);
    assert_non_null(strstr(world.fixture.error.detail, "root: version 1 expired at 2030-01-01T00:00:00Z"));
    world_end(&world);
}

/* x-pintle-issued: at most a day ahead of the local clock, a lower bound of now from then on, undone on failure. */
static void test_issue_time(void **state)
{
    static const struct {
        const char *issued;
        int64_t now;
    } cases[] = {
        {"2027-01-15T08:00:01Z", WORLD_NOW + 1},     {"2027-01-15T07:59:59Z", WORLD_NOW},
        {"2027-01-16T07:59:59Z", WORLD_NOW + 86399}, {"2027-01-16T08:00:01Z", WORLD_NOW}, /* too far ahead */
        {"2099-01-01T00:00:00Z", WORLD_NOW},         {"1970-01-01T00:00:00Z", WORLD_NOW},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        char field[64];
        struct world_change issued = {WORLD_TIMESTAMP, "'_type'", field, NULL};

        (void)snprintf(field, sizeof field, "'x-pintle-issued':'%s','_type'", cases[i].issued);
        world_begin(&world, &issued);
        world_takes(&world, WORLD_SNAPSHOT);
        if (world.set.now != cases[i].now)
            fail_msg("%s: now is %" PRId64, cases[i].issued, world.set.now);
        world_end(&world);
        issued.signers = "2";
        world_begin(&world, &issued);
        world_refuses(&world, WORLD_TIMESTAMP, PINTLE_ERR_TRUST, "0 of 1");
        assert_int_equal(world.set.now, WORLD_NOW);
        world_end(&world);
    }
}

/* An issue time exactly a day ahead counts, and expires this timestamp by itself. */
static void test_issue_time_binds_at_once(void **state)
{
    const struct world_change issued = {WORLD_TIMESTAMP, "'_type'", "'x-pintle-issued':'2027-01-16T08:00:00Z','_type'",
                                        NULL};
    struct world world;

    (void)state;
    world_begin(&world, &issued);
    world_refuses(&world, WORLD_TIMESTAMP, PINTLE_ERR_TRUST, "(it is 2027-01-16T08:00:00Z)");
    assert_int_equal(world.set.now, WORLD_NOW); /* and does not bind after that failure */
    assert_null(pti_trusted_timestamp(&world.set));
    world_end(&world);
}

/* ... and root, which was good a moment ago. */
static void test_issue_time_expires_root(void **state)
{
    static const struct world_change issued = {
        WORLD_TIMESTAMP, "'expires':'2027-01-16T08:00:00Z'",
        "'expires':'2031-01-01T00:00:00Z','x-pintle-issued':'2030-01-01T00:00:00Z'", NULL};
    struct world world;

    (void)state;
    world_begin(&world, &issued);
    pti_trusted_init(&world.set, world.fixture.crypto, world.root, WORLD_ROOT_EXPIRES - 60);
    assert_int_equal(pti_trusted_check_root(&world.set, NULL), PINTLE_OK);
    world_refuses(&world, WORLD_TIMESTAMP, PINTLE_ERR_TRUST, "root: version 1 expired at 2030-01-01T00:00:00Z");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_steps),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_each_check),
        cmocka_unit_test(test_other_file_than_listed),
        cmocka_unit_test(test_flipped_byte),
        cmocka_unit_test(test_expiry_to_the_second),
        cmocka_unit_test(test_each_expires_alone),
        cmocka_unit_test(test_root_expiry),
        cmocka_unit_test(test_issue_time),
        cmocka_unit_test(test_issue_time_binds_at_once),
        cmocka_unit_test(test_issue_time_expires_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
