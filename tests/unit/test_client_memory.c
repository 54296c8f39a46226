/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client whose n-th allocation fails, for every n of a start and of a refresh: it never crashes or leaks, says
 * PINTLE_ERR_MEMORY or succeeds, never lets a host go unpinned, does the same thing again as soon as there is memory, and
 * leaves a store from which everything is as before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"
#include "faults.h"
#include "faults_sim.h"

#define HOST "api.example.com"
#define REQUIRED "required.example.com"
#define GOOD 1 /* pinned in the generation that ships; then 2 beside it, then 3 instead of 2 */
#define BAD 99 /* in none */

/* What the store holds when the client starts. */
enum held { NOTHING, BEFORE, AFTER, NO_ROOTS, RUBBISH };

struct scene {
    const char *name;
    enum held held;
    bool ships;    /* the application ships the first generation */
    bool plain;    /* no head and no body: plain TUF files */
    bool resigned; /* the timestamp was signed once more since */
    bool emptied;  /* somebody empties the store once the client has started */
    bool starts;   /* it is the start that meets the fault, not the refresh after it */
    bool sampled;  /* every other allocation will do, for most of them are those of another scene */
};

struct life {
    const struct scene *scene;
    struct fixture fixture;
    struct sim_files *replay;                       /* the first generation as it was served */
    struct pintle_bytes roots, accepted[AFTER + 1]; /* the store, by enum held */
    unsigned kinds;
};

static void copy_store(struct sim *sim, const char *name, struct pintle_bytes *copy)
{
    assert_int_equal(pti_bytes_copy(sim_store_get(sim, name), copy), PINTLE_OK);
}

/* One client that follows two publications; the second has two roots more. */
static void begin(struct life *life, const struct scene *scene, unsigned kinds)
{
    struct sim *sim = sim_new();
    struct fixture *fixture = &life->fixture;

    memset(life, 0, sizeof *life);
    life->scene = scene;
    life->kinds = kinds;
    sim_add_host(sim, HOST, "main");
    sim_add_pin(sim, HOST, GOOD);
    sim_add_zone(sim, "extra");
    sim_publish(sim);
    fixture_init(fixture, sim);
    if (scene->ships)
        fixture_ship_generation(fixture);
    faults_sim_use(fixture->config, sim);
    if ((kinds & FAULTS_OPENSSL) == 0)
        faults_sim_use_crypto(fixture->config, sim);
    assert_int_equal(pintle_config_require_host(fixture->config, REQUIRED), PINTLE_OK);
    life->replay = sim_save(sim);
    sim_add_pin(sim, HOST, 2);
    if (scene->held == NO_ROOTS)
        sim_publish_root(sim);
    sim_publish(sim);
    fixture_start(fixture);
    fixture_refresh(fixture);
    copy_store(sim, "roots", &life->roots);
    copy_store(sim, "accepted", &life->accepted[BEFORE]);
    sim_rotate(sim, SIM_TARGETS);
    sim_add_pin(sim, HOST, 3);
    sim_remove_pin(sim, HOST, 2);
    sim_rotate(sim, SIM_SNAPSHOT);
    if (scene->held == AFTER) {
        pti_bytes_free(&life->roots);
        fixture_refresh(fixture);
        copy_store(sim, "roots", &life->roots);
        copy_store(sim, "accepted", &life->accepted[AFTER]);
    }
    if (scene->resigned)
        sim_publish_timestamp(sim);
    fixture_stop(fixture);
}

/* The store and the network as this scene finds them. */
static void set_scene(const struct life *life)
{
    const enum held held = life->scene->held;
    struct sim *sim = life->fixture.sim;

    sim_store_clear(sim);
    if (held != NOTHING && held != NO_ROOTS)
        sim_store_put(sim, "roots", life->roots);
    if (held == RUBBISH)
        sim_store_put(sim, "accepted", pti_bytes_text("rubbish"));
    else if (held != NOTHING)
        sim_store_put(sim, "accepted", life->accepted[held == AFTER ? AFTER : BEFORE]);
    if (life->scene->plain) {
        sim_override(sim, "head/*", SIM_STATUS, 404, (struct pintle_bytes){NULL, 0});
        sim_override(sim, "body/*", SIM_STATUS, 404, (struct pintle_bytes){NULL, 0});
    }
}

static void end(struct life *life)
{
    pti_bytes_free(&life->roots);
    pti_bytes_free(&life->accepted[BEFORE]);
    pti_bytes_free(&life->accepted[AFTER]);
    fixture_clear(&life->fixture);
}

static void stays_pinned(struct life *life, struct fixture *fixture, long n)
{
    bool known = life->scene->ships || life->scene->held != NOTHING;

    if (fixture_check(fixture, REQUIRED, BAD).status == PINTLE_OK ||
        (known && fixture_check(fixture, HOST, BAD).status == PINTLE_OK))
        fail_msg("%s, allocation %ld: the host goes unpinned: %s", life->scene->name, n,
                 pintle_reason_name(fixture_check(fixture, HOST, BAD).reason));
}

/* True if it succeeded all the same. */
static bool memory_or_ok(const struct life *life, long n, enum pintle_status status, const char *detail)
{
    if (status != PINTLE_OK && (status != PINTLE_ERR_MEMORY || detail[0] == '\0'))
        fail_msg("%s, allocation %ld: expected a lack of memory, found %s: \"%s\"", life->scene->name, n,
                 pintle_status_name(status), detail);
    return status == PINTLE_OK;
}

/* Must succeed now; and from here on the newest generation is in force. */
static void refresh(struct life *life, long n)
{
    struct fixture *fixture = &life->fixture;
    char detail[512];

    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) != PINTLE_OK) {
        (void)pintle_client_error(fixture->client, detail, sizeof detail);
        fail_msg("%s, allocation %ld: cannot refresh afterwards: %s", life->scene->name, n, detail);
    }
    fixture_accepts(fixture, HOST, 3);
    fixture_refuses(fixture, HOST, 2);
}

static bool is_thorough(void)
{
    return getenv("PINTLE_LONG") != NULL;
}

/*
 * A client from the store that was left behind, or, if that is gone, the one that runs, pins as before; and takes no older
 * manifest (asked every fifth time, for it costs the most).
 */
static void stays_put(struct life *life, long n)
{
    struct fixture other = {.sim = life->fixture.sim, .config = life->fixture.config};
    struct fixture *fixture = life->scene->emptied || life->scene->starts ? &life->fixture : &other;

    if (fixture == &other)
        fixture_start(&other);
    stays_pinned(life, fixture, n);
    if (life->scene->held != NOTHING && life->scene->held != RUBBISH && (n % 5 == 0 || is_thorough())) {
        sim_serve(life->fixture.sim, life->replay);
        if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
            fail_msg("%s, allocation %ld: an older manifest is taken afterwards", life->scene->name, n);
        stays_pinned(life, fixture, n);
        sim_serve(life->fixture.sim, NULL);
    }
    fixture_stop(&other);
}

/* The start meets the fault.  False if there was no n-th allocation. */
static bool start_once(struct life *life, long n)
{
    struct fixture *fixture = &life->fixture;
    enum pintle_status status;
    bool met;

    faults_arm(life->kinds, n, FAULTS_FAIL, 0);
    status = pintle_client_new(fixture->config, &fixture->client);
    met = faults_disarm();
    if (memory_or_ok(life, n, status, pintle_config_error(fixture->config)))
        assert_int_equal(pintle_client_checker(fixture->client, &fixture->checker), PINTLE_OK);
    else
        assert_null(fixture->client);
    if (status != PINTLE_OK)
        fixture_start(fixture);
    return met;
}

/* The refresh of a client that has started meets it. */
static bool refresh_once(struct life *life, long n)
{
    struct fixture *fixture = &life->fixture;
    enum pintle_status status;
    char detail[512];
    bool met;

    fixture_start(fixture);
    if (life->scene->emptied)
        sim_store_clear(fixture->sim);
    faults_arm(life->kinds, n, FAULTS_FAIL, 0);
    status = pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS);
    met = faults_disarm();
    (void)pintle_client_error(fixture->client, detail, sizeof detail);
    if (memory_or_ok(life, n, status, detail))
        fixture_accepts(fixture, HOST, 3);
    return met;
}

/* Every n, or every step-th. */
static void fail_each(const struct scene *scene, unsigned kinds, long step)
{
    struct life life;
    bool more = true;
    long n;

    if (!faults_available())
        skip();
    begin(&life, scene, kinds);
    for (n = 0; more; n += step) {
        set_scene(&life);
        more = scene->starts ? start_once(&life, n) : refresh_once(&life, n);
        stays_pinned(&life, &life.fixture, n);
        sim_override_clear(life.fixture.sim);
        stays_put(&life, n);
        refresh(&life, n);
        fixture_stop(&life.fixture);
    }
    print_message("%s: %ld allocations\n", scene->name, n);
    assert_true(n > 2); /* a poll that finds nothing new takes hardly more */
    end(&life);
}

static void test_starts(void **state)
{
    static const struct scene scenes[] = {
        {.name = "start from nothing", .held = NOTHING, .starts = true},
        {.name = "start from what ships", .held = NOTHING, .ships = true, .starts = true},
        {.name = "start from a store and what ships", .held = AFTER, .ships = true, .starts = true},
        {.name = "start from a store without its roots",
         .held = NO_ROOTS,
         .ships = true,
         .starts = true,
         .sampled = true},
        {.name = "start from a damaged store", .held = RUBBISH, .ships = true, .starts = true, .sampled = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        fail_each(&scenes[i], FAULTS_MEMORY, scenes[i].sampled && !is_thorough() ? 2 : 1);
}

static void test_refreshes(void **state)
{
    static const struct scene scenes[] = {
        {.name = "first refresh", .held = NOTHING},
        {.name = "new roots and a new generation", .held = BEFORE, .ships = true},
        {.name = "nothing new", .held = AFTER},
        {.name = "nothing new but the timestamp", .held = AFTER, .resigned = true},
        {.name = "from plain files", .held = BEFORE, .plain = true, .sampled = true},
        {.name = "the store has lost its roots", .held = NO_ROOTS, .ships = true},
        {.name = "the store holds rubbish", .held = RUBBISH, .ships = true, .sampled = true},
        {.name = "somebody empties the store", .held = BEFORE, .ships = true, .emptied = true, .sampled = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        fail_each(&scenes[i], FAULTS_MEMORY, scenes[i].sampled && !is_thorough() ? 2 : 1);
}

/* Also inside OpenSSL, where a lack of memory must not look like a bad signature. */
static void test_provider(void **state)
{
    static const struct scene scenes[] = {
        {.name = "start, and in OpenSSL", .held = BEFORE, .ships = true, .starts = true},
        {.name = "refresh, and in OpenSSL", .held = BEFORE, .ships = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        fail_each(&scenes[i], FAULTS_MEMORY | FAULTS_OPENSSL, is_thorough() ? 1 : 7);
}

/*
 * Another process has stored version 3 while this one holds version 1; reading it fails for lack of memory, and an
 * attacker serves version 2.  It must not come to lie over version 3.
 */
static void test_failed_restart_writes_nothing_older(void **state)
{
    struct pintle_bytes stored[3];
    struct sim_files *second = NULL;
    struct sim *sim = sim_new();
    struct fixture fixture;
    bool more = true;

    (void)state;
    if (!faults_available())
        skip();
    sim_add_host(sim, HOST, "main");
    sim_publish(sim);
    fixture_init(&fixture, sim);
    faults_sim_use(fixture.config, sim);
    faults_sim_use_crypto(fixture.config, sim);
    for (uint8_t i = 0; i < 3; i++) {
        sim_add_pin(sim, HOST, (uint8_t)(i + 1));
        sim_publish(sim);
        if (i == 1)
            second = sim_save(sim);
        fixture_start(&fixture);
        fixture_refresh(&fixture);
        copy_store(sim, "accepted", &stored[i]);
    }
    sim_serve(sim, second);
    fixture_stop(&fixture);
    for (long n = 0; more; n++) {
        sim_store_put(sim, "accepted", stored[0]);
        fixture_start(&fixture);
        sim_store_put(sim, "accepted", stored[2]);
        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        if (pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
            fail_msg("allocation %ld: version 2 is taken", n);
        more = faults_disarm();
        if (pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
            fail_msg("allocation %ld: version 2 is taken afterwards", n);
        assert_true(pti_bytes_equal(sim_store_get(sim, "accepted"), stored[2]));
        fixture_accepts(&fixture, HOST, 3);
        fixture_stop(&fixture);
    }
    for (size_t i = 0; i < 3; i++)
        pti_bytes_free(&stored[i]);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_refreshes),
        cmocka_unit_test(test_provider),
        cmocka_unit_test(test_failed_restart_writes_nothing_older),
    };

    return faults_hook_openssl() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
