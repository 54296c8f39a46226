/* SPDX-License-Identifier: Apache-2.0 */
/* What a client takes for a head, and what plain files may leave out. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"
#include "tuf/container.h"

#define HOST "api.example.com"
static const struct pintle_bytes nothing = {NULL, 0};

/* Key 1 is in force under root 1; root 2 and root 3 (same keys) and key 2 wait. */
static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    fixture_begin(fixture, sim);
    sim_publish_root(sim);
    sim_publish_root(sim);
    sim_add_pin(sim, HOST, 2);
    sim_publish(sim);
}

static struct pintle_bytes part(struct sim *sim, char name)
{
    switch (name) {
    case '2':
        return sim_current(sim, "metadata/2.root.json");
    case '3':
        return sim_current(sim, "metadata/3.root.json");
    case 't':
        return sim_current(sim, "metadata/timestamp.json");
    default:
        return nothing;
    }
}

static void test_forged_heads(void **state)
{
    static const struct {
        const char *name;
        const char *paths[4];
        const char *parts; /* of each path: root 2, root 3, the timestamp, or nothing */
        const char *want;  /* NULL: it is taken */
        const char *root;  /* in force afterwards, or at least known */
    } cases[] = {
        {"as it is", {"2.root.json", "3.root.json", "timestamp.json"}, "23t", NULL, "3"},
        {"root 1 again", {"1.root.json", "2.root.json", "3.root.json", "timestamp.json"}, "-23t", NULL, "3"},
        {"a gap", {"3.root.json", "timestamp.json"}, "3t", "the roots are not in order", "1"},
        {"backwards", {"3.root.json", "2.root.json", "timestamp.json"}, "32t", "the roots are not in order", "1"},
        {"no timestamp", {"2.root.json", "3.root.json"}, "23", "does not end with timestamp.json", "1"},
        {"timestamp first", {"timestamp.json", "2.root.json"}, "t2", "does not end with timestamp.json", "1"},
        {"empty", {NULL}, "", "does not end with timestamp.json", "1"},
        {"a stranger", {"x.json", "timestamp.json"}, "2t", "the roots are not in order", "1"},
        {"a leading zero", {"02.root.json", "timestamp.json"}, "2t", "the roots are not in order", "1"},
        {"empty timestamp", {"2.root.json", "3.root.json", "timestamp.json"}, "23-", "timestamp: byte 0", "3"},
        {"rubbish after a good root", {"2.root.json", "3.root.json", "timestamp.json"}, "2-t", "root: byte 0", "2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count = strlen(cases[i].parts);
        struct fixture fixture;
        struct pti_buf head;

        begin(&fixture);
        pti_buf_init(&head, 1000000);
        pti_container_write_begin(&head, (uint32_t)count);
        for (size_t n = 0; n < count; n++)
            pti_container_write_entry(&head, cases[i].paths[n], part(fixture.sim, cases[i].parts[n]));
        sim_override(fixture.sim, "head/1", SIM_BYTES, 0, pti_buf_bytes(&head));
        if (cases[i].want == NULL) {
            fixture_refresh(&fixture);
            fixture_accepts(&fixture, HOST, 2);
        } else {
            char detail[512];

            assert_int_not_equal(pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
            (void)pintle_client_error(fixture.client, detail, sizeof detail);
            if (strstr(detail, cases[i].want) == NULL)
                fail_msg("%s: %s", cases[i].name, detail);
            fixture_refuses(&fixture, HOST, 2);
        }
        fixture_accepts(&fixture, HOST, 1);
        assert_string_equal(fixture_info(&fixture, "root"), cases[i].root);
        pti_buf_clear(&head);
        fixture_clear(&fixture);
    }
}

/* A root is known, and nothing that verifies under it has arrived: what is in force is not fresh any more. */
static void test_root_without_timestamp(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_override(fixture.sim, "head/*", SIM_STATUS, 404, nothing);
    sim_override(fixture.sim, "metadata/timestamp.json", SIM_FAIL, 0, nothing);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "timestamp.json");
    assert_string_equal(fixture_info(&fixture, "root"), "3");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

/* New roots, and the timestamp that is in force already: it is verified under the newest, which counts as new. */
static void test_new_root_with_the_same_timestamp(void **state)
{
    struct fixture fixture;
    struct sim *sim = sim_new();

    (void)state;
    sim_add_host(sim, HOST, "main");
    sim_add_pin(sim, HOST, 1);
    sim_publish(sim);
    fixture_init(&fixture, sim);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    sim_publish_root(sim);
    sim_override(sim, "head/*", SIM_STATUS, 404, nothing);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    sim_fail_after(sim, 0);
    fixture_start(&fixture);
    assert_string_equal(fixture_info(&fixture, "root"), "2");
    assert_string_equal(fixture_info(&fixture, "state"), "fresh"); /* under root 2, which is in the store */
    fixture_clear(&fixture);
}

/* Without the hash of the snapshot there is no name for its body, and nothing says which snapshot is meant. */
static void test_timestamp_without_hash(void **state)
{
    struct fixture fixture;
    struct pintle_bytes timestamp;
    char text[512];

    (void)state;
    begin(&fixture);
    (void)snprintf(
        text, sizeof text,
        "{\"_type\":\"timestamp\",\"spec_version\":\"1.0.31\",\"version\":9,\"expires\":\"2027-01-16T08:00:00Z\","
        "\"meta\":{\"snapshot.json\":{\"version\":%" PRId64 "}}}",
        fixture.sim->snapshot_version);
    timestamp = sim_sign(fixture.sim, &fixture.sim->signers[SIM_TIMESTAMP], pti_bytes_text(text));
    sim_override(fixture.sim, "head/*", SIM_STATUS, 404, nothing);
    sim_override(fixture.sim, "metadata/timestamp.json", SIM_BYTES, 0, timestamp);
    fixture_refresh_fails(&fixture, PINTLE_ERR_INPUT, "does not give the sha256 of the snapshot");
    fixture_accepts(&fixture, HOST, 1);
    pti_bytes_free(&timestamp);
    fixture_clear(&fixture);
}

/* Until storage is in order again nothing is written to it, new roots included. */
static void test_roots_wait_for_a_damaged_store(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_store_put(fixture.sim, "roots", pti_bytes_text("rubbish"));
    fixture_start(&fixture);
    sim_override(fixture.sim, "body/*", SIM_FAIL, 0, nothing);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "body");
    assert_string_equal(fixture_info(&fixture, "root"), "3");
    assert_true(pti_bytes_equal_text(sim_store_get(fixture.sim, "roots"), "rubbish"));
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    fixture_start(&fixture);
    assert_string_equal(fixture_info(&fixture, "root"), "3");
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_heads),
        cmocka_unit_test(test_root_without_timestamp),
        cmocka_unit_test(test_new_root_with_the_same_timestamp),
        cmocka_unit_test(test_timestamp_without_hash),
        cmocka_unit_test(test_roots_wait_for_a_damaged_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
