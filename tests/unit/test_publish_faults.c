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
#include <sys/stat.h>

#include <cmocka.h>

#include "faults.h"
#include "publish/output.h"
#include "publish_scene.h"

/* ---- faults ---- */

static void kill_at(struct scratch *scratch, const struct deed *deed, long stride)
{
    enum faults_end end = FAULTS_KILLED;
    struct scene scene;
    long kills = 0;

    scene_set(&scene, scratch, deed);
    for (long n = 0; end == FAULTS_KILLED; n += stride) {
        tree_write(&scene.base, scene.directory);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, scene_perform, &scene);
        assert_int_not_equal(end, FAULTS_BROKEN);
        kills += end == FAULTS_KILLED;
        scene_check_aftermath(&scene);
        scene_check_new(&scene);
    }
    assert_true(kills * stride > 35); /* as many changes as the smallest deed makes */
    scene_clear(&scene);
}

static void test_killed_at_every_change(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < SCENE_DEEDS; i++)
        kill_at(*state, &scene_deeds[i], scene_step(scene_deeds[i].stride, 1));
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
        status = (enum pintle_status)scene_perform(&scene);
        more = faults_disarm();
        refusals += status != PINTLE_OK;
        check_said(&scene, status, number);
        scene_check_aftermath(&scene);
        scene_check_new(&scene);
    }
    assert_true(refusals * stride > 20);
    scene_clear(&scene);
}

static void test_every_call_fails_once(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < SCENE_DEEDS; i++)
        fail_at(*state, &scene_deeds[i], FAULTS_FAIL, scene_step(scene_deeds[i].stride * 7, 1));
}

static void test_a_disk_is_full_from_any_change_on(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < SCENE_DEEDS; i++)
        fail_at(*state, &scene_deeds[i], FAULTS_FAIL_ON, scene_step(scene_deeds[i].stride * 5, 1));
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
    for (long n = 0; end == FAULTS_KILLED; n += scene_step(9, 1)) {
        struct pti_repository *repository;
        enum pintle_status status;
        scratch_remove_tree(scene.directory);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, make_repository, &scene);
        status = pti_repository_open(scene.directory, PTI_REPOSITORY_WRITE, SCRATCH_NOW, scratch->crypto, &repository,
                                     &scratch->error);
        if (status == PINTLE_OK) {
            scratch_ok(scratch, scene_publish(repository, &scratch->error));
            pti_repository_close(repository);
            scene_check_clients(&scene, true);
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

struct content {
    struct scratch *scratch;
    char text[400];
};

static int write_content(void *ctx)
{
    struct content *content = ctx;
    struct pti_error *error = &content->scratch->error;
    struct pti_output output = {NULL, 0};
    enum pintle_status status = pti_output_add(&output, pti_bytes_text(content->text), error,
                                               "public/metadata/2.targets.json");

    if (status == PINTLE_OK)
        status = pti_repository_write_output(scratch_path(content->scratch, "repo"), &output, error);
    pti_output_clear(&output);
    return (int)status;
}

/* A version that nothing refers to yet may be written again; what is beside it never is of the one before. */
static void test_a_compressed_form_is_never_of_another_content(void **state)
{
    static const size_t sizes[] = {300, 20}; /* with a compressed form, and without one */
    struct scratch *scratch = *state;
    struct content content = {.scratch = scratch};
    struct tree before;

    assert_int_equal(mkdir(scratch_path(scratch, "repo"), 0755), 0);
    memset(content.text, 'a', sizes[0]);
    assert_int_equal(write_content(&content), PINTLE_OK);
    tree_read(scratch, scratch_path(scratch, "repo"), &before);
    assert_int_equal(before.count, 2);
    for (size_t i = 0; i < 2; i++) {
        enum faults_end end = faults_available() ? FAULTS_KILLED : FAULTS_ENDED;
        struct tree after = {NULL, 0};

        memset(content.text, 0, sizeof(content.text));
        memset(content.text, 'b', sizes[i]);
        for (long n = 0; end == FAULTS_KILLED; n++) {
            tree_clear(&after);
            tree_write(&before, scratch_path(scratch, "repo"));
            end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, write_content, &content);
            assert_int_not_equal(end, FAULTS_BROKEN);
            tree_read(scratch, scratch_path(scratch, "repo"), &after);
            tree_check_compressed(&after);
        }
        assert_true(!faults_available() || after.count == 2 - i);
        tree_clear(&after);
    }
    tree_clear(&before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_killed_at_every_change),
        SCRATCH_TEST(test_every_call_fails_once),
        SCRATCH_TEST(test_a_disk_is_full_from_any_change_on),
        SCRATCH_TEST(test_a_new_repository_is_whole_or_none),
        SCRATCH_TEST(test_a_compressed_form_is_never_of_another_content),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
