/* SPDX-License-Identifier: Apache-2.0 */
/* Making a repository directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"

static void test_init_makes_a_working_repository(void **state)
{
    static const struct {
        const char *path;
        unsigned mode;
    } table[] = {
        {"repo/repository.json", 0644},
        {"repo/keys", 0700},
        {"repo/keys/root-1.pem", 0600},
        {"repo/keys/targets-1.pem", 0600},
        {"repo/keys/snapshot.pem", 0600},
        {"repo/keys/timestamp.pem", 0600},
        {"repo/keys/zone-main.pem", 0600},
        {"repo/public/metadata/1.root.json", 0644},
        {"repo/public/metadata/timestamp.json", 0644},
        {"repo/public/metadata/1.snapshot.json", 0644},
        {"repo/public/metadata/1.targets.json", 0644},
        {"repo/public/metadata/1.main.json", 0644},
        {"repo/public/head/1", 0644},
        {"repo/app/roots", 0644},
        {"repo/app/shipped", 0644},
    };
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_generation *generation;

    scratch_init(scratch, "repo", 0, 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(scratch_mode(scratch_path(scratch, table[i].path)), table[i].mode);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_READ);
    assert_string_equal(repository->published.repository, "repo");
    assert_string_equal(repository->settings.name, "repo");
    generation = scratch_client_view(scratch, repository, SCRATCH_NOW);
    assert_int_equal(generation->charter.version, 1);
    assert_int_equal(generation->charter.host_count, 0);
    assert_int_equal(generation->zone_count, 1);
    assert_string_equal(generation->zones[0].name, "main");
    pti_generation_free(generation);
    pti_repository_close(repository);
}

static void test_init_never_touches_what_is_there(void **state)
{
    struct scratch *scratch = *state;
    struct pti_init_options options = {.directory = scratch_path(scratch, "repo"), .now = SCRATCH_NOW};
    struct pintle_bytes before, after;

    scratch_init(scratch, "repo", 0, 0);
    before = scratch_read(scratch, scratch_path(scratch, "repo/keys/root-1.pem"));
    scratch_refused(scratch, pti_init(&options, scratch->crypto, &scratch->error), PINTLE_ERR_STORAGE,
                    "not overwritten");
    after = scratch_read(scratch, scratch_path(scratch, "repo/keys/root-1.pem"));
    assert_true(pti_bytes_equal(before, after));
    pti_bytes_free(&before);
    pti_bytes_free(&after);
}

static void test_init_refuses_options_that_make_no_sense(void **state)
{
    static const struct {
        struct pti_init_options options;
        const char *text;
    } table[] = {
        {{.offline_keys = 2, .threshold = 3}, "threshold"},
        {{.threshold = 2}, "threshold"},
        {{.offline_keys = 17}, "1 to 16 offline keys"},
        {{.zone = "snapshot"}, "TUF role"},
        {{.zone = "a/b"}, "zone name"},
        {{.name = "a b"}, "--name"},
        {{.passphrase = ""}, "passphrase"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct pti_init_options options = table[i].options;
        options.directory = scratch_path(scratch, "repo");
        options.now = SCRATCH_NOW;
        scratch_refused(scratch, pti_init(&options, scratch->crypto, &scratch->error), PINTLE_ERR_INPUT, table[i].text);
        assert_false(pti_file_exists(scratch_path(scratch, "repo/keys")));
    }
}

static void test_a_passphrase_covers_offline_keys_only(void **state)
{
    struct scratch *scratch = *state;
    const struct pti_init_options options = {.directory = scratch_path(scratch, "repo"),
                                             .now = SCRATCH_NOW,
                                             .passphrase = "secret",
                                             .kind = PTI_KEY_ECDSA_P256};
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    size_t skipped;

    scratch_ok(scratch, pti_init(&options, scratch->crypto, &scratch->error));
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_READ);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, &skipped, &scratch->error));
    assert_int_equal(ring.count, 3); /* snapshot, timestamp, zone */
    assert_int_equal(skipped, 2);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, "wrong", &ring, &skipped, &scratch->error));
    assert_int_equal(ring.count, 3);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, "secret", &ring, &skipped, &scratch->error));
    assert_int_equal(ring.count, 5);
    assert_int_equal(skipped, 0);
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_no_repository_says_how_to_make_one(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;

    scratch_refused(scratch,
                    pti_repository_open(scratch_path(scratch, "absent"), PTI_REPOSITORY_READ, SCRATCH_NOW,
                                        scratch->crypto, &repository, &scratch->error),
                    PINTLE_ERR_STORAGE, "pintle init --repo");
    assert_null(repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_init_makes_a_working_repository),
        SCRATCH_TEST(test_init_never_touches_what_is_there),
        SCRATCH_TEST(test_init_refuses_options_that_make_no_sense),
        SCRATCH_TEST(test_a_passphrase_covers_offline_keys_only),
        SCRATCH_TEST(test_no_repository_says_how_to_make_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
