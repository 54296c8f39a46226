/* SPDX-License-Identifier: Apache-2.0 */
/* apply: each rule alone, in a situation where no other rule would notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "generation_fixture.h"
#include "manifest/apply.h"

#define HOST "api.example.com"

/* What was accepted under root 1, and what may follow, under the newest root. */
struct scene {
    struct sim *sim;
    struct pti_roots roots;
    struct pti_generation *accepted;
    struct pti_generation *next;
    struct pti_error error;
};

/* Zone main with key 1, in its third version; zone extra; nothing rotated. */
static void begin(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->sim = sim_new();
    sim_add_zone(scene->sim, "extra");
    sim_add_host(scene->sim, HOST, "main")->subdomains = true;
    for (uint8_t i = 1; i <= 3; i++) {
        sim_add_pin(scene->sim, HOST, i);
        sim_publish(scene->sim);
    }
    generation_roots(scene->sim, 0, &scene->roots);
    scene->accepted = generation_of(scene->sim, &scene->roots);
    assert_int_equal(scene->accepted->zones[0].zone.version, 3);
}

/* Takes what is published now as next, under all roots there are now. */
static void offer(struct scene *scene)
{
    pti_generation_free(scene->next);
    pti_roots_clear(&scene->roots);
    generation_roots(scene->sim, 0, &scene->roots);
    scene->next = generation_of(scene->sim, &scene->roots);
}

static void end(struct scene *scene)
{
    pti_generation_free(scene->accepted);
    pti_generation_free(scene->next);
    pti_roots_clear(&scene->roots);
    sim_free(scene->sim);
}

static void applies(struct scene *scene)
{
    scene->error = (struct pti_error){PINTLE_OK, ""};
    if (pti_apply(scene->accepted, scene->next, pti_roots_newest(&scene->roots), &scene->error) != PINTLE_OK)
        fail_msg("refused: %s", scene->error.detail);
}

static void refused(struct scene *scene, const char *text)
{
    enum pintle_status status = pti_apply(scene->accepted, scene->next, pti_roots_newest(&scene->roots), &scene->error);

    if (status != PINTLE_ERR_TRUST || strstr(scene->error.detail, text) == NULL)
        fail_msg("expected \"%s\", found %s: %s", text, pintle_status_name(status), scene->error.detail);
}

/* Next becomes accepted, as a client would do it. */
static void accept_next(struct scene *scene)
{
    applies(scene);
    assert_int_equal(pti_apply_inherit(scene->accepted, scene->next, pti_roots_newest(&scene->roots), &scene->error),
                     PINTLE_OK);
    pti_generation_free(scene->accepted);
    scene->accepted = scene->next;
    scene->next = NULL;
}

/* Root replaces the timestamp key, which voids the baseline: only Pintle's own rules are left. */
static void void_baseline(struct scene *scene)
{
    sim_new_keys(scene->sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(scene->sim);
}

static void test_what_may_follow(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    offer(&scene); /* the same again */
    applies(&scene);
    sim_publish_timestamp(scene.sim);
    offer(&scene);
    applies(&scene);
    sim_add_pin(scene.sim, HOST, 9);
    sim_add_host(scene.sim, "other.example.com", "extra");
    sim_publish(scene.sim);
    offer(&scene);
    applies(&scene);
    sim_rotate(scene.sim, SIM_ROOT);
    sim_rotate(scene.sim, SIM_TARGETS);
    sim_rotate(scene.sim, SIM_SNAPSHOT);
    sim_rotate(scene.sim, SIM_TIMESTAMP);
    offer(&scene);
    applies(&scene);
    assert_int_equal(pti_apply(NULL, scene.next, pti_roots_newest(&scene.roots), NULL), PINTLE_OK);
    end(&scene);
}

/* Root 2 changes nothing but its version: a newer manifest that was verified under root 1 is still a step back. */
static void test_older_root(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    sim_publish_root(scene.sim);
    sim_publish(scene.sim);
    offer(&scene);
    accept_next(&scene);
    sim_publish(scene.sim);
    pti_roots_clear(&scene.roots);
    generation_roots(scene.sim, 1, &scene.roots);
    scene.next = generation_of(scene.sim, &scene.roots);
    refused(&scene, "verified under root 1, older than root 2");
    end(&scene);
}

static void test_older_timestamp(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.sim->timestamp_version -= 2;
    sim_publish_timestamp(scene.sim);
    offer(&scene);
    refused(&scene, "timestamp: version 2 is older than version 3");
    end(&scene);
}

static void test_older_snapshot(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.sim->snapshot_version -= 2;
    sim_publish_online(scene.sim);
    offer(&scene);
    refused(&scene, "snapshot version 2, older than version 3");
    end(&scene);
}

/* The same zone file, signed by the zone as an older version of its role. */
static void test_older_role_in_snapshot(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    sim_zone(scene.sim, "main")->role_version = 1;
    sim_sign_zone(scene.sim, "main");
    sim_publish_online(scene.sim);
    offer(&scene);
    refused(&scene, "main.json goes back from version 3 to 2");
    end(&scene);
}

static void test_role_vanishes_from_snapshot(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    sim_remove_zone(scene.sim, "extra");
    sim_publish(scene.sim);
    offer(&scene);
    applies(&scene); /* withdrawn but listed */
    sim_zone(scene.sim, "extra")->hidden = true;
    sim_publish(scene.sim);
    offer(&scene);
    refused(&scene, "no longer lists extra.json");
    end(&scene);
}

/* Specification 5.3.11: root replaced either key, so all of the above is void. */
static void test_replaced_online_keys_void_the_baseline(void **state)
{
    static const enum sim_role roles[] = {SIM_TIMESTAMP, SIM_SNAPSHOT};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;

        begin(&scene);
        sim_new_keys(scene.sim, roles[i], PTI_KEY_ED25519, 1, 1);
        sim_publish_root(scene.sim);
        scene.sim->timestamp_version = scene.sim->snapshot_version = 0;
        sim_zone(scene.sim, "main")->role_version = 0;
        sim_sign_zone(scene.sim, "main");
        sim_remove_zone(scene.sim, "extra");
        sim_zone(scene.sim, "extra")->hidden = true;
        sim_publish(scene.sim);
        offer(&scene);
        applies(&scene);
        end(&scene);
    }
}

/* A new root that keeps the online keys voids nothing. */
static void test_other_new_roots_void_nothing(void **state)
{
    static const enum sim_role roles[] = {SIM_ROOT, SIM_TARGETS};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;

        begin(&scene);
        sim_new_keys(scene.sim, roles[i], PTI_KEY_ED25519, 1, 1);
        sim_publish_root(scene.sim);
        scene.sim->timestamp_version = 0;
        sim_publish(scene.sim);
        offer(&scene);
        refused(&scene, "timestamp: version 1 is older");
        end(&scene);
    }
}

static void test_rule_1_older_targets(void **state)
{
    struct sim_files *old;
    struct scene scene;

    (void)state;
    begin(&scene);
    old = sim_save(scene.sim);
    sim_add_host(scene.sim, "other.example.com", "main");
    sim_publish(scene.sim);
    offer(&scene);
    accept_next(&scene);
    void_baseline(&scene);
    sim_take(scene.sim, old, "targets");
    sim_release_host(scene.sim, "other.example.com"); /* only in the draft: what is signed is old */
    sim_publish_online(scene.sim);
    offer(&scene);
    assert_int_equal(scene.next->charter.host_count, 1);
    scene.next->charter.released = scene.sim->charter.released; /* let rule 2 be content */
    scene.next->charter.released_count = 1;
    refused(&scene, "targets: version 1 is older than version 2");
    scene.next->charter.released = NULL;
    scene.next->charter.released_count = 0;
    end(&scene);
}

static void test_rule_2_host_omitted(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    sim_omit_host(scene.sim, HOST);
    sim_publish(scene.sim);
    offer(&scene);
    refused(&scene, "the charter to list api.example.com");
    end(&scene);
    begin(&scene);
    sim_release_host(scene.sim, HOST);
    sim_publish(scene.sim);
    offer(&scene);
    applies(&scene);
    end(&scene);
}

static void test_rule_2_subdomains_narrowed(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    pti_charter_find(&scene.sim->charter, HOST)->subdomains = false;
    sim_publish(scene.sim);
    offer(&scene);
    refused(&scene, "the subdomains of api.example.com");
    assert_int_equal(pti_charter_set_subdomains(&scene.sim->charter, HOST, true, NULL), PINTLE_OK);
    assert_int_equal(pti_charter_set_subdomains(&scene.sim->charter, HOST, false, NULL), PINTLE_OK);
    sim_publish(scene.sim);
    offer(&scene);
    applies(&scene);
    end(&scene);
}

/* With or without something accepted: it is not even built. */
static void test_rule_3_delegated_zone_not_in_snapshot(void **state)
{
    struct pti_generation *generation;
    struct scene scene;

    (void)state;
    begin(&scene);
    sim_zone(scene.sim, "extra")->hidden = true;
    sim_publish_online(scene.sim);
    assert_int_equal(generation_build(scene.sim, &scene.roots, &generation, &scene.error, NULL, 0), PINTLE_ERR_TRUST);
    assert_null(generation);
    assert_non_null(strstr(scene.error.detail, "does not list zone extra, which is delegated"));
    end(&scene);
}

/*
 * Who may sign zone main in what follows, and how low its version may go.  Key "a" signed version 3.  The role's own
 * version rises, so that the snapshot has nothing against it.
 */
static void test_rule_4_lower_zone_version(void **state)
{
    static const struct {
        const char *keys; /* of the new delegation; "a" is the old key */
        int64_t threshold, version;
        bool refused;
    } cases[] = {
        {"a", 1, 2, true},  {"a", 1, 3, false},  {"a", 1, 4, false},  {"b", 1, 1, false},   {"ab", 1, 2, true},
        {"ba", 1, 2, true}, {"ab", 2, 2, false}, {"ab", 2, 0, false}, {"abc", 2, 2, false}, {"bc", 2, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_signing_key *old;
        struct sim_zone *zone;
        struct scene scene;

        begin(&scene);
        zone = sim_zone(scene.sim, "main");
        old = zone->signers.keys[0];
        for (size_t k = 0; cases[i].keys[k] != '\0'; k++) {
            struct sim_signers kept = zone->signers;

            sim_rotate_zone_keys(scene.sim, "main");
            kept.keys[k] = cases[i].keys[k] == 'a' ? old : zone->signers.keys[0];
            zone->signers = kept;
            zone->signers.count = k + 1;
        }
        zone->signers.threshold = cases[i].threshold;
        zone->content.version = cases[i].version;
        sim_sign_zone(scene.sim, "main");
        sim_sign_targets(scene.sim);
        sim_publish_online(scene.sim);
        offer(&scene);
        assert_int_equal(pti_generation_zone(scene.next, "main")->zone.version, cases[i].version);
        if (cases[i].refused)
            refused(&scene, "zone main: version 2 is older than version 3");
        else
            applies(&scene);
        end(&scene);
    }
}

/* Dropped at version 2; the memory of it survives the generations that do not have it. */
static void test_rule_4_zone_that_comes_back(void **state)
{
    static const struct {
        bool new_key;
        int64_t version;
        bool refused;
    } cases[] = {{false, 1, true}, {false, 2, false}, {false, 3, false}, {true, 1, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_zone *zone;
        struct scene scene;

        begin(&scene);
        zone = sim_zone(scene.sim, "extra");
        zone->content.version = 2;
        sim_publish(scene.sim);
        offer(&scene);
        accept_next(&scene);
        sim_remove_zone(scene.sim, "extra");
        for (int n = 0; n < 3; n++) { /* and it is remembered over several */
            sim_add_pin(scene.sim, HOST, (uint8_t)(100 + n));
            sim_publish(scene.sim);
            offer(&scene);
            accept_next(&scene);
            assert_int_equal(scene.accepted->past_zone_count, 1);
        }
        assert_string_equal(scene.accepted->past_zones[0].name, "extra");
        assert_int_equal(scene.accepted->past_zones[0].version, 2);
        assert_int_equal(scene.accepted->past_zones[0].identity_count, 1);
        if (cases[i].new_key)
            sim_rotate_zone_keys(scene.sim, "extra");
        sim_restore_zone(scene.sim, "extra");
        zone->content.version = cases[i].version;
        sim_sign_zone(scene.sim, "extra");
        sim_publish(scene.sim);
        offer(&scene);
        if (cases[i].refused) {
            refused(&scene, "zone extra: version 1 is older than version 2");
        } else {
            accept_next(&scene);
            assert_int_equal(scene.accepted->past_zone_count, 0); /* it is no past zone any more */
        }
        end(&scene);
    }
}

/* The largest issue time outlives its timestamp, until root replaces the timestamp key. */
static void test_inherited_issue_time(void **state)
{
    static const struct {
        bool new_root, new_key, kept;
    } cases[] = {{false, false, true}, {true, false, true}, {true, true, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;
        int64_t issued;

        begin(&scene);
        scene.accepted->issued += 500; /* an earlier one had said so */
        issued = scene.accepted->issued;
        if (cases[i].new_key)
            sim_new_keys(scene.sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
        if (cases[i].new_root)
            sim_publish_root(scene.sim);
        sim_publish(scene.sim);
        offer(&scene);
        accept_next(&scene);
        assert_int_equal(scene.accepted->issued, cases[i].kept ? issued : SIM_START);
        sim_advance(scene.sim, 1000);
        sim_publish(scene.sim);
        offer(&scene);
        accept_next(&scene);
        assert_int_equal(scene.accepted->issued, SIM_START + 1000); /* a later one takes over */
        end(&scene);
    }
}

/* When the list of past zones is full, the oldest memories stay. */
static void test_past_zones_are_bounded(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    scene.accepted->past_zones = calloc(PTI_PAST_ZONES_MAX, sizeof *scene.accepted->past_zones);
    assert_non_null(scene.accepted->past_zones);
    for (size_t i = 0; i < PTI_PAST_ZONES_MAX; i++)
        (void)snprintf(scene.accepted->past_zones[i].name, sizeof scene.accepted->past_zones[i].name, "old-%zu", i);
    scene.accepted->past_zone_count = PTI_PAST_ZONES_MAX;
    sim_remove_zone(scene.sim, "extra");
    sim_publish(scene.sim);
    offer(&scene);
    accept_next(&scene);
    assert_int_equal(scene.accepted->past_zone_count, PTI_PAST_ZONES_MAX);
    assert_string_equal(scene.accepted->past_zones[0].name, "old-0");
    assert_string_equal(scene.accepted->past_zones[PTI_PAST_ZONES_MAX - 1].name, "old-255");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_follow),
        cmocka_unit_test(test_older_root),
        cmocka_unit_test(test_older_timestamp),
        cmocka_unit_test(test_older_snapshot),
        cmocka_unit_test(test_older_role_in_snapshot),
        cmocka_unit_test(test_role_vanishes_from_snapshot),
        cmocka_unit_test(test_replaced_online_keys_void_the_baseline),
        cmocka_unit_test(test_other_new_roots_void_nothing),
        cmocka_unit_test(test_rule_1_older_targets),
        cmocka_unit_test(test_rule_2_host_omitted),
        cmocka_unit_test(test_rule_2_subdomains_narrowed),
        cmocka_unit_test(test_rule_3_delegated_zone_not_in_snapshot),
        cmocka_unit_test(test_rule_4_lower_zone_version),
        cmocka_unit_test(test_rule_4_zone_that_comes_back),
        cmocka_unit_test(test_inherited_issue_time),
        cmocka_unit_test(test_past_zones_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
