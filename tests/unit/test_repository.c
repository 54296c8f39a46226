/* SPDX-License-Identifier: Apache-2.0 */
/* A repository directory under crashes, a second writer and a spoilt stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish_fixture.h"

#define HOST "api.example.com"

/* ---- interrupted publications ---- */

/* Publishes from a copy of "base" but stops after `files` files; returns how many there would have been. */
static size_t publish_partly(struct fixture *fixture, const char *copy, size_t files)
{
    struct pti_output output = {NULL, 0};
    struct pti_keyring ring = {NULL, 0};
    struct pti_repository *repository;
    struct pti_publish_input input = {.keys = &ring, .now = FIXTURE_NOW, .crypto = fixture->crypto};
    struct pti_signed_roles done;
    size_t count, all;

    fixture_copy_tree(fixture, fixture_path(fixture, "base"), fixture_path(fixture, copy));
    repository = fixture_open(fixture, copy, PTI_REPOSITORY_WRITE);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &fixture->error));
    for (size_t i = 0; i < ring.count; i++)
        fixture_ok(fixture, pti_stage_sign(&repository->stage, ring.keys[i], &done, &fixture->error));
    fixture_ok(fixture, pti_repository_save_stage(repository, &fixture->error));
    input.current = &repository->published;
    input.stage = &repository->stage;
    fixture_ok(fixture, pti_publish_assemble(&input, &output, &fixture->error));
    all = output.count;
    count = files < all ? files : all;
    output.count = count;
    fixture_ok(fixture, pti_repository_write_output(fixture_path(fixture, copy), &output, &fixture->error));
    output.count = all;
    pti_output_clear(&output);
    pti_keyring_clear(&ring);
    pti_repository_close(repository); /* the process dies: the stage was not emptied */
    return all;
}

static void test_a_crash_after_any_file_leaves_the_old_or_the_new_publication(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository = NULL;
    size_t all = 1, old = 0, new = 0;

    fixture_init(fixture, "base", 0, 0);
    repository = fixture_open(fixture, "base", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    pti_repository_close(repository);
    for (size_t files = 0; files <= all; files++) {
        struct pti_generation *generation;
        char copy[32];
        (void)snprintf(copy, sizeof(copy), "copy-%zu", files);
        all = publish_partly(fixture, copy, files);
        fixture_assert_served_whole(fixture, copy);
        repository = fixture_open(fixture, copy, PTI_REPOSITORY_READ);
        generation = fixture_client_view(fixture, repository, FIXTURE_NOW);
        if (fixture_pins_of(generation, HOST) == 0)
            old++;
        else
            new ++;
        pti_generation_free(generation);
        pti_repository_close(repository);
        /* The next writer completes it, and nothing is lost: what was staged is staged or out. */
        repository = fixture_open(fixture, copy, PTI_REPOSITORY_WRITE);
        fixture_assert_served_whole(fixture, copy);
        (void)fixture_publish(fixture, repository, FIXTURE_NOW + 1);
        generation = fixture_client_view(fixture, repository, FIXTURE_NOW + 1);
        assert_int_equal(fixture_pins_of(generation, HOST), 1);
        assert_int_equal(generation->charter.version, 2);
        assert_int_equal(generation->zones[0].zone.version, 2);
        pti_generation_free(generation);
        pti_repository_close(repository);
    }
    assert_true(old > 0 && new > 0);
}

static void test_heads_that_lag_behind_are_completed_by_the_next_writer(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pintle_bytes head, wanted;

    fixture_init(fixture, "repo", 0, 0);
    wanted = fixture_read(fixture, fixture_path(fixture, "repo/public/head/1"));
    assert_int_equal(remove(fixture_path(fixture, "repo/public/head/1")), 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_PUBLISHED);
    pti_repository_close(repository);
    head = fixture_read(fixture, fixture_path(fixture, "repo/public/head/1"));
    assert_true(pti_bytes_equal(head, wanted));
    pti_bytes_free(&head);
    pti_bytes_free(&wanted);
}

/* A snapshot that was signed but never named has spent its number: another file with that name could be in a cache. */
static void test_a_snapshot_number_is_never_used_twice(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;
    struct pintle_bytes left;

    fixture_init(fixture, "repo", 0, 0);
    left = fixture_read(fixture, fixture_path(fixture, "repo/public/metadata/1.snapshot.json"));
    fixture_ok(fixture, pti_file_replace(fixture_path(fixture, "repo/public/metadata/2.snapshot.json"), left, 0644,
                                         &fixture->error));
    pti_bytes_free(&left);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    result = fixture_publish(fixture, repository, FIXTURE_NOW);
    assert_int_equal(result.snapshot_version, 3);
    assert_int_equal(result.timestamp_version, 2);
    pti_repository_close(repository);
}

static void test_one_writer_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *first, *reader;
    int lock;

    fixture_init(fixture, "repo", 0, 0);
    first = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    reader = fixture_open(fixture, "repo", PTI_REPOSITORY_READ); /* readers do not wait */
    pti_repository_close(reader);
    fixture_refused(fixture, pti_file_lock(fixture_path(fixture, "repo/lock"), 50, &lock, &fixture->error),
                    PINTLE_ERR_STORAGE, "another process has held");
    pti_repository_close(first);
    fixture_ok(fixture, pti_file_lock(fixture_path(fixture, "repo/lock"), 0, &lock, &fixture->error));
    pti_file_unlock(lock);
}

static void test_a_spoilt_stage_stops_no_renewal(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    pti_repository_close(repository);
    fixture_write(fixture, fixture_path(fixture, "repo/stage/charter.json"), "{");
    fixture_refused(fixture,
                    pti_repository_open(fixture_path(fixture, "repo"), PTI_REPOSITORY_WRITE, FIXTURE_NOW,
                                        fixture->crypto, &repository, &fixture->error),
                    PINTLE_ERR_INPUT, "stage: charter");
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_PUBLISHED);
    assert_int_equal(repository->published.timestamp_version, 1);
    pti_repository_close(repository);
}

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_crash_after_any_file_leaves_the_old_or_the_new_publication),
        TEST(test_heads_that_lag_behind_are_completed_by_the_next_writer),
        TEST(test_a_snapshot_number_is_never_used_twice),
        TEST(test_one_writer_at_a_time),
        TEST(test_a_spoilt_stage_stops_no_renewal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
