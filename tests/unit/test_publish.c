/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing: what reaches clients, thresholds, the form of what is served, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "publish_fixture.h"
#include "tuf/container.h"

#define HOST "api.example.com"

static void move_key(struct fixture *fixture, const char *repository, const char *name)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/keys/%s.pem", repository, name);
    (void)snprintf(to, sizeof(to), "%s.pem", name);
    assert_int_equal(rename(fixture_path(fixture, from), fixture_path(fixture, to)), 0);
}

static void test_a_published_pin_reaches_a_client(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;
    struct pti_generation *generation;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    result = fixture_publish(fixture, repository, FIXTURE_NOW + 10);
    assert_int_equal(result.timestamp_version, 2);
    assert_int_equal(result.snapshot_version, 2);
    assert_int_equal(result.targets_version, 2);
    assert_int_equal(result.charter_version, 2);
    assert_false(pti_stage_has_drafts(&repository->stage));
    assert_false(pti_file_exists(fixture_path(fixture, "repo/stage/charter.json")));
    assert_false(pti_file_exists(fixture_path(fixture, "repo/stage/metadata/targets.json")));
    generation = fixture_client_view(fixture, repository, FIXTURE_NOW + 10);
    assert_int_equal(fixture_pins_of(generation, HOST), 1);
    assert_int_equal(generation->timestamp->issued, FIXTURE_NOW + 10);
    pti_generation_free(generation);
    pti_repository_close(repository);
}

static void test_publishing_without_changes_renews_snapshot_and_timestamp_only(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    for (int64_t i = 0; i < 3; i++) {
        result = fixture_publish(fixture, repository, FIXTURE_NOW + i);
        assert_int_equal(result.timestamp_version, i + 2);
        assert_int_equal(result.snapshot_version, i + 2);
        assert_int_equal(result.targets_version, 1);
        assert_int_equal(repository->published.zones[0].role_version, 1);
    }
    assert_true(pti_file_exists(fixture_path(fixture, "repo/public/metadata/1.snapshot.json"))); /* old ones stay */
    pti_repository_close(repository);
}

static void test_old_versioned_files_keep_their_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pintle_bytes before, after;

    fixture_init(fixture, "repo", 0, 0);
    before = fixture_read(fixture, fixture_path(fixture, "repo/public/metadata/1.targets.json"));
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    (void)fixture_publish(fixture, repository, FIXTURE_NOW);
    after = fixture_read(fixture, fixture_path(fixture, "repo/public/metadata/1.targets.json"));
    assert_true(pti_bytes_equal(before, after));
    pti_bytes_free(&before);
    pti_bytes_free(&after);
    pti_repository_close(repository);
}

static void test_a_threshold_is_asked_for_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_signing_key *key;
    struct pti_signed_roles done;
    struct pti_publish_result result;

    fixture_init(fixture, "repo", 3, 2);
    for (int i = 1; i <= 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "targets-%d", i);
        move_key(fixture, "repo", name);
    }
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &fixture->error));
    fixture_refused(fixture, pti_publish(repository, &ring, FIXTURE_NOW, &result, &fixture->error), PINTLE_ERR_TRUST,
                    "targets: 0 of 2 signatures; sign it with `pintle sign --key FILE`");
    for (int i = 0; i < 2; i++) {
        pti_repository_close(repository); /* two people, two machines */
        repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
        fixture_ok(fixture, pti_signing_key_load(fixture_path(fixture, i == 0 ? "targets-3.pem" : "targets-1.pem"),
                                                 NULL, &key, &fixture->error));
        fixture_ok(fixture, pti_stage_sign(&repository->stage, key, &done, &fixture->error));
        assert_int_equal(done.count, 1);
        fixture_ok(fixture, pti_repository_save_stage(repository, &fixture->error));
        pti_signing_key_free(key);
        if (i == 0)
            fixture_refused(fixture, pti_publish(repository, &ring, FIXTURE_NOW, &result, &fixture->error),
                            PINTLE_ERR_TRUST, "targets: 1 of 2 signatures");
    }
    fixture_ok(fixture, pti_publish(repository, &ring, FIXTURE_NOW, &result, &fixture->error));
    assert_int_equal(result.targets_version, 2);
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_missing_online_keys_are_named(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    fixture_init(fixture, "repo", 0, 0);
    move_key(fixture, "repo", "timestamp");
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &fixture->error));
    fixture_refused(fixture, pti_publish(repository, &ring, FIXTURE_NOW, &result, &fixture->error), PINTLE_ERR_TRUST,
                    "timestamp: 0 of 1 keys are at hand");
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

/* ---- what clients take: head, body, app files ---- */

static void assert_entry(const struct pti_container *container, size_t index, const char *path,
                         struct pintle_bytes want)
{
    assert_true(index < container->count);
    assert_true(pti_bytes_equal_text(container->entries[index].path, path));
    assert_true(pti_bytes_equal(container->entries[index].data, want));
}

static void test_head_and_body_hold_the_published_bytes_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    const struct pti_published *published;
    struct pti_container container;
    struct pintle_bytes bytes;
    uint8_t digest[PINTLE_SHA256_SIZE];
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1], path[128];

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    (void)fixture_publish(fixture, repository, FIXTURE_NOW);
    published = &repository->published;
    bytes = fixture_read(fixture, fixture_path(fixture, "repo/public/head/1"));
    fixture_ok(fixture, pti_container_parse(bytes, &container, &fixture->error));
    assert_int_equal(container.count, 1);
    assert_entry(&container, 0, "timestamp.json", published->timestamp);
    pti_container_clear(&container);
    pti_bytes_free(&bytes);
    assert_int_equal(pti_sha256(fixture->crypto, published->snapshot, digest), PINTLE_OK);
    pti_hex_encode(digest, sizeof(digest), hex);
    (void)snprintf(path, sizeof(path), "repo/public/body/%s", hex);
    bytes = fixture_read(fixture, fixture_path(fixture, path));
    fixture_ok(fixture, pti_container_parse(bytes, &container, &fixture->error));
    assert_int_equal(container.count, 5);
    assert_entry(&container, 0, "snapshot.json", published->snapshot);
    assert_entry(&container, 1, "targets.json", published->targets);
    assert_entry(&container, 2, "charter.json", published->charter);
    assert_entry(&container, 3, "roles/main.json", published->zones[0].role);
    assert_entry(&container, 4, "zones/main.json", published->zones[0].file);
    pti_container_clear(&container);
    pti_bytes_free(&bytes);
    pti_repository_close(repository);
}

static void test_what_an_app_embeds_verifies_under_its_own_roots(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_generation *shipped;
    struct pti_roots roots;
    struct pintle_bytes bytes;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, HOST, 1);
    (void)fixture_publish(fixture, repository, FIXTURE_NOW);
    pti_repository_close(repository);
    pti_roots_init(&roots, fixture->crypto);
    bytes = fixture_read(fixture, fixture_path(fixture, "repo/app/roots"));
    fixture_ok(fixture, pti_roots_add_file(&roots, bytes, &fixture->error));
    assert_int_equal(roots.count, 1);
    pti_bytes_free(&bytes);
    bytes = fixture_read(fixture, fixture_path(fixture, "repo/app/shipped"));
    fixture_ok(fixture, pti_generation_read(bytes, &roots, FIXTURE_NOW, &shipped, &fixture->error));
    assert_true(shipped->shipped);
    assert_int_equal(fixture_pins_of(shipped, HOST), 1);
    pti_generation_free(shipped);
    pti_bytes_free(&bytes);
    pti_roots_clear(&roots);
}

/* ---- what the publisher refuses ---- */

static void stage_overstep(struct fixture *fixture, struct pti_stage *stage)
{
    struct pti_zone_host *entry;
    const struct pti_pin_edit pin = fixture_pin(2);
    bool added;

    fixture_ok(fixture, pti_zone_host(&stage->zones[0].zone, "stranger.example.com", &entry, &fixture->error));
    assert_int_equal(pti_pins_add(&entry->pins, &pin.pin, &added), PINTLE_OK);
}

static void stage_bare_host(struct fixture *fixture, struct pti_stage *stage)
{
    const struct pti_host_edit edit = {.zone = "main"};

    fixture_ok(fixture, pti_stage_host_add(stage, "bare.example.com", &edit, &fixture->error));
}

static void stage_denied_charter_pin(struct fixture *fixture, struct pti_stage *stage)
{
    const struct pti_pin_edit pin = fixture_pin(1);
    struct pti_zone_host *entry = pti_zone_find(&stage->zones[0].zone, HOST);
    bool added;

    (void)fixture;
    assert_int_equal(pti_pins_add(&entry->deny, &pin.pin, &added), PINTLE_OK);
    assert_int_equal(pti_pins_add(&pti_charter_find(&stage->charter, HOST)->pins, &pin.pin, &added), PINTLE_OK);
}

static void stage_absent_zone(struct fixture *fixture, struct pti_stage *stage)
{
    (void)fixture;
    (void)pti_copy_text(pti_charter_find(&stage->charter, HOST)->zone, 64, "nowhere");
}

static void stage_omitted_host(struct fixture *fixture, struct pti_stage *stage)
{
    struct pti_charter_host *entry = pti_charter_find(&stage->charter, HOST);

    (void)fixture;
    free(entry->host);
    pti_pins_clear(&entry->pins);
    pti_pins_clear(&entry->deny);
    stage->charter.host_count = 0;
    pti_zone_remove_host(&stage->zones[0].zone, HOST);
}

static void stage_forgotten_release(struct fixture *fixture, struct pti_stage *stage)
{
    (void)fixture;
    assert_int_equal(stage->charter.released_count, 1);
    free(stage->charter.released[0]);
    stage->charter.released_count = 0;
}

static void test_what_a_client_would_reject_or_ignore_is_not_published(void **state)
{
    static const struct {
        const char *name;
        void (*edit)(struct fixture *fixture, struct pti_stage *stage);
        enum pintle_status want;
        const char *text;
    } table[] = {
        {"a zone that oversteps", stage_overstep, PINTLE_ERR_INPUT, "the charter does not list that host"},
        {"an enforced host without pins", stage_bare_host, PINTLE_ERR_INPUT, "without any usable pin"},
        {"a denial of a charter pin", stage_denied_charter_pin, PINTLE_ERR_INPUT, "only the charter can deny it"},
        {"a zone that is not there", stage_absent_zone, PINTLE_ERR_INPUT, "zone"},
        {"a host omitted without release", stage_omitted_host, PINTLE_ERR_TRUST, "release it"},
        {"a release that is forgotten", stage_forgotten_release, PINTLE_ERR_INPUT, "released"},
    };
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;
    struct pintle_bytes before, after;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_add_host(fixture, repository, "old.example.com", 3);
    (void)fixture_publish(fixture, repository, FIXTURE_NOW);
    fixture_ok(fixture, pti_stage_host_release(&repository->stage, "old.example.com", &fixture->error));
    fixture_add_host(fixture, repository, HOST, 1);
    (void)fixture_publish(fixture, repository, FIXTURE_NOW);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &fixture->error));
    before = fixture_read(fixture, fixture_path(fixture, "repo/public/metadata/timestamp.json"));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        print_message("    %s\n", table[i].name);
        table[i].edit(fixture, &repository->stage);
        fixture_ok(fixture, pti_stage_update(&repository->stage, FIXTURE_NOW, &fixture->error));
        fixture_refused(fixture, pti_publish(repository, &ring, FIXTURE_NOW, &result, &fixture->error), table[i].want,
                        table[i].text);
        fixture_ok(fixture, pti_repository_drop_stage(repository, &fixture->error));
    }
    after = fixture_read(fixture, fixture_path(fixture, "repo/public/metadata/timestamp.json"));
    assert_true(pti_bytes_equal(before, after));
    pti_bytes_free(&before);
    pti_bytes_free(&after);
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_a_clock_far_behind_publishes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    fixture_ok(fixture, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &fixture->error));
    fixture_refused(fixture, pti_publish(repository, &ring, FIXTURE_NOW - 2 * FIXTURE_DAY, &result, &fixture->error),
                    PINTLE_ERR_INPUT, "clock");
    fixture_ok(fixture, pti_publish(repository, &ring, FIXTURE_NOW - 60, &result, &fixture->error));
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_a_published_file_that_was_altered_stops_everything(void **state)
{
    static const char *const paths[] = {"repo/public/metadata/1.targets.json", "repo/public/metadata/1.main.json",
                                        "repo/public/metadata/1.snapshot.json"};
    struct fixture *fixture = *state;
    struct pti_repository *repository;

    fixture_init(fixture, "repo", 0, 0);
    for (size_t i = 0; i < 3; i++) {
        struct pintle_bytes bytes = fixture_read(fixture, fixture_path(fixture, paths[i]));
        fixture_write(fixture, fixture_path(fixture, paths[i]), "{}");
        fixture_refused(fixture,
                        pti_repository_open(fixture_path(fixture, "repo"), PTI_REPOSITORY_WRITE, FIXTURE_NOW,
                                            fixture->crypto, &repository, &fixture->error),
                        PINTLE_ERR_STORAGE, "is not the file that the metadata list; restore it from a copy");
        fixture_ok(fixture, pti_file_replace(fixture_path(fixture, paths[i]), bytes, 0644, &fixture->error));
        pti_bytes_free(&bytes);
    }
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
        TEST(test_a_published_pin_reaches_a_client),
        TEST(test_publishing_without_changes_renews_snapshot_and_timestamp_only),
        TEST(test_old_versioned_files_keep_their_bytes),
        TEST(test_a_threshold_is_asked_for_by_name),
        TEST(test_missing_online_keys_are_named),
        TEST(test_head_and_body_hold_the_published_bytes_in_order),
        TEST(test_what_an_app_embeds_verifies_under_its_own_roots),
        TEST(test_what_a_client_would_reject_or_ignore_is_not_published),
        TEST(test_a_clock_far_behind_publishes_nothing),
        TEST(test_a_published_file_that_was_altered_stops_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
