/* SPDX-License-Identifier: Apache-2.0 */
/* The client workflow over a server and a store in memory: what is asked for, what is kept, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tuf/updater.h"
#include "tuf_world.h"

#define FILES_MAX 64

struct file {
    char role[32];
    int64_t version; /* 0: without */
    struct pintle_bytes bytes;
};

struct shelf {
    struct file files[FILES_MAX];
    size_t count;
};

struct scene {
    struct world world;
    struct shelf server, kept;
    char asked[512], done[512]; /* "root.2 timestamp", "+root -timestamp" */
    int keeps_left;             /* that still succeed; -1: all */
    struct pti_updater updater;
};

static struct file *find(struct shelf *shelf, struct pintle_bytes role, int64_t version)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (pti_bytes_equal_text(role, shelf->files[i].role) && shelf->files[i].version == version)
            return &shelf->files[i];
    return NULL;
}

static void put(struct shelf *shelf, struct pintle_bytes role, int64_t version, struct pintle_bytes bytes)
{
    struct file *file = find(shelf, role, version);

    if (file == NULL) {
        assert_true(shelf->count < FILES_MAX && role.size < sizeof file->role);
        file = &shelf->files[shelf->count++];
        memset(file, 0, sizeof *file);
        memcpy(file->role, role.data, role.size);
        file->version = version;
    }
    pti_bytes_free(&file->bytes);
    assert_int_equal(pti_bytes_copy(bytes, &file->bytes), PINTLE_OK);
}

static void note(char *log, const char *sign, struct pintle_bytes role, int64_t version)
{
    size_t used = strlen(log);

    (void)snprintf(log + used, 512 - used, "%s%s%.*s", used > 0 ? " " : "", sign, (int)role.size,
                   (const char *)role.data);
    used = strlen(log);
    if (version > 0)
        (void)snprintf(log + used, 512 - used, ".%d", (int)version);
}

static enum pintle_status pour(const struct file *file, struct pti_buf *out, bool *found, struct pti_error *error)
{
    *found = file != NULL;
    if (file != NULL)
        pti_buf_append(out, file->bytes.data, file->bytes.size);
    return pti_buf_check(out, error, "a file");
}

static enum pintle_status fetch(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error)
{
    struct scene *scene = ctx;

    note(scene->asked, "", role, version);
    return pour(find(&scene->server, role, version), out, found, error);
}

static enum pintle_status load(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                               struct pti_error *error)
{
    struct scene *scene = ctx;

    return pour(find(&scene->kept, role, 0), out, found, error);
}

static enum pintle_status keep(void *ctx, struct pintle_bytes role, struct pintle_bytes bytes, struct pti_error *error)
{
    struct scene *scene = ctx;

    if (scene->keeps_left == 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "the disk is full");
    if (scene->keeps_left > 0)
        scene->keeps_left--;
    note(scene->done, "+", role, 0);
    put(&scene->kept, role, 0, bytes);
    return PINTLE_OK;
}

static enum pintle_status forget(void *ctx, struct pintle_bytes role, struct pti_error *error)
{
    struct scene *scene = ctx;
    struct file *file = find(&scene->kept, role, 0);

    (void)error;
    note(scene->done, "-", role, 0);
    if (file != NULL)
        file->role[0] = '\0';
    return PINTLE_OK;
}

/* The files of the world are on the server; the client keeps its root. */
static void begin(struct scene *scene, const struct world_change *change)
{
    static const struct {
        const char *role;
        int64_t version;
    } places[WORLD_DONE] = {{"timestamp", 0}, {"snapshot", 2}, {"targets", 3}, {"main", 4}};

    memset(scene, 0, sizeof *scene);
    scene->keeps_left = -1;
    world_begin(&scene->world, change);
    for (int i = 0; i < WORLD_DONE; i++)
        put(&scene->server, pti_bytes_text(places[i].role), places[i].version, scene->world.files[i]);
    put(&scene->kept, pti_bytes_text("root"), 0, scene->world.root->bytes);
}

static void empty(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        pti_bytes_free(&shelf->files[i].bytes);
}

static void end(struct scene *scene)
{
    pti_updater_clear(&scene->updater);
    empty(&scene->server);
    empty(&scene->kept);
    world_end(&scene->world);
}

/* A client that starts now. */
static enum pintle_status refresh(struct scene *scene)
{
    struct pti_updater_io io = {scene, fetch, load, keep, forget};

    pti_updater_clear(&scene->updater);
    scene->asked[0] = scene->done[0] = '\0';
    pti_updater_init(&scene->updater, &io, PTI_TUF_KEYIDS_HASH, scene->world.fixture.crypto, WORLD_NOW);
    return pti_updater_refresh(&scene->updater, &scene->world.fixture.error);
}

static void refreshes(struct scene *scene, const char *asked, const char *done)
{
    if (refresh(scene) != PINTLE_OK)
        fail_msg("%s", scene->world.fixture.error.detail);
    assert_string_equal(scene->asked, asked);
    assert_string_equal(scene->done, done);
}

static void refuses(struct scene *scene, enum pintle_status want, const char *text, const char *done)
{
    assert_int_equal(refresh(scene), want);
    if (strstr(scene->world.fixture.error.detail, text) == NULL)
        fail_msg("expected \"%s\", found \"%s\"", text, scene->world.fixture.error.detail);
    assert_string_equal(scene->done, done);
}

#define TARGET "{'length':5,'hashes':{'sha256':'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'}}"

static void test_what_is_asked_for_and_kept(void **state)
{
    static const struct world_change with_target = {WORLD_MAIN, "'targets':{}",
                                                    "'targets':{'zones/main.json':" TARGET "}", NULL};
    const struct pti_tuf_file *file;
    struct pti_error error;
    struct scene scene;

    (void)state;
    begin(&scene, &with_target);
    refreshes(&scene, "root.2 timestamp snapshot.2 targets.3", "+timestamp +snapshot +targets");
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("other"), &file, &error), PINTLE_OK);
    assert_null(file);
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("zones/main.json"), &file, &error), PINTLE_OK);
    assert_int_equal(file->length, 5);
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("zones/main.json"), &file, &error), PINTLE_OK);
    assert_non_null(file);
    assert_string_equal(scene.asked, "root.2 timestamp snapshot.2 targets.3 main.4");
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text(""), &file, &error), PINTLE_ERR_INPUT);

    refreshes(&scene, "root.2 timestamp", "");
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("zones/main.json"), &file, &error), PINTLE_OK);
    assert_non_null(file);
    assert_string_equal(scene.asked, "root.2 timestamp"); /* main was kept */
    end(&scene);
}

static void test_out_of_order(void **state)
{
    const struct pti_tuf_file *file;
    struct pti_error error;
    struct scene scene;

    (void)state;
    begin(&scene, NULL);
    refreshes(&scene, "root.2 timestamp snapshot.2 targets.3", "+timestamp +snapshot +targets");
    assert_int_equal(pti_updater_refresh(&scene.updater, &error), PINTLE_ERR_MISUSE);
    scene.kept.count = 0;
    refuses(&scene, PINTLE_ERR_INPUT, "expected a trusted root", "");
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("x"), &file, &error), PINTLE_ERR_MISUSE);
    empty(&(struct shelf){{scene.kept.files[0], scene.kept.files[1], scene.kept.files[2], scene.kept.files[3]}, 4});
    end(&scene);
}

/* Whatever is wrong with a file, it is not kept, and nothing after it is asked for. */
static void test_nothing_wrong_is_kept(void **state)
{
    static const struct {
        struct world_change change;
        const char *want, *done;
    } cases[] = {
        {{WORLD_TIMESTAMP, NULL, NULL, "2"}, "timestamp: 0 of 1", ""},
        {{WORLD_SNAPSHOT, NULL, NULL, "3"}, "snapshot: 0 of 1", "+timestamp"},
        {{WORLD_TARGETS, NULL, NULL, "4"}, "targets: 0 of 1", "+timestamp +snapshot"},
        {{WORLD_TIMESTAMP, "2027-01-16", "2027-01-14", NULL}, "expired", ""},
        {{WORLD_SNAPSHOT, "2027-01-16", "2027-01-14", NULL}, "expired", "+timestamp"},
        {{WORLD_TARGETS, "2027-01-16", "2027-01-14", NULL}, "expired", "+timestamp +snapshot"},
        {{WORLD_SNAPSHOT, "'version':2,'meta'", "'version':3,'meta'", NULL}, "mix and match", "+timestamp"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;

        begin(&scene, &cases[i].change);
        refuses(&scene, PINTLE_ERR_TRUST, cases[i].want, cases[i].done);
        end(&scene);
    }
}

static void test_what_is_missing(void **state)
{
    static const char *const roles[] = {"timestamp", "snapshot", "targets"};
    static const char *const done[] = {"", "+timestamp", "+timestamp +snapshot"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;

        begin(&scene, NULL);
        for (size_t k = 0; k < scene.server.count; k++)
            if (strcmp(scene.server.files[k].role, roles[i]) == 0)
                scene.server.files[k].role[0] = '\0';
        refuses(&scene, PINTLE_ERR_NETWORK, "not found", done[i]);
        end(&scene);
    }
}

/* What was kept is no more than an offer: damaged, of another key or too old, it counts for nothing. */
static void test_a_damaged_cache_is_fetched_again(void **state)
{
    static const char *const roles[] = {"timestamp", "snapshot", "targets"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char done[32];
        struct scene scene;

        begin(&scene, NULL);
        refreshes(&scene, "root.2 timestamp snapshot.2 targets.3", "+timestamp +snapshot +targets");
        put(&scene.kept, pti_bytes_text(roles[i]), 0, pti_bytes_text("{\"signed\":"));
        assert_int_equal(refresh(&scene), PINTLE_OK);
        (void)snprintf(done, sizeof done, "+%s", roles[i]);
        assert_string_equal(scene.done, done);
        end(&scene);
    }
}

static void test_a_full_disk(void **state)
{
    (void)state;
    for (int left = 0; left < 3; left++) {
        struct scene scene;

        begin(&scene, NULL);
        scene.keeps_left = left;
        assert_int_equal(refresh(&scene), PINTLE_ERR_STORAGE);
        scene.keeps_left = -1;
        assert_int_equal(refresh(&scene), PINTLE_OK);
        end(&scene);
    }
}

/* Version 2 of the root, with one edit, signed by these. */
static void publish_root(struct scene *scene, const char *from, const char *to, const char *signers)
{
    char *numbered = tuf_edit(tuf_root, "'version':1", "'version':2");
    char *edited = tuf_edit(numbered, from, to);
    struct pintle_bytes bytes = tuf_envelope(&scene->world.fixture, edited, signers);

    put(&scene->server, pti_bytes_text("root"), 2, bytes);
    pti_bytes_free(&bytes);
    free(edited);
    free(numbered);
}

static void test_roots(void **state)
{
    static const struct {
        const char *name, *from, *to, *signers, *want, *done;
    } cases[] = {
        {"the same keys", "2030", "2031", "0", NULL, "+root"},
        {"timestamp's key replaced", "'timestamp':{'keyids':[@I3]", "'timestamp':{'keyids':[@I2]", "0",
         "timestamp: 0 of 1", "+root -timestamp -snapshot"},
        {"a key for snapshot added", "'snapshot':{'keyids':[@I2]", "'snapshot':{'keyids':[@I2,@I3]", "0", NULL,
         "+root -timestamp -snapshot +timestamp +snapshot"},
        {"not by the old key", "'root':{'keyids':[@I0]", "'root':{'keyids':[@I1]", "1", "by its predecessor", ""},
        {"not by the new key", "'root':{'keyids':[@I0]", "'root':{'keyids':[@I1]", "0", "root: 0 of 1", ""},
        {"a version skipped", "'version':2", "'version':3", "0", "expected version 2, found 3", ""},
        {"another repository", "'test'", "'other'", "0", "belongs to repository", ""},
        {"expired", "2030", "2020", "0", "expired", "+root"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;
        enum pintle_status status;

        begin(&scene, NULL);
        refreshes(&scene, "root.2 timestamp snapshot.2 targets.3", "+timestamp +snapshot +targets");
        publish_root(&scene, cases[i].from, cases[i].to, cases[i].signers);
        status = refresh(&scene);
        if ((status == PINTLE_OK) != (cases[i].want == NULL) ||
            (status != PINTLE_OK && strstr(scene.world.fixture.error.detail, cases[i].want) == NULL) ||
            strcmp(scene.done, cases[i].done) != 0)
            fail_msg("%s: %s, \"%s\", kept: %s", cases[i].name, pintle_status_name(status),
                     scene.world.fixture.error.detail, scene.done);
        end(&scene);
    }
}

/* Targets delegate to main, which the snapshot has forgotten: it is never asked for. */
static void test_a_role_that_the_snapshot_does_not_list(void **state)
{
    static const struct world_change unlisted = {WORLD_SNAPSHOT, "'main.json'", "'gone.json'", NULL};
    const struct pti_tuf_file *file;
    struct pti_error error;
    struct scene scene;

    (void)state;
    begin(&scene, &unlisted);
    refreshes(&scene, "root.2 timestamp snapshot.2 targets.3", "+timestamp +snapshot +targets");
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("zones/main.json"), &file, &error),
                     PINTLE_ERR_TRUST);
    assert_null(file);
    assert_non_null(strstr(error.detail, "main: the snapshot does not list it"));
    assert_string_equal(scene.asked, "root.2 timestamp snapshot.2 targets.3");
    end(&scene);
}

/* 40 roles that are all trusted with the path, and none has it. */
static void test_a_search_is_bounded(void **state)
{
    const struct pti_tuf_file *file;
    struct pti_buf roles, meta;
    struct pti_error error;
    struct pintle_bytes role;
    struct scene scene;
    char *entry, *text;

    (void)state;
    begin(&scene, NULL);
    pti_buf_init(&roles, 65536);
    pti_buf_init(&meta, 65536);
    role = tuf_envelope(&scene.world.fixture, "{'_type':'targets'," WORLD_DATES ",'version':1,'targets':{}}", "4");
    entry = tuf_listed(&scene.world.fixture, role, 1);
    for (int i = 0; i < 40; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "r%02d", i);
        put(&scene.server, pti_bytes_text(name), 1, role);
        pti_buf_printf(&roles, "%s{'name':'%s','keyids':[@I4],'threshold':1,'terminating':false,'paths':['*']}",
                       i > 0 ? "," : "", name);
        pti_buf_printf(&meta, ",'%s.json':%s", name, entry);
    }
    free(entry);
    pti_bytes_free(&role);

    text = malloc(roles.size + 256);
    assert_non_null(text);
    (void)snprintf(text, roles.size + 256,
                   "{'_type':'targets'," WORLD_DATES
                   ",'version':3,'targets':{},'delegations':{'keys':{@K4},'roles':[%s]}}",
                   pti_buf_cstr(&roles));
    role = tuf_envelope(&scene.world.fixture, text, "1");
    put(&scene.server, pti_bytes_text("targets"), 3, role);
    free(text);
    entry = tuf_listed(&scene.world.fixture, role, 3);
    pti_bytes_free(&role);

    text = malloc(meta.size + 512);
    assert_non_null(text);
    (void)snprintf(text, meta.size + 512,
                   "{'_type':'snapshot'," WORLD_DATES ",'version':2,'meta':{'targets.json':%s%s}}", entry,
                   pti_buf_cstr(&meta));
    free(entry);
    role = tuf_envelope(&scene.world.fixture, text, "2");
    put(&scene.server, pti_bytes_text("snapshot"), 2, role);
    free(text);
    entry = tuf_listed(&scene.world.fixture, role, 2);
    pti_bytes_free(&role);
    text = malloc(512);
    assert_non_null(text);
    (void)snprintf(text, 512, "{'_type':'timestamp'," WORLD_DATES ",'version':1,'meta':{'snapshot.json':%s}}", entry);
    role = tuf_envelope(&scene.world.fixture, text, "3");
    put(&scene.server, pti_bytes_text("timestamp"), 0, role);
    pti_bytes_free(&role);
    free(text);
    free(entry);
    pti_buf_clear(&roles);
    pti_buf_clear(&meta);

    refreshes(&scene, "root.2 timestamp snapshot.2 targets.3", "+timestamp +snapshot +targets");
    assert_int_equal(pti_updater_find(&scene.updater, pti_bytes_text("file"), &file, &error), PINTLE_ERR_TRUST);
    assert_non_null(strstr(error.detail, "more than 32 delegated roles"));
    assert_non_null(strstr(scene.asked, "r31.1"));
    assert_null(strstr(scene.asked, "r32.1"));
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked_for_and_kept),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_nothing_wrong_is_kept),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_a_damaged_cache_is_fetched_again),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_a_role_that_the_snapshot_does_not_list),
        cmocka_unit_test(test_a_search_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
