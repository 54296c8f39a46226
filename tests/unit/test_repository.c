/* SPDX-License-Identifier: Apache-2.0 */
/* A repository directory under crashes, a second writer and a spoilt stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

#define HOST "api.example.com"

/* ---- interrupted publications ---- */

/* Publishes from a copy of "base" but stops after `files` files; returns how many there would have been. */
static size_t publish_partly(struct scratch *scratch, const char *copy, size_t files)
{
    struct pti_output output = {NULL, 0};
    struct pti_keyring ring = {NULL, 0};
    struct pti_repository *repository;
    struct pti_publish_input input = {.keys = &ring, .now = SCRATCH_NOW, .crypto = scratch->crypto};
    struct pti_signed_roles done;
    size_t count, all;

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
    count = files < all ? files : all;
    output.count = count;
    scratch_ok(scratch, pti_repository_write_output(scratch_path(scratch, copy), &output, &scratch->error));
    output.count = all;
    pti_output_clear(&output);
    pti_keyring_clear(&ring);
    pti_repository_close(repository); /* the process dies: the stage was not emptied */
    return all;
}

static void test_a_crash_after_any_file_leaves_the_old_or_the_new_publication(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository = NULL;
    size_t all = 1, old = 0, new = 0;

    scratch_init(scratch, "base", 0, 0);
    repository = scratch_open(scratch, "base", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    pti_repository_close(repository);
    for (size_t files = 0; files <= all; files++) {
        struct pti_generation *generation;
        char copy[32];
        (void)snprintf(copy, sizeof(copy), "copy-%zu", files);
        all = publish_partly(scratch, copy, files);
        scratch_assert_served_whole(scratch, copy);
        repository = scratch_open(scratch, copy, PTI_REPOSITORY_READ);
        generation = scratch_client_view(scratch, repository, SCRATCH_NOW);
        if (scratch_pins_of(generation, HOST) == 0)
            old++;
        else
            new ++;
        pti_generation_free(generation);
        pti_repository_close(repository);
        /* The next writer completes it, and nothing is lost: what was staged is staged or out. */
        repository = scratch_open(scratch, copy, PTI_REPOSITORY_WRITE);
        scratch_assert_served_whole(scratch, copy);
        (void)scratch_publish(scratch, repository, SCRATCH_NOW + 1);
        generation = scratch_client_view(scratch, repository, SCRATCH_NOW + 1);
        assert_int_equal(scratch_pins_of(generation, HOST), 1);
        assert_int_equal(generation->charter.version, 2);
        assert_int_equal(generation->zones[0].zone.version, 2);
        pti_generation_free(generation);
        pti_repository_close(repository);
    }
    assert_true(old > 0 && new > 0);
}

static void test_heads_that_lag_behind_are_completed_by_the_next_writer(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pintle_bytes head, wanted;

    scratch_init(scratch, "repo", 0, 0);
    wanted = scratch_read(scratch, scratch_path(scratch, "repo/public/head/1"));
    assert_int_equal(remove(scratch_path(scratch, "repo/public/head/1")), 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_PUBLISHED);
    pti_repository_close(repository);
    head = scratch_read(scratch, scratch_path(scratch, "repo/public/head/1"));
    assert_true(pti_bytes_equal(head, wanted));
    pti_bytes_free(&head);
    pti_bytes_free(&wanted);
}

/* A snapshot that was signed but never named has spent its number: another file with that name could be in a cache. */
static void test_a_snapshot_number_is_never_used_twice(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;
    struct pintle_bytes left;

    scratch_init(scratch, "repo", 0, 0);
    left = scratch_read(scratch, scratch_path(scratch, "repo/public/metadata/1.snapshot.json"));
    scratch_ok(scratch, pti_file_replace(scratch_path(scratch, "repo/public/metadata/2.snapshot.json"), left, 0644,
                                         &scratch->error));
    pti_bytes_free(&left);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    result = scratch_publish(scratch, repository, SCRATCH_NOW);
    assert_int_equal(result.snapshot_version, 3);
    assert_int_equal(result.timestamp_version, 2);
    pti_repository_close(repository);
}

static void test_one_writer_at_a_time(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *first, *reader;
    int lock;

    scratch_init(scratch, "repo", 0, 0);
    first = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    reader = scratch_open(scratch, "repo", PTI_REPOSITORY_READ); /* readers do not wait */
    pti_repository_close(reader);
    scratch_refused(scratch, pti_file_lock(scratch_path(scratch, "repo/lock"), 50, &lock, &scratch->error),
                    PINTLE_ERR_STORAGE, "another process holds");
    pti_repository_close(first);
    scratch_ok(scratch, pti_file_lock(scratch_path(scratch, "repo/lock"), 0, &lock, &scratch->error));
    pti_file_unlock(lock);
}

/* ... and the way out is named. */
static void stage_is_refused(struct scratch *scratch, const char *text)
{
    struct pti_repository *repository;

    scratch_refused(scratch,
                    pti_repository_open(scratch_path(scratch, "repo"), PTI_REPOSITORY_WRITE, SCRATCH_NOW,
                                        scratch->crypto, &repository, &scratch->error),
                    PINTLE_ERR_INPUT, text);
    assert_non_null(strstr(scratch->error.detail, "`pintle stage drop`"));
}

static void test_a_spoilt_stage_stops_no_renewal(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    pti_repository_close(repository);
    scratch_write(scratch, scratch_path(scratch, "repo/stage/charter.json"), "{");
    stage_is_refused(scratch, "stage/charter.json: charter: byte 1");
    scratch_write(scratch, scratch_path(scratch, "repo/stage/charter.json"), "");
    stage_is_refused(scratch, "stage/charter.json: expected JSON, found an empty file");
    scratch_ok(scratch, pti_file_remove(scratch_path(scratch, "repo/stage/charter.json"), &scratch->error));
    scratch_write(scratch, scratch_path(scratch, "repo/stage/zones/main.json"), "");
    stage_is_refused(scratch, "stage/zones/main.json: expected JSON, found an empty file");
    scratch_ok(scratch, pti_file_remove(scratch_path(scratch, "repo/stage/zones/main.json"), &scratch->error));
    scratch_write(scratch, scratch_path(scratch, "repo/stage/metadata/main.json"), "[]");
    stage_is_refused(scratch, "stage/metadata/main.json: ");
    scratch_write(scratch, scratch_path(scratch, "repo/stage/metadata/targets.json"), "");
    stage_is_refused(scratch, "stage/metadata/targets.json: expected JSON, found an empty file");
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_PUBLISHED);
    assert_int_equal(repository->published.timestamp_version, 1);
    scratch_ok(scratch, pti_repository_drop_stage(repository, &scratch->error));
    assert_false(pti_stage_has_drafts(&repository->stage));
    pti_repository_close(repository);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    assert_false(pti_stage_has_drafts(&repository->stage));
    pti_repository_close(repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_crash_after_any_file_leaves_the_old_or_the_new_publication),
        SCRATCH_TEST(test_heads_that_lag_behind_are_completed_by_the_next_writer),
        SCRATCH_TEST(test_a_snapshot_number_is_never_used_twice),
        SCRATCH_TEST(test_one_writer_at_a_time),
        SCRATCH_TEST(test_a_spoilt_stage_stops_no_renewal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
