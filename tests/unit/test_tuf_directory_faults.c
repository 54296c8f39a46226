/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pintle-tuf's directories when the power goes, or a disk fails, at every call that changes them: an update that replaces
 * the timestamp's key and starts its numbers again, and one download.  Nothing goes back, nothing half is left under a
 * name that counts, and the next update succeeds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "conformance/download.h"
#include "conformance/metadata_directory.h"
#include "faults.h"
#include "publish/file.h"
#include "scratch.h"
#include "tuf_world.h"

#define PATH "zones/main.json"
#define LOCAL "zones%2Fmain.json"
#define TARGET                                                                                                         \
    "'targets':{'" PATH "':{'length':5,'hashes':{'sha256':"                                                            \
    "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'}}}"

enum offer { OLDER, HELD, NEWER }; /* what the server has: timestamp 4, 5, or 1 by another key under root 2 */

struct scene {
    struct pti_metadata_directory directory; /* first: what the updater hands to fetch() */
    struct scratch *scratch;
    struct world world;
    struct pintle_bytes files[NEWER + 1][WORLD_DONE], second_root;
    enum offer offer;
    struct pintle_clock clock;
    struct pintle_transport transport;
    struct pti_fetcher fetcher;
};

static enum pintle_status fetch(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error)
{
    static const char *const names[WORLD_DONE] = {"timestamp", "snapshot", "targets", "main"};
    const struct scene *scene = ctx;
    struct pintle_bytes bytes = {NULL, 0};

    if (pti_bytes_equal_text(role, "root") && version == 2 && scene->offer == NEWER)
        bytes = scene->second_root;
    for (int i = 0; i < WORLD_DONE; i++)
        if (pti_bytes_equal_text(role, names[i]))
            bytes = scene->files[scene->offer][i];
    *found = bytes.data != NULL;
    pti_buf_append(out, bytes.data, bytes.size);
    return pti_buf_check(out, error, "a file");
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    (void)ctx;
    (void)request;
    (void)detail;
    (void)detail_size;
    response->status = 200;
    return sink->write(sink->ctx, (const uint8_t *)"hello", 5) ? PINTLE_OK : PINTLE_ERR_NETWORK;
}

static void publish(struct scene *scene, enum offer offer, const struct world_change *change)
{
    memset(scene->world.files, 0, sizeof scene->world.files);
    world_publish(&scene->world, change);
    memcpy(scene->files[offer], scene->world.files, sizeof scene->world.files);
    memset(scene->world.files, 0, sizeof scene->world.files);
}

static void begin(struct scene *scene)
{
    static const struct world_change older = {WORLD_TIMESTAMP, "'version':1,'meta'", "'version':4,'meta'", NULL};
    static const struct world_change held = {WORLD_TIMESTAMP, "'version':1,'meta'", "'version':5,'meta'", NULL};
    static const struct world_change with_target = {WORLD_MAIN, "'targets':{}", TARGET, NULL};
    char *second = tuf_edit(tuf_root, "'version':1", "'version':2"), *replaced, *timestamp, *listed;

    memset(scene, 0, sizeof *scene);
    scene->scratch = scratch_new();
    world_begin(&scene->world, &held);
    memcpy(scene->files[HELD], scene->world.files, sizeof scene->world.files);
    publish(scene, OLDER, &older);
    publish(scene, NEWER, &with_target);
    replaced = tuf_edit(second, "'timestamp':{'keyids':[@I3]", "'timestamp':{'keyids':[@I2]");
    scene->second_root = tuf_envelope(&scene->world.fixture, replaced, "0");
    listed = tuf_listed(&scene->world.fixture, scene->files[NEWER][WORLD_SNAPSHOT], 2);
    timestamp = malloc(strlen(listed) + 256);
    assert_non_null(timestamp);
    (void)snprintf(timestamp, strlen(listed) + 256,
                   "{'_type':'timestamp'," WORLD_DATES ",'version':1,'meta':{'snapshot.json':%s}}", listed);
    pti_bytes_free(&scene->files[NEWER][WORLD_TIMESTAMP]);
    scene->files[NEWER][WORLD_TIMESTAMP] = tuf_envelope(&scene->world.fixture, timestamp, "2");
    pintle_clock_system_init(&scene->clock);
    scene->transport = (struct pintle_transport){.size = sizeof scene->transport, .perform = perform};
    scene->fetcher = (struct pti_fetcher){&scene->transport, &scene->clock, INT64_MAX};
    free(timestamp);
    free(listed);
    free(replaced);
    free(second);
}

static void end(struct scene *scene)
{
    for (int offer = OLDER; offer <= NEWER; offer++)
        for (int i = 0; i < WORLD_DONE; i++)
            pti_bytes_free(&scene->files[offer][i]);
    pti_bytes_free(&scene->second_root);
    world_end(&scene->world);
    scratch_free(scene->scratch);
}

/* A process of its own would do this: it takes the directories, updates, downloads. */
static enum pintle_status update(struct scene *scene, bool download)
{
    struct pti_error *error = &scene->world.fixture.error;
    struct pti_updater updater;
    int metadata_lock = -1, target_lock = -1;
    enum pintle_status status;
    struct pti_updater_io io;

    scene->directory.path = scratch_path(scene->scratch, "metadata");
    io = pti_metadata_directory_io(&scene->directory);
    io.fetch = fetch;
    pti_updater_init(&updater, &io, PTI_TUF_KEYIDS_HASH, scene->world.fixture.crypto, WORLD_NOW);
    status = pti_directory_hold(scene->directory.path, 0, &metadata_lock, error);
    if (status == PINTLE_OK)
        status = pti_updater_refresh(&updater, error);
    if (status == PINTLE_OK && download)
        status = pti_directory_hold(scratch_path(scene->scratch, "targets"), 0, &target_lock, error);
    if (status == PINTLE_OK && download)
        status = pti_download(&updater, &scene->fetcher, "http://server/", scratch_path(scene->scratch, "targets"),
                              PATH, error);
    pti_file_unlock(target_lock);
    pti_file_unlock(metadata_lock);
    pti_updater_clear(&updater);
    return status;
}

static int run(void *ctx)
{
    return update(ctx, true) == PINTLE_OK ? 0 : 1;
}

/* Root 1, timestamp 5. */
static void reset(struct scene *scene)
{
    const char *directory = scratch_path(scene->scratch, "metadata");
    struct pti_error *error = &scene->world.fixture.error;

    scratch_remove_tree(directory);
    scratch_remove_tree(scratch_path(scene->scratch, "targets"));
    assert_int_equal(pti_file_make_directory(directory, 0755, error), PINTLE_OK);
    assert_int_equal(
        pti_file_replace(scratch_path(scene->scratch, "metadata/root.json"), scene->world.root->bytes, 0644, error),
        PINTLE_OK);
    scene->offer = HELD;
    assert_int_equal(update(scene, false), PINTLE_OK);
    scene->offer = NEWER;
}

static void expect_target(struct scene *scene, long n)
{
    struct pintle_bytes bytes;
    bool found;

    if (pti_file_read_optional(scratch_path(scene->scratch, "targets/" LOCAL), 100, &bytes, &found, NULL) !=
            PINTLE_OK ||
        (found && !pti_bytes_equal_text(bytes, "hello")))
        fail_msg("call %ld: half a target", n);
    pti_bytes_free(&bytes);
}

/* An attacker replays what is older; then the honest server has its say. */
static void must_recover(struct scene *scene, long n)
{
    const struct pti_error *error = &scene->world.fixture.error;
    char **names;
    size_t count;

    expect_target(scene, n);
    scene->offer = OLDER;
    if (update(scene, false) != PINTLE_ERR_TRUST)
        fail_msg("call %ld: an older timestamp is taken", n);
    scene->offer = NEWER;
    if (update(scene, true) != PINTLE_OK)
        fail_msg("call %ld: %s", n, error->detail);
    expect_target(scene, n);
    assert_int_equal(pti_file_list(scratch_path(scene->scratch, "metadata"), "", &names, &count, NULL), PINTLE_OK);
    assert_int_equal(count, 5);
    pti_file_names_free(names, count);
}

static void test_killed_at_every_call(void **state)
{
    static const struct {
        unsigned kinds;
        enum faults_how how;
    } ways[] = {{FAULTS_CHANGES, FAULTS_KILL}, {FAULTS_WRITE, FAULTS_KILL_HALFWAY}};
    struct scene scene;

    (void)state;
    if (!faults_available())
        skip();
    begin(&scene);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        enum faults_end ended = FAULTS_KILLED;
        long n;

        for (n = 0; ended == FAULTS_KILLED; n++) {
            reset(&scene);
            ended = faults_in_child(ways[i].kinds, n, ways[i].how, run, &scene);
            if (ended == FAULTS_BROKEN)
                fail_msg("call %ld: the update fails by itself", n);
            must_recover(&scene, n);
        }
        print_message("killed at %ld calls\n", n - 1);
        assert_true(n > 5);
    }
    end(&scene);
}

static void test_fails_at_every_call(void **state)
{
    static const struct {
        unsigned kinds;
        enum faults_how how;
        int number;
    } weather[] = {{FAULTS_CHANGES, FAULTS_FAIL, ENOSPC},
                   {FAULTS_CHANGES, FAULTS_FAIL_ON, EROFS},
                   {FAULTS_WRITE, FAULTS_SHORT, 0},
                   {FAULTS_OPEN | FAULTS_READ | FAULTS_LOCK, FAULTS_FAIL, EIO}};
    struct scene scene;

    (void)state;
    if (!faults_available())
        skip();
    begin(&scene);
    for (size_t i = 0; i < sizeof weather / sizeof weather[0]; i++) {
        bool more = true;

        for (long n = 0; more; n++) {
            enum pintle_status status;

            reset(&scene);
            faults_arm(weather[i].kinds, n, weather[i].how, weather[i].number);
            status = update(&scene, true);
            more = faults_disarm();
            if (status != PINTLE_OK && status != PINTLE_ERR_STORAGE)
                fail_msg("call %ld: %s: %s", n, pintle_status_name(status), scene.world.fixture.error.detail);
            if (status != PINTLE_OK && strstr(scene.world.fixture.error.detail, strerror(weather[i].number)) == NULL)
                fail_msg("call %ld: expected \"%s\", found %s", n, strerror(weather[i].number),
                         scene.world.fixture.error.detail);
            must_recover(&scene, n);
        }
    }
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_call),
        cmocka_unit_test(test_fails_at_every_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
