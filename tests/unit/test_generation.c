/* SPDX-License-Identifier: Apache-2.0 */
/* Building a generation: what is pulled and in which order, and what is never asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "generation_fixture.h"
#include "tuf_fixture.h"

#define MAX PTI_STORE_BLOB_MAX

struct scene {
    struct sim *sim;
    struct pti_roots roots;
    struct pti_error error;
};

/* Zones main and extra, and gone, which was withdrawn. */
static void begin(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->sim = sim_new();
    sim_add_zone(scene->sim, "extra");
    sim_add_zone(scene->sim, "gone");
    sim_add_host(scene->sim, "api.example.com", "main");
    sim_add_pin(scene->sim, "api.example.com", 1);
    sim_publish(scene->sim);
    sim_remove_zone(scene->sim, "gone");
    sim_publish(scene->sim);
    generation_roots(scene->sim, 0, &scene->roots);
}

static void end(struct scene *scene)
{
    pti_roots_clear(&scene->roots);
    sim_free(scene->sim);
}

static void test_built_in_order(void **state)
{
    struct pti_generation *generation;
    struct scene scene;
    char asked[512];

    (void)state;
    begin(&scene);
    assert_int_equal(generation_build(scene.sim, &scene.roots, &generation, NULL, asked, sizeof asked), PINTLE_OK);
    assert_string_equal(asked, "snapshot.json targets.json charter.json roles/main.json zones/main.json "
                               "roles/extra.json zones/extra.json ");
    assert_int_equal(generation->root_version, 1);
    assert_int_equal(generation->issued, SIM_START);
    assert_int_equal(generation->zone_count, 2);
    assert_int_equal(pti_generation_zone(generation, "extra")->zone.version, 1);
    assert_null(pti_generation_zone(generation, "gone"));
    pti_generation_free(generation);
    pti_generation_free(NULL);
    end(&scene);
}

/*
 * Role names and paths that are no zones (CVE-2021-41131 and its like) are neither asked for nor an error.
 */
static void test_odd_delegations_are_never_fetched(void **state)
{
    static const struct {
        const char *name, *paths; /* "" paths: path_hash_prefixes */
        bool is_zone;
    } cases[] = {
        {"extra", "\"zones/extra.json\"", true},
        {"extra", "\"other\",\"zones/extra.json\"", true},
        {"extra", "\"zones/*.json\"", false},
        {"extra", "\"zones/main.json\"", false},
        {"extra", "\"zones/extra.json\\u0000\"", false},
        {"extra", "\"Zones/extra.json\"", false},
        {"extra", "5,null", false},
        {"extra", "", false},
        {"../extra", "\"zones/../extra.json\"", false},
        {"..", "\"zones/...json\"", false},
        {"a/b", "\"zones/a/b.json\"", false},
        {"a\\\\b", "\"zones/a\\\\b.json\"", false},
        {"Extra", "\"zones/Extra.json\"", false},
        {"extra ", "\"zones/extra .json\"", false},
        {"ex%2ftra", "\"zones/ex%2ftra.json\"", false},
        {"extra\\u0000", "\"zones/extra\\u0000.json\"", false},
        {"-extra", "\"zones/-extra.json\"", false},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* 64 */
         "\"zones/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.json\"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[128], paths[256], asked[512], *file, *named, *targets;
        struct pti_generation *generation;
        struct scene scene;

        begin(&scene);
        (void)snprintf(name, sizeof name, "\"name\":\"%s\"", cases[i].name);
        (void)snprintf(paths, sizeof paths, "%s:[%s]",
                       cases[i].paths[0] != '\0' ? "\"paths\"" : "\"path_hash_prefixes\"", cases[i].paths);
        file = pti_bytes_strdup(scene.sim->targets);
        file[strlen(file) - 1] = '\0'; /* of the envelope */
        named = tuf_edit(strstr(file, "{\"_type\""), "\"name\":\"extra\"", name);
        targets = tuf_edit(named, "\"paths\":[\"zones/extra.json\"]", paths);
        pti_bytes_free(&scene.sim->targets);
        scene.sim->targets = sim_sign(scene.sim, &scene.sim->signers[SIM_TARGETS], pti_bytes_text(targets));
        sim_publish_online(scene.sim);
        if (generation_build(scene.sim, &scene.roots, &generation, &scene.error, asked, sizeof asked) != PINTLE_OK)
            fail_msg("%s: %s", cases[i].name, scene.error.detail);
        if (generation->zone_count != (cases[i].is_zone ? 2u : 1u) ||
            (strstr(asked, "extra") != NULL) != cases[i].is_zone)
            fail_msg("%s (%s): asked for %s", cases[i].name, cases[i].paths, asked);
        pti_generation_free(generation);
        free(targets);
        free(named);
        free(file);
        end(&scene);
    }
}

/* The role of zone main with other text in it, signed by main's key, in what is served. */
static void edit_role(struct scene *scene, const char *from, const char *to)
{
    struct sim_zone *zone = sim_zone(scene->sim, "main");
    char *file = pti_bytes_strdup(zone->role), *edited;

    file[strlen(file) - 1] = '\0'; /* of the envelope */
    edited = tuf_edit(strstr(file, "{\"_type\""), from, to);
    pti_bytes_free(&zone->role);
    zone->role = sim_sign(scene->sim, &zone->signers, pti_bytes_text(edited));
    sim_publish_online(scene->sim);
    free(edited);
    free(file);
}

/* A zone says which keys its hosts have, and nothing about other zones or other signers. */
static void test_a_zone_speaks_for_its_own_file_alone(void **state)
{
    static const struct {
        const char *name, *from, *to;
    } cases[] = {
        {"it lists another zone's file", "\"targets\":{",
         "\"targets\":{\"zones/extra.json\":{\"hashes\":{\"sha256\":"
         "\"0000000000000000000000000000000000000000000000000000000000000000\"},\"length\":1},"},
        {"it delegates further, to a zone and beyond it", "\"targets\":{",
         "\"delegations\":{\"keys\":{},\"roles\":[{\"keyids\":[],\"name\":\"deeper\",\"paths\":[\"zones/deeper.json\"],"
         "\"terminating\":false,\"threshold\":1}]},\"targets\":{"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_generation *generation;
        struct scene scene;
        char asked[512];

        begin(&scene);
        edit_role(&scene, cases[i].from, cases[i].to);
        if (generation_build(scene.sim, &scene.roots, &generation, &scene.error, asked, sizeof asked) != PINTLE_OK)
            fail_msg("%s: %s", cases[i].name, scene.error.detail);
        assert_string_equal(asked, "snapshot.json targets.json charter.json roles/main.json zones/main.json "
                                   "roles/extra.json zones/extra.json ");
        assert_int_equal(generation->zone_count, 2);
        pti_generation_free(generation);
        end(&scene);
    }
}

/* The writer of targets stops at the limit, so the last one is another program's. */
static void test_too_many_zones(void **state)
{
    struct pti_generation *generation;
    struct scene scene;
    char name[16], *file, *targets;

    (void)state;
    begin(&scene);
    for (size_t i = 2; i < PTI_ZONES_MAX; i++) { /* main and extra are there */
        (void)snprintf(name, sizeof name, "z%zu", i);
        (void)sim_add_zone(scene.sim, name);
    }
    sim_publish(scene.sim);
    assert_int_equal(generation_build(scene.sim, &scene.roots, &generation, &scene.error, NULL, 0), PINTLE_OK);
    assert_int_equal(generation->zone_count, PTI_ZONES_MAX);
    pti_generation_free(generation);
    file = pti_bytes_strdup(scene.sim->targets);
    file[strlen(file) - 1] = '\0'; /* of the envelope */
    targets = tuf_edit(strstr(file, "{\"_type\""), "\"paths\":[\"zones/z63.json\"]}",
                       "\"paths\":[\"zones/z63.json\"]},{\"name\":\"z64\",\"keyids\":[],\"threshold\":1,"
                       "\"terminating\":true,\"paths\":[\"zones/z64.json\"]}");
    pti_bytes_free(&scene.sim->targets);
    scene.sim->targets = sim_sign(scene.sim, &scene.sim->signers[SIM_TARGETS], pti_bytes_text(targets));
    sim_publish_online(scene.sim);
    assert_int_equal(generation_build(scene.sim, &scene.roots, &generation, &scene.error, NULL, 0), PINTLE_ERR_INPUT);
    assert_non_null(strstr(scene.error.detail, "more than 64 zones"));
    free(targets);
    free(file);
    end(&scene);
}

/* An issue time more than a day ahead of the local clock is not taken. */
static void test_issue_time(void **state)
{
    static const struct {
        int64_t ahead_s, want;
    } cases[] = {{0, SIM_START}, {86400, SIM_START + 86400}, {86401, -1}, {INT64_MIN, -1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_generation *generation;
        struct scene scene;

        begin(&scene);
        scene.sim->issued_offset_s = cases[i].ahead_s;
        sim_publish_timestamp(scene.sim);
        generation = generation_of(scene.sim, &scene.roots);
        assert_int_equal(generation->issued, cases[i].want);
        pti_generation_free(generation);
        end(&scene);
    }
}

static void test_body(void **state)
{
    struct pti_generation *generation;
    struct scene scene;
    struct pti_buf body;
    char path[128];

    (void)state;
    begin(&scene);
    generation = generation_of(scene.sim, &scene.roots);
    pti_buf_init(&body, MAX);
    pti_generation_write_body(generation, &body);
    sim_body_path(scene.sim, path);
    assert_true(pti_bytes_equal(pti_buf_bytes(&body), sim_current(scene.sim, path)));
    pti_buf_clear(&body);
    pti_generation_free(generation);
    end(&scene);
}

static void test_earliest_expiry(void **state)
{
    static const struct {
        int64_t timestamp, snapshot, targets, zone, want, want_without_zone; /* days */
    } cases[] = {{1, 2, 3, 4, 1, 1}, {2, 1, 3, 4, 1, 1}, {3, 2, 1, 4, 1, 1}, {4, 3, 2, 1, 1, 2}, {5, 5, 5, 5, 5, 5}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_generation *generation;
        struct pti_roots roots;
        struct sim *sim = sim_new();

        sim->expires_days[SIM_TIMESTAMP] = cases[i].timestamp;
        sim->expires_days[SIM_SNAPSHOT] = cases[i].snapshot;
        sim->expires_days[SIM_TARGETS] = cases[i].targets;
        sim_zone(sim, "main")->expires_days = cases[i].zone;
        sim_publish(sim);
        generation_roots(sim, 0, &roots);
        generation = generation_of(sim, &roots);
        assert_int_equal(pti_generation_expires(generation, &generation->zones[0]),
                         SIM_START + cases[i].want * SIM_DAY);
        assert_int_equal(pti_generation_expires(generation, NULL), SIM_START + cases[i].want_without_zone * SIM_DAY);
        pti_generation_free(generation);
        pti_roots_clear(&roots);
        sim_free(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in_order),
        cmocka_unit_test(test_odd_delegations_are_never_fetched),
        cmocka_unit_test(test_a_zone_speaks_for_its_own_file_alone),
        cmocka_unit_test(test_too_many_zones),
        cmocka_unit_test(test_issue_time),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_earliest_expiry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
