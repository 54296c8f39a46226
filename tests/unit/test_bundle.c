/* SPDX-License-Identifier: Apache-2.0 */
/* Heads: how many roots fit into one, and what becomes of those that are not written any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/bundle.h"
#include "scratch.h"

static void test_the_oldest_head_is_the_largest_that_fits(void **state)
{
    static const struct {
        const char *name;
        size_t roots, size, timestamp, first;
    } cases[] = {
        {"one root", 1, 1000, 1000, 1},
        {"few roots", 12, 1000, 1000, 1},
        {"as many as a client follows at once", 257, 1000, 1000, 1},
        {"one more", 258, 1000, 1000, 2},
        {"roots too large for all of them", 300, 9000, 1000, 300 - 234},
        {"the largest roots", 20, PTI_ROOT_SIZE_MAX, PTI_TIMESTAMP_SIZE_MAX, 20 - 4},
    };
    static uint8_t bytes[PTI_ROOT_SIZE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pti_published published = {.root_count = cases[i].roots, .timestamp = {bytes, cases[i].timestamp}};
        struct pti_error error;
        struct pti_buf head;
        size_t first;

        published.roots = calloc(cases[i].roots, sizeof(*published.roots));
        assert_non_null(published.roots);
        for (size_t n = 0; n < cases[i].roots; n++)
            published.roots[n] = (struct pintle_bytes){bytes, cases[i].size};
        first = pti_bundle_first_head(&published);
        print_message("%s\n", cases[i].name);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(pti_bundle_head(&published, first, &head, &error), PINTLE_OK);
        pti_buf_clear(&head);
        if (first > 1 && published.root_count - first < PTI_ROOT_ROTATIONS_MAX) {
            assert_int_equal(pti_bundle_head(&published, first - 1, &head, &error), PINTLE_ERR_INPUT);
            pti_buf_clear(&head);
        }
        free(published.roots);
    }
}

/* The roots of a repository continued far beyond what one head holds, in its files. */
static void add_roots(struct scratch *scratch, struct pti_repository *repository, size_t last)
{
    struct pti_keyring ring = {NULL, 0};
    struct pti_root_fields root = {.expires = SCRATCH_NOW + SCRATCH_DAY, .repository = repository->settings.name};
    struct pintle_bytes first = pti_published_root(&repository->published);
    const struct pti_signing_key *key;

    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    scratch_ok(scratch, pti_role_keys_from_root(first, "root", &root.root, &scratch->error));
    scratch_ok(scratch, pti_role_keys_from_root(first, "targets", &root.targets, &scratch->error));
    scratch_ok(scratch, pti_role_keys_from_root(first, "snapshot", &root.snapshot, &scratch->error));
    scratch_ok(scratch, pti_role_keys_from_root(first, "timestamp", &root.timestamp, &scratch->error));
    key = pti_keyring_find(&ring, root.root.keys[0].id);
    for (root.version = 2; root.version <= (int64_t)last; root.version++) {
        struct pti_buf text, envelope, done;
        char path[96];
        FILE *file;

        pti_buf_init(&text, PTI_ROOT_SIZE_MAX);
        pti_buf_init(&envelope, PTI_ROOT_SIZE_MAX);
        pti_buf_init(&done, PTI_ROOT_SIZE_MAX);
        pti_root_write(&root, &text);
        scratch_ok(scratch, pti_envelope_write(pti_buf_bytes(&text), &envelope, &scratch->error));
        scratch_ok(scratch, pti_envelope_sign(pti_buf_bytes(&envelope), key, scratch->crypto, &done, &scratch->error));
        (void)snprintf(path, sizeof(path), "repo/public/metadata/%d.root.json", (int)root.version);
        file = fopen(scratch_path(scratch, path), "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(done.data, 1, done.size, file), done.size);
        assert_int_equal(fclose(file), 0);
        pti_buf_clear(&done);
        pti_buf_clear(&envelope);
        pti_buf_clear(&text);
    }
    pti_role_keys_clear(&root.root);
    pti_role_keys_clear(&root.targets);
    pti_role_keys_clear(&root.snapshot);
    pti_role_keys_clear(&root.timestamp);
    pti_keyring_clear(&ring);
}

/* One that stayed would freeze its clients; a publisher who was killed may have removed any of them. */
static void test_heads_that_are_not_written_any_more_go(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    add_roots(scratch, repository, PTI_ROOT_ROTATIONS_MAX + 4);
    pti_repository_close(repository);
    scratch_write(scratch, scratch_path(scratch, "repo/public/head/2"), "old");
    assert_true(pti_file_exists(scratch_path(scratch, "repo/public/head/1")));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/public/head/3")));
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    assert_int_equal(repository->published.root_count, PTI_ROOT_ROTATIONS_MAX + 4);
    assert_false(pti_file_exists(scratch_path(scratch, "repo/public/head/1")));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/public/head/2")));
    assert_true(pti_file_exists(scratch_path(scratch, "repo/public/head/4")));
    assert_true(pti_file_exists(scratch_path(scratch, "repo/public/head/260")));
    pti_repository_close(repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_head_is_the_largest_that_fits),
        SCRATCH_TEST(test_heads_that_are_not_written_any_more_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
