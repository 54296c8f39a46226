/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's update of the POSIX store that is killed, or fails, at every call that it makes to the file system: the host
 * stays pinned, a new process goes on from what is there, a message names the file and the cause.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "faults.h"
#include "faults_sim.h"
#include "store_world.h"

#define HOST STORE_WORLD_HOST
#define OTHER "other.example.com" /* in no manifest */
#define BAD STORE_WORLD_BAD
#define EVERYTHING (FAULTS_CHANGES | FAULTS_OPEN | FAULTS_READ | FAULTS_CLOSE | FAULTS_LOCK)

struct scene {
    const char *name;
    bool absent; /* there is no store yet, not even its directory */
    bool ships;
    uint8_t oldest; /* the key that is pinned until the refresh has succeeded */
};

static const struct scene an_update = {"an update", false, false, 2};
static const struct scene a_first_start = {"a first start", true, true, 1};
static const struct scene with_what_ships = {"a store and what ships", false, true, 2};

/* ---- killed ---- */

/* A process of its own: opens the store, starts, refreshes, ends. */
static int update(void *ctx)
{
    struct store_world *world = ctx;

    store_world_open(world);
    fixture_start(&world->fixture);
    fixture_refresh(&world->fixture);
    store_world_close(world);
    return 0;
}

static void kill_each(const struct scene *scene, unsigned kinds, enum faults_how how)
{
    struct store_world world;
    enum faults_end ended = FAULTS_KILLED;
    long n;

    store_world_begin(&world, scene->ships);
    faults_sim_use_crypto(world.fixture.config, world.fixture.sim);
    for (n = 0; ended == FAULTS_KILLED; n++) {
        store_world_reset(&world, scene->absent);
        ended = faults_in_child(kinds, n, how, update, &world);
        if (ended == FAULTS_BROKEN)
            fail_msg("%s, call %ld: the update fails by itself", scene->name, n);
        store_world_must_recover(&world, scene->oldest, scene->name, n);
    }
    print_message("%s: killed at %ld calls\n", scene->name, n - 1);
    assert_true(n > 4);
    store_world_end(&world);
}

static void test_killed_at_every_call(void **state)
{
    (void)state;
    if (!faults_available())
        skip();
    kill_each(&an_update, FAULTS_CHANGES, FAULTS_KILL); /* the others change nothing that could be left behind */
    kill_each(&an_update, FAULTS_WRITE, FAULTS_KILL_HALFWAY);
    kill_each(&a_first_start, FAULTS_CHANGES, FAULTS_KILL);
    kill_each(&a_first_start, FAULTS_WRITE, FAULTS_KILL_HALFWAY);
}

/* ---- failing ---- */

struct weather {
    unsigned kinds;
    enum faults_how how;
    int number;
    bool harmless; /* nobody notices */
};

/* What is said of a fault names the file and the cause. */
static void says_why(const struct store_world *world, const struct weather *weather, const char *text, long n)
{
    if (weather->harmless)
        fail_msg("call %ld, %s: expected that it is overcome, found: %s", n, strerror(weather->number), text);
    if (strstr(text, world->path) == NULL || strstr(text, strerror(weather->number)) == NULL)
        fail_msg("call %ld: expected a message with %s and \"%s\", found: %s", n, world->path,
                 strerror(weather->number), text);
}

/* Never unpinned; and what is in force is the old, the new, or (what is stored cannot be read) what ships, or nothing. */
static void still_pins(struct store_world *world, const struct scene *scene, long n)
{
    struct fixture *fixture = &world->fixture;
    bool unverified = strcmp(fixture_info(fixture, "state"), "unverified") == 0;
    bool matches = false;

    for (uint8_t key = unverified ? 1 : scene->oldest; key <= 3; key++)
        matches = matches || fixture_check(fixture, HOST, key).status == PINTLE_OK;
    if (fixture_check(fixture, HOST, BAD).status == PINTLE_OK || (!matches && (!unverified || scene->ships)))
        fail_msg("%s, call %ld: the host is not pinned as it was", scene->name, n);
    if (unverified && fixture_check(fixture, OTHER, BAD).status == PINTLE_OK)
        fail_msg("%s, call %ld: the store cannot be read, and another host goes unpinned", scene->name, n);
}

/* Opens, starts and refreshes; whatever fails is said. */
static void attempt(struct store_world *world, const struct scene *scene, const struct weather *weather, long n)
{
    struct fixture *fixture = &world->fixture;
    char detail[512] = "";
    enum pintle_status status = store_world_try_open(world, detail, sizeof detail);

    if (status != PINTLE_OK) {
        assert_int_equal(status, PINTLE_ERR_STORAGE);
        says_why(world, weather, detail, n);
        return;
    }
    fixture_start(fixture);
    if (fixture->events[PINTLE_EVENT_STORAGE] > 0)
        says_why(world, weather, fixture->last_message[PINTLE_EVENT_STORAGE], n);
    still_pins(world, scene, n);
    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) != PINTLE_OK) {
        (void)pintle_client_error(fixture->client, detail, sizeof detail);
        says_why(world, weather, detail, n);
    }
    still_pins(world, scene, n);
}

static void fail_each(const struct scene *scene, const struct weather *weather)
{
    struct store_world world;
    bool more = true;

    store_world_begin(&world, scene->ships);
    faults_sim_use_crypto(world.fixture.config, world.fixture.sim);
    for (long n = 0; more; n++) {
        store_world_reset(&world, scene->absent);
        fixture_forget_events(&world.fixture);
        faults_arm(weather->kinds, n, weather->how, weather->number);
        attempt(&world, scene, weather, n);
        more = faults_disarm();
        if (world.fixture.client != NULL) {
            fixture_refresh(&world.fixture);
            fixture_accepts(&world.fixture, HOST, 3);
        }
        store_world_must_recover(&world, scene->oldest, scene->name, n);
    }
    store_world_end(&world);
}

static void test_fails_at_every_call(void **state)
{
    static const struct weather weathers[] = {
        {FAULTS_CREATE | FAULTS_WRITE | FAULTS_SYNC | FAULTS_MKDIR, FAULTS_FAIL, ENOSPC, false},
        {FAULTS_CREATE | FAULTS_WRITE | FAULTS_SYNC | FAULTS_MKDIR, FAULTS_FAIL_ON, ENOSPC, false},
        {EVERYTHING, FAULTS_FAIL, EIO, false},
        {FAULTS_CHANGES, FAULTS_FAIL_ON, EIO, false},
        {FAULTS_CHANGES | FAULTS_OPEN, FAULTS_FAIL, EACCES, false},
        {FAULTS_OPEN, FAULTS_FAIL_ON, EACCES, false},
        {FAULTS_CHANGES, FAULTS_FAIL_ON, EROFS, false},
        {FAULTS_CHANGES | FAULTS_CLOSE, FAULTS_FAIL, EINTR, false},
        {FAULTS_READ | FAULTS_WRITE | FAULTS_LOCK, FAULTS_FAIL, EINTR, true},
        {FAULTS_READ | FAULTS_WRITE, FAULTS_SHORT, 0, true},
    };

    (void)state;
    if (!faults_available())
        skip();
    for (size_t i = 0; i < sizeof weathers / sizeof weathers[0]; i++) {
        fail_each(&an_update, &weathers[i]);
        fail_each(&a_first_start, &weathers[i]);
    }
}

/* What ships stands in for a store that cannot be read, and for no longer than that. */
static void test_unreadable_beside_what_ships(void **state)
{
    static const struct weather weathers[] = {
        {FAULTS_OPEN | FAULTS_READ | FAULTS_LOCK, FAULTS_FAIL, EIO, false},
        {FAULTS_OPEN, FAULTS_FAIL_ON, EACCES, false},
    };

    (void)state;
    if (!faults_available())
        skip();
    for (size_t i = 0; i < sizeof weathers / sizeof weathers[0]; i++)
        fail_each(&with_what_ships, &weathers[i]);
}

/* A blob is whole on the disk before it takes its place, and its place is on the disk before anybody hears of success. */
static void test_replaced_in_this_order(void **state)
{
    struct store_world world;
    char detail[256];

    (void)state;
    if (!faults_available())
        skip();
    store_world_begin(&world, false);
    store_world_open(&world);
    assert_int_equal(world.store.lock(world.store.ctx, detail, sizeof detail), PINTLE_OK);
    faults_arm(FAULTS_CHANGES, -1, FAULTS_FAIL, 0);
    assert_int_equal(world.store.save(world.store.ctx, "accepted", world.accepted, detail, sizeof detail), PINTLE_OK);
    (void)faults_disarm();
    assert_string_equal(faults_trace(), "UCWSNS"); /* a leftover, the new file, its sync, the rename, the directory's */
    world.store.unlock(world.store.ctx);
    store_world_end(&world);
}

/* ---- for real ---- */

#define NOBODY 65534

static const char *in_store(const struct store_world *world, const char *name)
{
    static char path[2][128];
    static unsigned next;
    char *out = path[next++ % 2];

    (void)snprintf(out, sizeof path[0], "%s/%s", world->path, name);
    return out;
}

/* The store as it was, made by a client that ended, and everything of it ours. */
static void settle(struct store_world *world)
{
    store_world_close(world);
    store_world_reset(world, true);
    store_world_reset(world, false);
    store_world_open(world);
    fixture_start(&world->fixture);
    store_world_close(world);
    fixture_forget_events(&world->fixture);
}

static void refresh_is_denied(struct store_world *world, const char *name, int number)
{
    fixture_refresh_fails(&world->fixture, PINTLE_ERR_STORAGE, in_store(world, name));
    fixture_refresh_fails(&world->fixture, PINTLE_ERR_STORAGE, strerror(number));
    fixture_accepts(&world->fixture, HOST, 2);
    fixture_refuses(&world->fixture, HOST, BAD);
}

static void refresh_succeeds(struct store_world *world)
{
    fixture_refresh(&world->fixture);
    fixture_accepts(&world->fixture, HOST, 3);
    store_world_must_recover(world, 3, "after it", 0);
}

/* Nothing can be written: what is stored is locked, read, verified and enforced all the same. */
static void is_read_only(struct store_world *world)
{
    struct fixture *fixture = &world->fixture;

    settle(world);
    assert_int_equal(chmod(in_store(world, "lock"), 0400), 0);
    assert_int_equal(chmod(world->path, 0500), 0);
    store_world_open(world);
    fixture_start(fixture);
    assert_int_equal(fixture->events[PINTLE_EVENT_STORAGE], 0);
    assert_int_equal(fixture_check(fixture, OTHER, BAD).reason, PINTLE_REASON_UNLISTED);
    refresh_is_denied(world, "roots.tmp", EACCES);
    assert_int_equal(chmod(world->path, 0700), 0);
    assert_int_equal(chmod(in_store(world, "lock"), 0600), 0);
    refresh_succeeds(world);
}

/* Not even a lock can be had. */
static void lock_is_missing(struct store_world *world)
{
    struct fixture *fixture = &world->fixture;

    settle(world);
    assert_int_equal(remove(in_store(world, "lock")), 0);
    assert_int_equal(chmod(world->path, 0500), 0);
    store_world_open(world);
    fixture_start(fixture);
    assert_non_null(strstr(fixture->last_message[PINTLE_EVENT_STORAGE], in_store(world, "lock")));
    assert_non_null(strstr(fixture->last_message[PINTLE_EVENT_STORAGE], strerror(EACCES)));
    assert_int_equal(fixture_check(fixture, OTHER, BAD).reason, PINTLE_REASON_UNLISTED);
    assert_int_equal(fixture_check(fixture, OTHER, BAD).reason, PINTLE_REASON_UNLISTED); /* what was read verifies */
    refresh_is_denied(world, "lock", EACCES);
    assert_int_equal(chmod(world->path, 0700), 0);
    refresh_succeeds(world);
}

static void files_are_unreadable(struct store_world *world)
{
    struct fixture *fixture = &world->fixture;

    settle(world);
    assert_int_equal(chmod(in_store(world, "accepted"), 0), 0);
    store_world_open(world);
    fixture_start(fixture);
    assert_non_null(strstr(fixture->last_message[PINTLE_EVENT_STORAGE], in_store(world, "accepted")));
    assert_non_null(strstr(fixture->last_message[PINTLE_EVENT_STORAGE], strerror(EACCES)));
    assert_string_equal(fixture_info(fixture, "state"), "unverified");
    assert_int_not_equal(fixture_check(fixture, HOST, 2).status, PINTLE_OK);
    assert_int_not_equal(fixture_check(fixture, OTHER, 2).status, PINTLE_OK);
    assert_int_equal(chmod(in_store(world, "accepted"), 0600), 0);
    refresh_succeeds(world);
}

static void directory_is_closed(struct store_world *world)
{
    char detail[512] = "";

    settle(world);
    assert_int_equal(chmod(world->path, 0), 0);
    assert_int_equal(store_world_try_open(world, detail, sizeof detail), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(detail, world->path));
    assert_non_null(strstr(detail, strerror(EACCES)));
    assert_int_equal(chmod(world->path, 0700), 0);
    store_world_must_recover(world, 2, "after it", 0);
}

static void file_in_place_of_the_directory(struct store_world *world)
{
    char detail[512] = "";
    FILE *file;

    store_world_reset(world, true);
    file = fopen(world->path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(store_world_try_open(world, detail, sizeof detail), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(detail, world->path));
    assert_non_null(strstr(detail, strerror(ENOTDIR)));
    assert_int_equal(remove(world->path), 0);
    settle(world);
    store_world_must_recover(world, 2, "after it", 0);
}

/* No room for a file of this size: the kernel writes what fits, and then no more. */
static void file_may_not_grow(struct store_world *world)
{
    struct rlimit limit;

    settle(world);
    store_world_open(world);
    fixture_start(&world->fixture);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1000;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    refresh_is_denied(world, "roots.tmp", EFBIG);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    refresh_succeeds(world);
}

/* Root may do everything, so whoever is root becomes nobody first. */
static int be_denied(void *ctx)
{
    static void (*const denials[])(struct store_world * world) = {
        is_read_only,        lock_is_missing,   files_are_unreadable,
        directory_is_closed, file_may_not_grow, file_in_place_of_the_directory,
    };
    struct store_world *world = ctx;

    if (geteuid() == 0) {
        assert_int_equal(chown(world->scratch, NOBODY, NOBODY), 0);
        assert_int_equal(setgid(NOBODY), 0);
        assert_int_equal(setuid(NOBODY), 0);
    }
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++)
        denials[i](world);
    return 0;
}

static void test_denied_by_the_system(void **state)
{
    struct store_world world;

    (void)state;
    store_world_begin(&world, false);
    assert_int_equal(faults_in_child(0, 0, FAULTS_FAIL, be_denied, &world), FAULTS_ENDED);
    store_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_call),         cmocka_unit_test(test_fails_at_every_call),
        cmocka_unit_test(test_unreadable_beside_what_ships), cmocka_unit_test(test_replaced_in_this_order),
        cmocka_unit_test(test_denied_by_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
