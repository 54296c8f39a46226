/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher that is killed, or whose disk fails, at every single call that changes a file: what is in public/ is the
 * old publication or the new one, whole, for whoever polls head and body and for whoever reads the plain files; commands
 * go on; publishing again succeeds, gives no file name a second content, loses nothing that was staged or signed, and
 * leaves no rubbish.
 *
 * With PINTLE_LONG set every call of every deed is tried in every way; without it, most of them are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "publish/resign.h"
#include "served.h"

#define HOST "api.example.com"
#define OTHER "www.example.com"

/* What a publisher does, on an open repository; the faults come while it does it. */
struct deed {
    const char *name;
    enum pintle_status (*run)(struct pti_repository *repository, struct pti_error *error);
    const char *before, *after;             /* manifests that clients may see */
    long stride;                            /* of the calls that fail, in the short run */
    long memory_stride, memory_stride_long; /* of allocations */
    enum pti_repository_access access;
    enum pti_key_kind kind;
};

/* ---- deeds ---- */

static struct pti_keyring keys; /* of the scene, read once: decoding them costs more than all the rest */

static enum pintle_status publish(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_publish_result result;

    return pti_publish(repository, &keys, SCRATCH_NOW, &result, error);
}

/* With what lies in keys/. */
static enum pintle_status read_keys_and_publish(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;
    enum pintle_status status = pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, error);

    if (status == PINTLE_OK)
        status = pti_publish(repository, &ring, SCRATCH_NOW, &result, error);
    pti_keyring_clear(&ring);
    return status;
}

static enum pintle_status edit(struct pti_repository *repository, struct pti_error *error)
{
    const struct pti_host_edit host = {.zone = "main"};
    const struct pti_pin_edit pin = scratch_pin(2);
    bool added;
    enum pintle_status status = pti_stage_host_add(&repository->stage, OTHER, &host, error);

    if (status == PINTLE_OK)
        status = pti_stage_pin_add(&repository->stage, OTHER, &pin, &added, error);
    if (status == PINTLE_OK)
        status = pti_stage_update(&repository->stage, SCRATCH_NOW, error);
    return status == PINTLE_OK ? pti_repository_save_stage(repository, error) : status;
}

static enum pintle_status save_ring(struct pti_repository *repository, const char *name, struct pti_keyring *ring,
                                    struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < ring->count && status == PINTLE_OK; i++)
        status = pti_repository_save_key(repository, ring->keys[i], name, path, error);
    pti_keyring_clear(ring);
    return status;
}

/* New online keys, from making them to moving the old ones aside. */
static enum pintle_status rotate(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_keyring rings[PTI_TUF_TYPES];
    char **names = NULL;
    size_t count = 0;
    enum pintle_status status = pti_stage_root_replace_online(&repository->stage, rings, error), saved;

    if (status != PINTLE_OK)
        return status;
    status = save_ring(repository, "timestamp.2", &rings[PTI_TUF_TIMESTAMP], error);
    saved = status == PINTLE_OK ? save_ring(repository, "snapshot.2", &rings[PTI_TUF_SNAPSHOT], error) : status;
    pti_keyring_clear(&rings[PTI_TUF_SNAPSHOT]);
    if (saved == PINTLE_OK)
        saved = pti_stage_update(&repository->stage, SCRATCH_NOW, error);
    if (saved == PINTLE_OK)
        saved = pti_repository_save_stage(repository, error);
    if (saved == PINTLE_OK)
        saved = read_keys_and_publish(repository, error);
    if (saved == PINTLE_OK)
        saved = pti_repository_retire_keys(repository, &names, &count, error);
    pti_file_names_free(names, count);
    return saved;
}

static enum pintle_status renew(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_resigned resigned;
    struct pti_resign_input input = {.root = pti_published_root(&repository->published),
                                     .snapshot = repository->published.snapshot,
                                     .timestamp = repository->published.timestamp,
                                     .snapshot_version = repository->published.snapshot_floor + 1,
                                     .renew_snapshot = true,
                                     .keys = &keys,
                                     .days = repository->settings.days,
                                     .now = SCRATCH_NOW,
                                     .crypto = repository->crypto};
    enum pintle_status status = pti_resign(&input, &resigned, error);

    if (status == PINTLE_OK)
        status = pti_publish_resigned(repository, &resigned, SCRATCH_NOW, error);
    pti_resigned_clear(&resigned);
    return status;
}

/* In every scene HOST is published, and OTHER staged, or about to be. */
static const struct deed deeds[] = {
    /* Two ECDSA signatures of one text differ, so that signing again shows. */
    {"publish", publish, "charter=2,main=2", "charter=3,main=3", 5, 149, 1, PTI_REPOSITORY_WRITE, PTI_KEY_ECDSA_P256},
    {"edit", edit, "charter=2,main=2", "charter=2,main=2", 4, 59, 1, PTI_REPOSITORY_WRITE, PTI_KEY_ED25519},
    {"rotate", rotate, "charter=2,main=2", "charter=3,main=3", 19, 3001, 61, PTI_REPOSITORY_WRITE, PTI_KEY_ED25519},
    {"renew", renew, "charter=2,main=2", "charter=2,main=2", 7, 97, 1, PTI_REPOSITORY_PUBLISHED, PTI_KEY_ED25519},
};

/* ---- scenes ---- */

struct scene {
    struct scratch *scratch;
    const struct deed *deed;
    struct tree base;
    char directory[PTI_PATH_MAX];
};

static void scene_set(struct scene *scene, struct scratch *scratch, const struct deed *deed)
{
    const struct pti_init_options options = {.directory = scene->directory, .kind = deed->kind, .now = SCRATCH_NOW};
    struct pti_repository *repository;

    scene->scratch = scratch;
    scene->deed = deed;
    (void)pti_copy_text(scene->directory, sizeof(scene->directory), scratch_path(scratch, "repo"));
    scratch_remove_tree(scene->directory);
    scratch_ok(scratch, pti_init(&options, scratch->crypto, &scratch->error));
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &keys, NULL, &scratch->error));
    scratch_ok(scratch, publish(repository, &scratch->error));
    if (deed->run != edit)
        scratch_ok(scratch, edit(repository, &scratch->error));
    pti_repository_close(repository);
    tree_read(scratch, scene->directory, &scene->base);
}

static void scene_clear(struct scene *scene)
{
    tree_clear(&scene->base);
    pti_keyring_clear(&keys);
}

static int perform(void *ctx)
{
    struct scene *scene = ctx;
    struct pti_error *error = &scene->scratch->error;
    struct pti_repository *repository = NULL;
    enum pintle_status status = pti_repository_open(scene->directory, scene->deed->access, SCRATCH_NOW,
                                                    scene->scratch->crypto, &repository, error);

    if (status == PINTLE_OK)
        status = scene->deed->run(repository, error);
    pti_repository_close(repository);
    return (int)status;
}

/* ---- what must hold ---- */

static void check_clients(struct scene *scene, bool new_only)
{
    char bundles[SERVED_MANIFEST_MAX], plain[SERVED_MANIFEST_MAX];
    const struct deed *deed = scene->deed;

    if (!served_follow(scene->scratch, scene->directory, SERVED_BUNDLES, HOST, bundles))
        fail_msg("%s: a client that polls heads: %s", deed->name, bundles);
    if (strcmp(bundles, deed->after) != 0 && (new_only || strcmp(bundles, deed->before) != 0))
        fail_msg("%s: a client that polls heads sees %s", deed->name, bundles);
    if (!served_follow(scene->scratch, scene->directory, SERVED_PLAIN, HOST, plain)) {
        /* A root that replaces the online keys comes right before the timestamp that it accepts. */
        if (deed->run != rotate || new_only || strstr(plain, "timestamp: 0 of 1 required signatures") == NULL)
            fail_msg("%s: a client of the plain files: %s", deed->name, plain);
    } else if (strcmp(plain, deed->after) != 0 && (new_only || strcmp(plain, deed->before) != 0)) {
        fail_msg("%s: a client of the plain files sees %s", deed->name, plain);
    }
}

static bool may_change(const char *path)
{
    return strcmp(path, "public/metadata/timestamp.json") == 0 || strncmp(path, "public/head/", 12) == 0 ||
           strncmp(path, "public/", 7) != 0;
}

static bool is_temporary(const char *path)
{
    size_t size = strlen(path);

    return size >= 4 && strcmp(path + size - 4, ".new") == 0;
}

/* Names keep their content for ever, no key is lost, and nothing lies about. */
static void check_files(struct scene *scene, const struct tree *before)
{
    struct tree after;

    tree_read(scene->scratch, scene->directory, &after);
    for (size_t i = 0; i < before->count; i++) {
        const struct tree_file *old = &before->files[i], *now = tree_find(&after, old->path);
        if (is_temporary(old->path) || may_change(old->path))
            continue;
        if (now == NULL || !pti_bytes_equal(now->bytes, old->bytes))
            fail_msg("%s: %s is %s", scene->deed->name, old->path, now == NULL ? "gone" : "another file now");
    }
    for (size_t i = 0; i < after.count; i++)
        if (is_temporary(after.files[i].path))
            fail_msg("%s: %s is left", scene->deed->name, after.files[i].path);
    tree_clear(&after);
}

/* After any fault: clients are served; the next publication succeeds. */
static void check_aftermath(struct scene *scene)
{
    struct pti_error *error = &scene->scratch->error;
    struct pti_repository *repository = NULL;
    struct tree before;
    bool staged;

    check_clients(scene, false);
    tree_read(scene->scratch, scene->directory, &before);
    repository = scratch_open(scene->scratch, "repo", PTI_REPOSITORY_WRITE);
    /* An edit that was cut short is whole, or not there and made again. */
    staged = pti_charter_find(&repository->stage.charter, OTHER) != NULL;
    if (scene->deed->run == edit && !staged)
        scratch_ok(scene->scratch, edit(repository, error));
    else
        assert_true(staged);
    scratch_ok(scene->scratch,
               scene->deed->run == rotate ? read_keys_and_publish(repository, error) : publish(repository, error));
    assert_false(pti_stage_has_drafts(&repository->stage));
    pti_repository_close(repository);
    check_files(scene, &before);
    tree_clear(&before);
}

static void check_new(struct scene *scene)
{
    static const struct deed published = {
        .name = "afterwards", .run = publish, .before = "", .after = "charter=3,main=3"};
    const struct deed *deed = scene->deed;

    scene->deed = &published;
    check_clients(scene, true);
    scene->deed = deed;
}

/* ---- faults ---- */

#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

/* How many calls further the next fault comes. */
static long step(long usual, long thorough)
{
    return getenv("PINTLE_LONG") != NULL ? thorough : usual;
}

static void kill_at(struct scratch *scratch, const struct deed *deed, long stride)
{
    enum faults_end end = FAULTS_KILLED;
    struct scene scene;
    long kills = 0;

    scene_set(&scene, scratch, deed);
    for (long n = 0; end == FAULTS_KILLED; n += stride) {
        tree_write(&scene.base, scene.directory);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, perform, &scene);
        assert_int_not_equal(end, FAULTS_BROKEN);
        kills += end == FAULTS_KILLED;
        check_aftermath(&scene);
        check_new(&scene);
    }
    assert_true(kills * stride > 35); /* as many changes as the smallest deed makes */
    scene_clear(&scene);
}

static void test_killed_at_every_change(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < DEEDS; i++)
        kill_at(*state, &deeds[i], step(deeds[i].stride, 1));
}

#define EVERYTHING (FAULTS_CHANGES | FAULTS_OPEN | FAULTS_READ | FAULTS_CLOSE | FAULTS_LOCK)

static void check_said(struct scene *scene, enum pintle_status status, int number)
{
    const char *said = scene->scratch->error.detail;

    if (status == PINTLE_OK) /* it was not needed: removing what is not there, say */
        return;
    if (status != PINTLE_ERR_STORAGE || strstr(said, strerror(number)) == NULL ||
        strstr(said, scene->directory) == NULL)
        fail_msg("%s: %s: %s", scene->deed->name, pintle_status_name(status), said);
}

/* The call fails, or from it on every one does, as on a full disk; the process lives and says so. */
static void fail_at(struct scratch *scratch, const struct deed *deed, enum faults_how how, long stride)
{
    static const int numbers[] = {ENOSPC, EIO, EACCES, EROFS};
    struct scene scene;
    long refusals = 0;
    bool more = true;

    scene_set(&scene, scratch, deed);
    for (long n = 0; more; n += stride) {
        const int number = numbers[how == FAULTS_FAIL_ON ? 0 : n % 4];
        enum pintle_status status;
        tree_write(&scene.base, scene.directory);
        faults_arm(how == FAULTS_FAIL_ON ? FAULTS_CHANGES : EVERYTHING, n, how, number);
        status = (enum pintle_status)perform(&scene);
        more = faults_disarm();
        refusals += status != PINTLE_OK;
        check_said(&scene, status, number);
        check_aftermath(&scene);
        check_new(&scene);
    }
    assert_true(refusals * stride > 20);
    scene_clear(&scene);
}

static void test_every_call_fails_once(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < DEEDS; i++)
        fail_at(*state, &deeds[i], FAULTS_FAIL, step(deeds[i].stride * 7, 1));
}

static void test_a_disk_is_full_from_any_change_on(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < DEEDS; i++)
        fail_at(*state, &deeds[i], FAULTS_FAIL_ON, step(deeds[i].stride * 5, 1));
}

/*
 * An allocation fails, of ours or of OpenSSL: PINTLE_ERR_MEMORY, and the same invariants.  A deed that failed before it
 * changed anything is the scene of the next one.
 */
static void lack_memory_at(struct scratch *scratch, const struct deed *deed, long stride)
{
    struct scene scene;
    bool more = true, changed = true;
    long tries = 0;

    scene_set(&scene, scratch, deed);
    for (long n = 0; more; n += stride) {
        enum pintle_status status;
        struct tree now;
        if (changed)
            tree_write(&scene.base, scene.directory);
        faults_arm(FAULTS_MEMORY | FAULTS_OPENSSL, n, FAULTS_FAIL, ENOMEM);
        status = (enum pintle_status)perform(&scene);
        more = faults_disarm();
        tries++;
        if (status != PINTLE_OK && status != PINTLE_ERR_MEMORY)
            fail_msg("%s: without allocation %ld: %s: %s", deed->name, n, pintle_status_name(status),
                     scratch->error.detail);
        tree_read(scratch, scene.directory, &now);
        changed = !tree_same(&now, &scene.base);
        tree_clear(&now);
        if (changed) {
            check_aftermath(&scene);
            check_new(&scene);
        }
    }
    assert_true(tries * stride > 500);
    scene_clear(&scene);
}

static void test_every_allocation_fails_once(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < DEEDS; i++)
        lack_memory_at(*state, &deeds[i], step(deeds[i].memory_stride, deeds[i].memory_stride_long));
}

/* ---- of two people who must sign one has ---- */

struct signing {
    struct scene scene;
    char first[PTI_KEYID_SIZE + 1], second[PTI_KEYID_SIZE + 1];
};

static int sign_second(void *ctx)
{
    struct signing *signing = ctx;
    struct scratch *scratch = signing->scene.scratch;
    struct pti_repository *repository = NULL;
    struct pti_signed_roles done;
    enum pintle_status status = pti_repository_open(signing->scene.directory, PTI_REPOSITORY_WRITE, SCRATCH_NOW,
                                                    scratch->crypto, &repository, &scratch->error);

    if (status == PINTLE_OK)
        status = pti_stage_sign(&repository->stage, pti_keyring_find(&keys, signing->second), &done, &scratch->error);
    if (status == PINTLE_OK)
        status = pti_repository_save_stage(repository, &scratch->error);
    pti_repository_close(repository);
    return (int)status;
}

static void begin_signing(struct scratch *scratch, struct signing *signing)
{
    static const struct deed deed = {.name = "sign", .run = edit};
    struct pti_repository *repository;
    const struct pti_public_key *people;
    struct pti_signed_roles done;

    signing->scene = (struct scene){.scratch = scratch, .deed = &deed};
    (void)pti_copy_text(signing->scene.directory, sizeof(signing->scene.directory), scratch_path(scratch, "repo"));
    scratch_init(scratch, "repo", 3, 2);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &keys, NULL, &scratch->error));
    people = repository->stage.root_keys[PTI_TUF_TARGETS].keys;
    (void)pti_copy_text(signing->first, sizeof(signing->first), people[0].id);
    (void)pti_copy_text(signing->second, sizeof(signing->second), people[1].id);
    scratch_ok(scratch,
               pti_stage_sign(&repository->stage, pti_keyring_find(&keys, signing->first), &done, &scratch->error));
    scratch_ok(scratch, pti_repository_save_stage(repository, &scratch->error));
    pti_repository_close(repository);
    tree_read(scratch, signing->scene.directory, &signing->scene.base);
}

/* The first one's signature stays; after a success the second one's is there too. */
static void check_signatures(struct signing *signing, enum pintle_status status)
{
    struct scratch *scratch = signing->scene.scratch;
    struct pti_repository *repository = scratch_open(scratch, "repo", PTI_REPOSITORY_READ);
    const struct pti_role_keys *people = &repository->stage.root_keys[PTI_TUF_TARGETS];
    bool has_signed[3] = {false};
    int64_t count;

    scratch_ok(scratch, pti_envelope_signers(repository->stage.targets, people, scratch->crypto, has_signed, &count,
                                             &scratch->error));
    assert_true(has_signed[0]);
    assert_true(has_signed[1] || status != PINTLE_OK);
    pti_repository_close(repository);
}

static void test_no_signature_is_lost(void **state)
{
    static const struct {
        unsigned kinds;
        int number;
        long stride;
        enum pintle_status refusal;
    } cases[] = {{FAULTS_MEMORY | FAULTS_OPENSSL, ENOMEM, 43, PINTLE_ERR_MEMORY},
                 {EVERYTHING, EIO, 5, PINTLE_ERR_STORAGE}};
    struct signing signing;
    enum faults_end end = FAULTS_KILLED;

    if (!faults_available())
        skip();
    begin_signing(*state, &signing);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool more = true;
        for (long n = 0; more; n += step(cases[i].stride, 1)) {
            enum pintle_status status;
            tree_write(&signing.scene.base, signing.scene.directory);
            faults_arm(cases[i].kinds, n, FAULTS_FAIL, cases[i].number);
            status = (enum pintle_status)sign_second(&signing);
            more = faults_disarm();
            assert_true(status == PINTLE_OK || status == cases[i].refusal);
            check_signatures(&signing, status);
        }
    }
    for (long n = 0; end == FAULTS_KILLED; n += step(2, 1)) {
        tree_write(&signing.scene.base, signing.scene.directory);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, sign_second, &signing);
        check_signatures(&signing, end == FAULTS_ENDED ? PINTLE_OK : PINTLE_ERR_STORAGE);
    }
    scene_clear(&signing.scene);
}

static int make_repository(void *ctx)
{
    struct scene *scene = ctx;
    const struct pti_init_options options = {
        .directory = scene->directory, .kind = PTI_KEY_ED25519, .now = SCRATCH_NOW};

    return (int)pti_init(&options, scene->scratch->crypto, &scene->scratch->error);
}

/* Killed on the way it is no repository, for anybody, and what there is of it is not overwritten; or it is whole. */
static void test_a_new_repository_is_whole_or_none(void **state)
{
    struct scratch *scratch = *state;
    const struct deed deed = {.name = "init", .before = "charter=1", .after = "charter=1"};
    struct scene scene = {.scratch = scratch, .deed = &deed};
    enum faults_end end = faults_available() ? FAULTS_KILLED : FAULTS_ENDED;
    long none = 0;

    (void)pti_copy_text(scene.directory, sizeof(scene.directory), scratch_path(scratch, "repo"));
    for (long n = 0; end == FAULTS_KILLED; n += step(9, 1)) {
        struct pti_repository *repository;
        enum pintle_status status;
        scratch_remove_tree(scene.directory);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, make_repository, &scene);
        status = pti_repository_open(scene.directory, PTI_REPOSITORY_WRITE, SCRATCH_NOW, scratch->crypto, &repository,
                                     &scratch->error);
        if (status == PINTLE_OK) {
            scratch_ok(scratch, read_keys_and_publish(repository, &scratch->error));
            pti_repository_close(repository);
            check_clients(&scene, true);
            continue;
        }
        none++;
        scratch_refused(scratch, status, PINTLE_ERR_STORAGE, "there is no repository in");
        if (pti_file_exists(scratch_path(scratch, "repo/keys")))
            scratch_refused(scratch, (enum pintle_status)make_repository(&scene), PINTLE_ERR_STORAGE,
                            "repo/keys is there already and is not overwritten; choose an empty directory");
        else
            scratch_ok(scratch, (enum pintle_status)make_repository(&scene));
    }
    assert_true(none > 10);
}

static int setup(void **state)
{
    *state = scratch_new();
    return 0;
}

static int teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_at_every_change),
        TEST(test_every_call_fails_once),
        TEST(test_a_disk_is_full_from_any_change_on),
        TEST(test_every_allocation_fails_once),
        TEST(test_a_new_repository_is_whole_or_none),
        TEST(test_no_signature_is_lost),
    };

    if (!faults_hook_openssl())
        return EXIT_FAILURE;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
