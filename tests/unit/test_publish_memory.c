/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher that lacks memory at any single allocation, of ours or of OpenSSL: it says so, and the same holds as after
 * any other fault (test_publish_faults.c).  And signatures that others have made, which no fault of any kind may lose.
 *
 * With PINTLE_LONG set every allocation is tried (of a rotation, which decodes keys, every 61st).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "publish_scene.h"

#define EVERYTHING (FAULTS_CHANGES | FAULTS_OPEN | FAULTS_READ | FAULTS_CLOSE | FAULTS_LOCK)

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
        status = (enum pintle_status)scene_perform(&scene);
        more = faults_disarm();
        tries++;
        if (status != PINTLE_OK && status != PINTLE_ERR_MEMORY)
            fail_msg("%s: without allocation %ld: %s: %s", deed->name, n, pintle_status_name(status),
                     scratch->error.detail);
        tree_read(scratch, scene.directory, &now);
        changed = !tree_same(&now, &scene.base);
        tree_clear(&now);
        if (changed) {
            scene_check_aftermath(&scene);
            scene_check_new(&scene);
        }
    }
    assert_true(tries * stride > 500);
    scene_clear(&scene);
}

static void test_every_allocation_fails_once(void **state)
{
    if (!faults_available())
        skip();
    for (size_t i = 0; i < SCENE_DEEDS; i++)
        lack_memory_at(*state, &scene_deeds[i],
                       scene_step(scene_deeds[i].memory_stride, scene_deeds[i].memory_stride_long));
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
        status = pti_stage_sign(&repository->stage, pti_keyring_find(&scene_keys, signing->second), &done,
                                &scratch->error);
    if (status == PINTLE_OK)
        status = pti_repository_save_stage(repository, &scratch->error);
    pti_repository_close(repository);
    return (int)status;
}

static void begin_signing(struct scratch *scratch, struct signing *signing)
{
    static const struct deed deed = {.name = "sign"};
    struct pti_repository *repository;
    const struct pti_public_key *people;
    struct pti_signed_roles done;

    signing->scene = (struct scene){.scratch = scratch, .deed = &deed};
    (void)pti_copy_text(signing->scene.directory, sizeof(signing->scene.directory), scratch_path(scratch, "repo"));
    scratch_init(scratch, "repo", 3, 2);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, SCENE_HOST, 1);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &scene_keys, NULL, &scratch->error));
    people = repository->stage.root_keys[PTI_TUF_TARGETS].keys;
    (void)pti_copy_text(signing->first, sizeof(signing->first), people[0].id);
    (void)pti_copy_text(signing->second, sizeof(signing->second), people[1].id);
    scratch_ok(scratch, pti_stage_sign(&repository->stage, pti_keyring_find(&scene_keys, signing->first), &done,
                                       &scratch->error));
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
        for (long n = 0; more; n += scene_step(cases[i].stride, 1)) {
            enum pintle_status status;
            tree_write(&signing.scene.base, signing.scene.directory);
            faults_arm(cases[i].kinds, n, FAULTS_FAIL, cases[i].number);
            status = (enum pintle_status)sign_second(&signing);
            more = faults_disarm();
            assert_true(status == PINTLE_OK || status == cases[i].refusal);
            check_signatures(&signing, status);
        }
    }
    for (long n = 0; end == FAULTS_KILLED; n += scene_step(2, 1)) {
        tree_write(&signing.scene.base, signing.scene.directory);
        end = faults_in_child(FAULTS_CHANGES, n, FAULTS_KILL_HALFWAY, sign_second, &signing);
        check_signatures(&signing, end == FAULTS_ENDED ? PINTLE_OK : PINTLE_ERR_STORAGE);
    }
    scene_clear(&signing.scene);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_every_allocation_fails_once),
        SCRATCH_TEST(test_no_signature_is_lost),
    };

    if (!faults_hook_openssl())
        return EXIT_FAILURE;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
