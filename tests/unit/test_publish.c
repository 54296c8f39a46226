/* SPDX-License-Identifier: Apache-2.0 */
/* Repository directories: init, publishing, thresholds, refusals, interrupted publications, renewal. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "publish/bundle.h"
#include "publish/resign.h"
#include "publish_fixture.h"
#include "tuf/container.h"

#define HOST "api.example.com"

/* What a fresh client gets from the published files; the caller frees it. */
static struct pti_generation *client_view(struct fixture *fixture, const struct pti_repository *repository, int64_t now)
{
    struct pti_generation *generation;
    struct pti_roots roots;

    fixture_ok(fixture,
               pti_bundle_verify(&repository->published, now, fixture->crypto, &roots, &generation, &fixture->error));
    pti_roots_clear(&roots);
    return generation;
}

static size_t pins_of(const struct pti_generation *generation, const char *host)
{
    const struct pti_zone_host *entry = pti_zone_find(&generation->zones[0].zone, host);

    return entry == NULL ? 0 : entry->pins.count;
}

static void move_key(struct fixture *fixture, const char *repository, const char *name)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/keys/%s.pem", repository, name);
    (void)snprintf(to, sizeof(to), "%s.pem", name);
    assert_int_equal(rename(fixture_path(fixture, from), fixture_path(fixture, to)), 0);
}

/* ---- init ---- */

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
    generation = client_view(fixture, repository, FIXTURE_NOW);
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

/* ---- publishing ---- */

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
    generation = client_view(fixture, repository, FIXTURE_NOW + 10);
    assert_int_equal(pins_of(generation, HOST), 1);
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
    assert_int_equal(pins_of(shipped, HOST), 1);
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

/* What a client sees in head/1 and the body it leads to must be whole, old or new. */
static void assert_served_whole(struct fixture *fixture, const char *copy)
{
    struct pintle_bytes head, body, timestamp;
    struct pti_tuf_metadata *parsed;
    struct pti_container container, contents;
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1], path[160];

    (void)snprintf(path, sizeof(path), "%s/public/head/1", copy);
    head = fixture_read(fixture, fixture_path(fixture, path));
    fixture_ok(fixture, pti_container_parse(head, &container, &fixture->error));
    assert_true(pti_container_find(&container, "timestamp.json", &timestamp));
    fixture_ok(fixture,
               pti_tuf_metadata_parse(timestamp, PTI_TUF_TIMESTAMP, fixture->crypto, &parsed, &fixture->error));
    pti_hex_encode(parsed->files.items[0].sha256, PINTLE_SHA256_SIZE, hex);
    (void)snprintf(path, sizeof(path), "%s/public/body/%s", copy, hex);
    body = fixture_read(fixture, fixture_path(fixture, path));
    fixture_ok(fixture, pti_container_parse(body, &contents, &fixture->error));
    assert_int_equal(contents.count, 5);
    pti_container_clear(&contents);
    pti_container_clear(&container);
    pti_tuf_metadata_free(parsed);
    pti_bytes_free(&body);
    pti_bytes_free(&head);
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
        assert_served_whole(fixture, copy);
        repository = fixture_open(fixture, copy, PTI_REPOSITORY_READ);
        generation = client_view(fixture, repository, FIXTURE_NOW);
        if (pins_of(generation, HOST) == 0)
            old++;
        else
            new ++;
        pti_generation_free(generation);
        pti_repository_close(repository);
        /* The next writer completes it, and nothing is lost: what was staged is staged or out. */
        repository = fixture_open(fixture, copy, PTI_REPOSITORY_WRITE);
        assert_served_whole(fixture, copy);
        (void)fixture_publish(fixture, repository, FIXTURE_NOW + 1);
        generation = client_view(fixture, repository, FIXTURE_NOW + 1);
        assert_int_equal(pins_of(generation, HOST), 1);
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

/* ---- renewal ---- */

struct renewal {
    struct pti_repository *repository;
    struct pti_keyring ring;
    struct pti_resign_input input;
};

static void open_renewal(struct fixture *fixture, struct renewal *renewal, bool snapshot, int64_t now)
{
    *renewal = (struct renewal){.repository = fixture_open(fixture, "repo", PTI_REPOSITORY_PUBLISHED)};
    fixture_ok(fixture,
               pti_repository_load_keys(renewal->repository, NULL, NULL, &renewal->ring, NULL, &fixture->error));
    renewal->input = (struct pti_resign_input){.root = pti_published_root(&renewal->repository->published),
                                               .snapshot = renewal->repository->published.snapshot,
                                               .timestamp = renewal->repository->published.timestamp,
                                               .keys = &renewal->ring,
                                               .renew_snapshot = snapshot,
                                               .days = renewal->repository->settings.days,
                                               .now = now,
                                               .crypto = fixture->crypto};
}

static void close_renewal(struct renewal *renewal)
{
    pti_keyring_clear(&renewal->ring);
    pti_repository_close(renewal->repository);
}

static void test_renewal_moves_dates_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct renewal renewal;
    struct pti_resigned resigned;
    struct pti_generation *generation;

    fixture_init(fixture, "repo", 0, 0);
    for (int64_t round = 0; round < 2; round++) {
        const int64_t now = FIXTURE_NOW + (round + 1) * FIXTURE_DAY;
        open_renewal(fixture, &renewal, round == 1, now);
        fixture_ok(fixture, pti_resign(&renewal.input, &resigned, &fixture->error));
        assert_int_equal(resigned.snapshot.size > 0, round == 1);
        fixture_ok(fixture, pti_publish_resigned(renewal.repository, &resigned, now, &fixture->error));
        generation = client_view(fixture, renewal.repository, now);
        assert_int_equal(generation->timestamp->version, round + 2);
        assert_int_equal(generation->timestamp->issued, now);
        assert_int_equal(generation->timestamp->expires, now + 3 * FIXTURE_DAY);
        assert_int_equal(generation->snapshot->version, round + 1);
        assert_int_equal(generation->targets->version, 1);
        pti_generation_free(generation);
        assert_served_whole(fixture, "repo");
        pti_resigned_clear(&resigned);
        close_renewal(&renewal);
    }
}

static void test_a_server_that_was_down_for_weeks_recovers(void **state)
{
    struct fixture *fixture = *state;
    const int64_t now = FIXTURE_NOW + 30 * FIXTURE_DAY;
    struct renewal renewal;
    struct pti_resigned resigned;

    fixture_init(fixture, "repo", 0, 0);
    open_renewal(fixture, &renewal, true, now);
    fixture_ok(fixture, pti_resign(&renewal.input, &resigned, &fixture->error));
    fixture_ok(fixture, pti_publish_resigned(renewal.repository, &resigned, now, &fixture->error));
    pti_generation_free(client_view(fixture, renewal.repository, now));
    pti_resigned_clear(&resigned);
    close_renewal(&renewal);
}

static void test_the_signer_refuses_what_it_cannot_vouch_for(void **state)
{
    enum { WRONG_ROOT, OTHER_SNAPSHOT, NO_KEYS, LOW_VERSION, CASES };
    static const struct {
        enum pintle_status want;
        const char *text;
    } table[CASES] = {
        [WRONG_ROOT] = {PINTLE_ERR_TRUST, "0 of 1 required signatures verify"},
        [OTHER_SNAPSHOT] = {PINTLE_ERR_TRUST, "snapshot.json"},
        [NO_KEYS] = {PINTLE_ERR_TRUST, "0 of 1 keys are at hand"},
        [LOW_VERSION] = {PINTLE_ERR_INPUT, "the next one must be higher"},
    };
    struct fixture *fixture = *state;
    struct pintle_bytes first, stranger;
    struct renewal renewal;
    struct pti_resigned resigned;
    const struct pti_keyring none = {NULL, 0};

    fixture_init(fixture, "other", 0, 0);
    stranger = fixture_read(fixture, fixture_path(fixture, "other/public/metadata/1.root.json"));
    fixture_init(fixture, "repo", 0, 0);
    first = fixture_read(fixture, fixture_path(fixture, "repo/public/metadata/1.snapshot.json"));
    renewal.repository = fixture_open(fixture, "repo", PTI_REPOSITORY_WRITE);
    (void)fixture_publish(fixture, renewal.repository, FIXTURE_NOW);
    pti_repository_close(renewal.repository);
    for (int i = 0; i < CASES; i++) {
        open_renewal(fixture, &renewal, true, FIXTURE_NOW);
        if (i == WRONG_ROOT)
            renewal.input.root = stranger;
        if (i == OTHER_SNAPSHOT)
            renewal.input.snapshot = first;
        if (i == NO_KEYS)
            renewal.input.keys = &none;
        if (i == LOW_VERSION)
            renewal.input.snapshot_version = 2;
        fixture_refused(fixture, pti_resign(&renewal.input, &resigned, &fixture->error), table[i].want, table[i].text);
        assert_int_equal(resigned.timestamp.size + resigned.snapshot.size, 0);
        close_renewal(&renewal);
    }
    pti_bytes_free(&first);
    pti_bytes_free(&stranger);
}

static void test_what_was_renewed_elsewhere_is_verified_before_it_is_served(void **state)
{
    struct fixture *fixture = *state;
    struct renewal renewal;
    struct pti_resigned resigned;

    fixture_init(fixture, "repo", 0, 0);
    open_renewal(fixture, &renewal, false, FIXTURE_NOW);
    fixture_ok(fixture, pti_resign(&renewal.input, &resigned, &fixture->error));
    ((uint8_t *)(uintptr_t)resigned.timestamp.data)[resigned.timestamp.size / 3] ^= 1;
    assert_int_not_equal(pti_publish_resigned(renewal.repository, &resigned, FIXTURE_NOW, &fixture->error), PINTLE_OK);
    pti_resigned_clear(&resigned);
    fixture_ok(fixture, pti_resign(&renewal.input, &resigned, &fixture->error));
    fixture_ok(fixture, pti_publish_resigned(renewal.repository, &resigned, FIXTURE_NOW, &fixture->error));
    fixture_refused(fixture, pti_publish_resigned(renewal.repository, &resigned, FIXTURE_NOW, &fixture->error),
                    PINTLE_ERR_TRUST, "is not newer");
    pti_resigned_clear(&resigned);
    close_renewal(&renewal);
}

static void test_renewal_is_due_at_half_life(void **state)
{
    struct fixture *fixture = *state;
    struct pti_repository *repository;
    struct pti_resign_dates dates;

    fixture_init(fixture, "repo", 0, 0);
    repository = fixture_open(fixture, "repo", PTI_REPOSITORY_READ);
    fixture_ok(fixture,
               pti_resign_dates_of(&repository->published, &repository->settings.days, &dates, &fixture->error));
    assert_int_equal(dates.timestamp_at, FIXTURE_NOW + 3 * FIXTURE_DAY / 2);
    assert_int_equal(dates.snapshot_at, FIXTURE_NOW + 7 * FIXTURE_DAY / 2);
    assert_int_equal(dates.targets_expires, FIXTURE_NOW + 365 * FIXTURE_DAY);
    assert_int_equal(dates.zone_expires, FIXTURE_NOW + 90 * FIXTURE_DAY);
    assert_string_equal(dates.zone, "main");
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
        TEST(test_init_makes_a_working_repository),
        TEST(test_init_never_touches_what_is_there),
        TEST(test_init_refuses_options_that_make_no_sense),
        TEST(test_a_passphrase_covers_offline_keys_only),
        TEST(test_no_repository_says_how_to_make_one),
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
        TEST(test_a_crash_after_any_file_leaves_the_old_or_the_new_publication),
        TEST(test_heads_that_lag_behind_are_completed_by_the_next_writer),
        TEST(test_a_snapshot_number_is_never_used_twice),
        TEST(test_one_writer_at_a_time),
        TEST(test_a_spoilt_stage_stops_no_renewal),
        TEST(test_renewal_moves_dates_and_nothing_else),
        TEST(test_a_server_that_was_down_for_weeks_recovers),
        TEST(test_the_signer_refuses_what_it_cannot_vouch_for),
        TEST(test_what_was_renewed_elsewhere_is_verified_before_it_is_served),
        TEST(test_renewal_is_due_at_half_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
