/* SPDX-License-Identifier: Apache-2.0 */
/* Making a repository directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish_fixture.h"

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
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_generation *generation;

    fixture_init(fixture, "repo", 0, 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(fixture_mode(fixture_path(fixture, table[i].path)), table[i].mode);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_READ);
    assert_string_equal(repository->published.repository, "repo");
    assert_string_equal(repository->settings.name, "repo");
    generation = fixture_client_view(fixture, repository, FIXTURE_NOW);
    assert_int_equal(generation->charter.version, 1);
    assert_int_equal(generation->charter.host_count, 0);
    assert_int_equal(generation->zone_count, 1);
    assert_string_equal(generation->zones[0].name, "main");
    pti_generation_free(generation);
    pti_repository_close(repository);
}

static void test_init_never_touches_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct pti_init_options options = {.directory = fixture_path(fixture, "repo"), .now = FIXTURE_NOW};
    struct pintle_bytes before, after;

    fixture_init(fixture, "repo", 0, 0);
    before = fixture_read(fixture, fixture_path(fixture, "repo/keys/root-1.pem"));
    fixture_refused(fixture, pti_init(&options, fixture->crypto, &fixture->error), PINTLE_ERR_STORAGE,
                    "not overwritten");
    after = fixture_read(fixture, fixture_path(fixture, "repo/keys/root-1.pem"));
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
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct pti_init_options options = table[i].options;
        options.directory = fixture_path(fixture, "repo");
        options.now = FIXTURE_NOW;
        fixture_refused(fixture, pti_init(&options, fixture->crypto, &fixture->error), PINTLE_ERR_INPUT, table[i].text);
        assert_false(pti_file_exists(fixture_path(fixture, "repo/keys")));
    }
}

static void test_a_passphrase_covers_offline_keys_only(void **state)
{
    struct fixture *fixture = *state;
    const struct pti_init_options options = {.directory = fixture_path(fixture, "repo"),
                                             .now = FIXTURE_NOW,
                                             .passphrase = "secret",
                                             .kind = PTI_KEY_ECDSA_P256};
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    size_t skipped;

    fixture_ok(fixture, pti_init(&options, fixture->crypto, &fixture->error));
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_READ);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, &skipped, &fixture->error));
    assert_int_equal(ring.count, 3); /* snapshot, timestamp, zone */
    assert_int_equal(skipped, 2);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, "wrong", &ring, &skipped, &fixture->error));
    assert_int_equal(ring.count, 3);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, "secret", &ring, &skipped, &fixture->error));
    assert_int_equal(ring.count, 5);
    assert_int_equal(skipped, 0);
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_no_repository_says_how_to_make_one(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;

    fixture_refused(fixture,
                    pti_repository_open(fixture_path(fixture, "absent"), PTI_REPOSITORY_READ, FIXTURE_NOW,
                                        fixture->crypto, &repository, &fixture->error),
                    PINTLE_ERR_STORAGE, "pintle init --repo");
    assert_null(repository);
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
        TEST(test_init_makes_a_working_repository),         TEST(test_init_never_touches_what_is_there),
        TEST(test_init_refuses_options_that_make_no_sense), TEST(test_a_passphrase_covers_offline_keys_only),
        TEST(test_no_repository_says_how_to_make_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
