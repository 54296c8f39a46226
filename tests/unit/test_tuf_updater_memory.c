/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain TUF while memory is short: whatever allocation fails, an update and a search end with PINTLE_ERR_MEMORY or do without
 * it, nothing leaks, and the next one succeeds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "tuf/updater.h"
#include "tuf_world.h"

struct scene {
    struct world world;
    struct pintle_bytes second_root;
    bool has_kept; /* all of it, as after an update */
};

static struct pintle_bytes file_of(const struct scene *scene, struct pintle_bytes role)
{
    static const char *const roles[WORLD_DONE] = {"timestamp", "snapshot", "targets", "main"};

    for (size_t i = 0; i < WORLD_DONE; i++)
        if (pti_bytes_equal_text(role, roles[i]))
            return scene->world.files[i];
    return (struct pintle_bytes){NULL, 0};
}

static enum pintle_status pour(struct pintle_bytes bytes, struct pti_buf *out, bool *found, struct pti_error *error)
{
    *found = bytes.data != NULL;
    if (*found)
        pti_buf_append(out, bytes.data, bytes.size);
    return pti_buf_check(out, error, "a file");
}

static enum pintle_status fetch(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error)
{
    const struct scene *scene = ctx;

    return pour(pti_bytes_equal_text(role, "root") && version == 2 ? scene->second_root : file_of(scene, role), out,
                found, error);
}

static enum pintle_status load(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                               struct pti_error *error)
{
    const struct scene *scene = ctx;
    const struct pintle_bytes none = {NULL, 0};

    if (pti_bytes_equal_text(role, "root"))
        return pour(scene->world.root->bytes, out, found, error);
    return pour(scene->has_kept ? file_of(scene, role) : none, out, found, error);
}

static enum pintle_status keep(void *ctx, struct pintle_bytes role, struct pintle_bytes bytes, struct pti_error *error)
{
    (void)ctx;
    (void)role;
    (void)bytes;
    (void)error;
    return PINTLE_OK;
}

static enum pintle_status forget(void *ctx, struct pintle_bytes role, struct pti_error *error)
{
    return keep(ctx, role, (struct pintle_bytes){NULL, 0}, error);
}

/* An update with a new root, and a search that needs the delegated role. */
static enum pintle_status update(struct scene *scene, struct pti_error *error)
{
    const struct pti_updater_io io = {scene, fetch, load, keep, forget};
    const struct pti_tuf_file *file = NULL;
    struct pti_updater updater;
    enum pintle_status status;

    pti_updater_init(&updater, &io, PTI_TUF_KEYIDS_HASH, scene->world.fixture.crypto, WORLD_NOW);
    status = pti_updater_refresh(&updater, error);
    if (status == PINTLE_OK)
        status = pti_updater_find(&updater, pti_bytes_text("zones/main.json"), &file, error);
    if (status == PINTLE_OK)
        assert_non_null(file);
    pti_updater_clear(&updater);
    return status;
}

static void test_every_allocation_fails_once(void **state)
{
    static const struct world_change with_target = {
        WORLD_MAIN, "'targets':{}",
        "'targets':{'zones/main.json':{'length':5,'hashes':{'sha256':"
        "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'}}}",
        NULL};
    struct scene scene = {.has_kept = false};
    char *second;

    (void)state;
    if (!faults_available())
        skip();
    world_begin(&scene.world, &with_target);
    second = tuf_edit(tuf_root, "'version':1", "'version':2");
    scene.second_root = tuf_envelope(&scene.world.fixture, second, "0");
    free(second);
    for (int kept = 0; kept < 2; kept++) {
        scene.has_kept = kept == 1;
        for (enum faults_how how = FAULTS_FAIL; how <= FAULTS_FAIL_ON; how++) {
            bool met = true;
            long n = 0;

            for (; met; n++) {
                struct pti_error error = {PINTLE_OK, ""};
                enum pintle_status status;

                faults_arm(FAULTS_MEMORY, n, how, ENOMEM);
                status = update(&scene, &error);
                met = faults_disarm();
                if (met ? status != PINTLE_ERR_MEMORY || error.detail[0] == '\0' : status != PINTLE_OK)
                    fail_msg("kept %d, allocation %ld: %s, \"%s\"", kept, n, pintle_status_name(status), error.detail);
            }
            assert_true(n > 50);
        }
    }
    pti_bytes_free(&scene.second_root);
    world_end(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
