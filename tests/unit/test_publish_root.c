/* SPDX-License-Identifier: Apache-2.0 */
/* New roots in a repository directory: thresholds, numbers, key files, and publications that end halfway. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/bundle.h"
#include "publish/root_history.h"
#include "scratch.h"

/* New online keys, kept in keys/, staged and saved. */
static void stage_online_keys(struct scratch *scratch, struct pti_repository *repository)
{
    static const enum pti_tuf_type online[] = {PTI_TUF_TIMESTAMP, PTI_TUF_SNAPSHOT};
    struct pti_keyring rings[PTI_TUF_TYPES];
    char path[PTI_PATH_MAX];

    scratch_ok(scratch, pti_stage_root_replace_online(&repository->stage, rings, &scratch->error));
    for (size_t i = 0; i < 2; i++) {
        scratch_ok(scratch, pti_repository_save_key(repository, rings[online[i]].keys[0],
                                                    i == 0 ? "timestamp.2" : "snapshot.2", path, &scratch->error));
        pti_keyring_clear(&rings[online[i]]);
    }
    scratch_ok(scratch, pti_stage_update(&repository->stage, SCRATCH_NOW, &scratch->error));
    scratch_ok(scratch, pti_repository_save_stage(repository, &scratch->error));
}

static void test_online_keys_are_replaced_and_numbers_start_again(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;
    char **names;
    size_t count;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    (void)scratch_publish(scratch, repository, SCRATCH_NOW + 1);
    stage_online_keys(scratch, repository);
    result = scratch_publish(scratch, repository, SCRATCH_NOW + 2);
    assert_int_equal(result.root_version, 2);
    assert_int_equal(result.timestamp_version, 1);
    assert_int_equal(result.snapshot_version, 3); /* one file name has one content for ever */
    pti_generation_free(scratch_client_view(scratch, repository, SCRATCH_NOW + 2));
    scratch_ok(scratch, pti_repository_retire_keys(repository, &names, &count, &scratch->error));
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "snapshot.pem");
    assert_string_equal(names[1], "timestamp.pem");
    assert_true(pti_file_exists(scratch_path(scratch, "repo/keys/retired/timestamp.pem")));
    assert_int_equal(scratch_mode(scratch_path(scratch, "repo/keys/retired")), 0700);
    pti_file_names_free(names, count);
    result = scratch_publish(scratch, repository, SCRATCH_NOW + 3);
    assert_int_equal(result.timestamp_version, 2);
    assert_int_equal(result.snapshot_version, 4);
    pti_repository_close(repository);
}

static void test_a_root_below_its_threshold_is_not_published(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    scratch_init(scratch, "repo", 3, 2);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_stage_renew(&repository->stage, "root", SCRATCH_NOW, &scratch->error));
    scratch_refused(scratch, pti_publish(repository, &ring, SCRATCH_NOW, &result, &scratch->error), PINTLE_ERR_TRUST,
                    "root: 0 of 2 signatures; sign it with `pintle sign --key FILE`");
    assert_false(pti_file_exists(scratch_path(scratch, "repo/public/metadata/2.root.json")));
    result = scratch_publish(scratch, repository, SCRATCH_NOW);
    assert_int_equal(result.root_version, 2);
    assert_int_equal(result.timestamp_version, 2); /* the online keys stay: numbers go on */
    pti_repository_close(repository);
}

static void test_an_expired_root_is_renewed(void **state)
{
    struct scratch *scratch = *state;
    const int64_t later = SCRATCH_NOW + 366 * SCRATCH_DAY;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    scratch_refused(scratch, pti_publish(repository, &ring, later, &result, &scratch->error), PINTLE_ERR_TRUST,
                    "root: version 1 expired");
    pti_keyring_clear(&ring);
    scratch_ok(scratch, pti_stage_renew(&repository->stage, "root", later, &scratch->error));
    scratch_ok(scratch, pti_stage_renew(&repository->stage, "targets", later, &scratch->error));
    scratch_ok(scratch, pti_stage_renew(&repository->stage, "main", later, &scratch->error));
    result = scratch_publish(scratch, repository, later);
    assert_int_equal(result.root_version, 2);
    pti_generation_free(scratch_client_view(scratch, repository, later));
    pti_repository_close(repository);
}

/* Publishes but stops after so many files; returns how many there would have been. */
static size_t publish_partly(struct scratch *scratch, const char *copy, size_t files)
{
    struct pti_output output = {NULL, 0};
    struct pti_keyring ring = {NULL, 0};
    struct pti_signed_roles done;
    struct pti_repository *repository;
    struct pti_publish_input input = {.keys = &ring, .now = SCRATCH_NOW, .crypto = scratch->crypto};
    size_t all;

    scratch_copy_tree(scratch, scratch_path(scratch, "base"), scratch_path(scratch, copy));
    repository = scratch_open(scratch, copy, PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    for (size_t i = 0; i < ring.count; i++)
        scratch_ok(scratch, pti_stage_sign(&repository->stage, ring.keys[i], &done, &scratch->error));
    scratch_ok(scratch, pti_repository_save_stage(repository, &scratch->error));
    input.current = &repository->published;
    input.stage = &repository->stage;
    scratch_ok(scratch, pti_publish_assemble(&input, &output, &scratch->error));
    all = output.count;
    output.count = files < all ? files : all;
    scratch_ok(scratch, pti_repository_write_output(scratch_path(scratch, copy), &output, &scratch->error));
    output.count = all;
    pti_output_clear(&output);
    pti_keyring_clear(&ring);
    pti_repository_close(repository); /* the process dies: the stage was not emptied */
    return all;
}

/* All online keys and the targets key in one root: nothing published before verifies under it. */
static void test_a_crash_after_any_file_of_a_rotation_is_completed_by_the_next_publication(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_signing_key *targets;
    char path[PTI_PATH_MAX];
    size_t all = 1, lagging = 0;

    scratch_init(scratch, "base", 0, 0);
    repository = scratch_open(scratch, "base", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_signing_key_generate(PTI_KEY_ED25519, &targets, &scratch->error));
    scratch_ok(scratch, pti_repository_save_key(repository, targets, "targets-2", path, &scratch->error));
    scratch_ok(scratch, pti_stage_root_replace(&repository->stage, PTI_TUF_TARGETS,
                                               repository->stage.root_keys[PTI_TUF_TARGETS].keys[0].id,
                                               pti_signing_key_public(targets), &scratch->error));
    pti_signing_key_free(targets);
    stage_online_keys(scratch, repository);
    pti_repository_close(repository);
    for (size_t files = 0; files <= all; files++) {
        struct pti_publish_result result;
        size_t accepting;
        char copy[32];
        (void)snprintf(copy, sizeof(copy), "copy-%zu", files);
        all = publish_partly(scratch, copy, files);
        scratch_assert_served_whole(scratch, copy); /* to everybody who polls heads: the old state or the new one */
        repository = scratch_open(scratch, copy, PTI_REPOSITORY_WRITE);
        scratch_assert_served_whole(scratch, copy);
        scratch_ok(scratch,
                   pti_root_history_accepting(&repository->published, scratch->crypto, &accepting, &scratch->error));
        lagging += accepting < repository->published.root_count ? 1u : 0u;
        result = scratch_publish(scratch, repository, SCRATCH_NOW + 1);
        assert_int_equal(result.root_version, 2);
        assert_int_equal(result.targets_version, 2);
        assert_true(result.timestamp_version <= 2); /* they started again, in whichever of the two publications */
        pti_generation_free(scratch_client_view(scratch, repository, SCRATCH_NOW + 1));
        pti_repository_close(repository);
    }
    assert_int_equal(lagging, 1); /* only between the root and its timestamp */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_online_keys_are_replaced_and_numbers_start_again),
        SCRATCH_TEST(test_a_root_below_its_threshold_is_not_published),
        SCRATCH_TEST(test_an_expired_root_is_renewed),
        SCRATCH_TEST(test_a_crash_after_any_file_of_a_rotation_is_completed_by_the_next_publication),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
