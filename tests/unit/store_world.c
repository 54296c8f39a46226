/* SPDX-License-Identifier: Apache-2.0 */
#include "store_world.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

static void copy_store(struct sim *sim, const char *name, struct pintle_bytes *copy)
{
    assert_int_equal(pti_bytes_copy(sim_store_get(sim, name), copy), PINTLE_OK);
}

/* In memory if possible: thousands of updates that each sync four times would wear a disk. */
static void make_scratch(char *path, size_t size)
{
    (void)snprintf(path, size, "/dev/shm/pintle-world-XXXXXX");
    if (mkdtemp(path) != NULL)
        return;
    (void)snprintf(path, size, "/tmp/pintle-world-XXXXXX");
    assert_non_null(mkdtemp(path));
}

void store_world_begin(struct store_world *world, bool ships)
{
    struct fixture *fixture = &world->fixture;
    struct sim *sim = fixture_sim(STORE_WORLD_HOST);

    memset(world, 0, sizeof *world);
    make_scratch(world->scratch, sizeof world->scratch);
    (void)snprintf(world->path, sizeof world->path, "%s/store", world->scratch);
    sim_publish(sim);
    fixture_init(fixture, sim);
    if (ships)
        fixture_ship_generation(fixture);
    sim_add_pin(sim, STORE_WORLD_HOST, 2);
    sim_remove_pin(sim, STORE_WORLD_HOST, 1);
    sim_publish(sim);
    fixture_start(fixture);
    fixture_refresh(fixture);
    fixture_stop(fixture);
    copy_store(sim, "roots", &world->roots);
    copy_store(sim, "accepted", &world->accepted);
    sim_rotate(sim, SIM_TARGETS);
    sim_add_pin(sim, STORE_WORLD_HOST, 3);
    sim_remove_pin(sim, STORE_WORLD_HOST, 2);
    sim_rotate(sim, SIM_SNAPSHOT);
}

static void remove_store(const struct store_world *world)
{
    char file[400];
    struct dirent *entry;
    DIR *directory = opendir(world->path);

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        (void)snprintf(file, sizeof file, "%s/%s", world->path, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(remove(file), 0);
    }
    (void)closedir(directory);
    assert_int_equal(rmdir(world->path), 0);
}

void store_world_end(struct store_world *world)
{
    store_world_close(world);
    remove_store(world);
    assert_int_equal(rmdir(world->scratch), 0);
    pti_bytes_free(&world->roots);
    pti_bytes_free(&world->accepted);
    fixture_clear(&world->fixture);
}

static void put(const struct store_world *world, const char *name, struct pintle_bytes bytes)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", world->path, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
}

void store_world_reset(struct store_world *world, bool absent)
{
    if (absent) {
        remove_store(world);
        return;
    }
    (void)mkdir(world->path, 0700);
    put(world, "roots", world->roots);
    put(world, "accepted", world->accepted);
}

enum pintle_status store_world_try_open(struct store_world *world, char *detail, size_t size)
{
    enum pintle_status status = pintle_store_posix_init(&world->store, world->path, detail, size);

    if (status == PINTLE_OK)
        assert_int_equal(pintle_config_set_store(world->fixture.config, &world->store), PINTLE_OK);
    return status;
}

void store_world_open(struct store_world *world)
{
    char detail[256] = "";

    if (store_world_try_open(world, detail, sizeof detail) != PINTLE_OK)
        fail_msg("the store cannot be opened: %s", detail);
}

void store_world_close(struct store_world *world)
{
    fixture_stop(&world->fixture);
    if (world->store.free != NULL)
        world->store.free(world->store.ctx);
    memset(&world->store, 0, sizeof world->store);
}

size_t store_world_strays(const struct store_world *world)
{
    static const char *const names[] = {".",           "..",        "lock",         "roots",
                                        "accepted",    "roots.tmp", "accepted.tmp", "reports",
                                        "reports.tmp", "adoption",  "adoption.tmp"};
    DIR *directory = opendir(world->path);
    struct dirent *entry;
    size_t strays = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        bool known = false;

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            known = known || strcmp(entry->d_name, names[i]) == 0;
        strays += known ? 0 : 1;
    }
    (void)closedir(directory);
    return strays;
}

static bool pins_one_of(struct fixture *fixture, uint8_t first, uint8_t last)
{
    bool pins = fixture_check(fixture, STORE_WORLD_HOST, STORE_WORLD_BAD).status != PINTLE_OK;
    bool matches = false;

    for (uint8_t key = first; key <= last; key++)
        matches = matches || fixture_check(fixture, STORE_WORLD_HOST, key).status == PINTLE_OK;
    return pins && matches;
}

void store_world_must_recover(struct store_world *world, uint8_t oldest, const char *what, long n)
{
    struct fixture *fixture = &world->fixture;
    char detail[512];

    store_world_close(world);
    fixture_forget_events(fixture);
    store_world_open(world);
    fixture_start(fixture);
    if (fixture->events[PINTLE_EVENT_STORAGE] > 0)
        fail_msg("%s, call %ld: the next start finds: %s", what, n, fixture->last_message[PINTLE_EVENT_STORAGE]);
    if (!pins_one_of(fixture, oldest, 3))
        fail_msg("%s, call %ld: the next start enforces neither the old pins nor the new ones", what, n);
    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) != PINTLE_OK) {
        (void)pintle_client_error(fixture->client, detail, sizeof detail);
        fail_msg("%s, call %ld: the next refresh fails: %s", what, n, detail);
    }
    if (!pins_one_of(fixture, 3, 3) || pins_one_of(fixture, 2, 2))
        fail_msg("%s, call %ld: the next refresh does not reach the newest pins", what, n);
    assert_string_equal(fixture_info(fixture, "state"), "fresh");
    if (store_world_strays(world) > 0)
        fail_msg("%s, call %ld: files are left behind", what, n);
    store_world_close(world);
}
