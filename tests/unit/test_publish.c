/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing: what reaches clients, thresholds, the form of what is served, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "publish/bundle.h"
#include "scratch.h"
#include "tuf/container.h"

#define HOST "api.example.com"

static void move_key(struct scratch *scratch, const char *repository, const char *name)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/keys/%s.pem", repository, name);
    (void)snprintf(to, sizeof(to), "%s.pem", name);
    assert_int_equal(rename(scratch_path(scratch, from), scratch_path(scratch, to)), 0);
}

static void test_a_published_pin_reaches_a_client(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;
    struct pti_generation *generation;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    result = scratch_publish(scratch, repository, SCRATCH_NOW + 10);
    assert_int_equal(result.timestamp_version, 2);
    assert_int_equal(result.snapshot_version, 2);
    assert_int_equal(result.targets_version, 2);
    assert_int_equal(result.charter_version, 2);
    assert_false(pti_stage_has_drafts(&repository->stage));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/stage/charter.json")));
    assert_false(pti_file_exists(scratch_path(scratch, "repo/stage/metadata/targets.json")));
    generation = scratch_client_view(scratch, repository, SCRATCH_NOW + 10);
    assert_int_equal(scratch_pins_of(generation, HOST), 1);
    assert_int_equal(generation->timestamp->issued, SCRATCH_NOW + 10);
    pti_generation_free(generation);
    pti_repository_close(repository);
}

static void test_publishing_without_changes_renews_snapshot_and_timestamp_only(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_publish_result result;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    for (int64_t i = 0; i < 3; i++) {
        result = scratch_publish(scratch, repository, SCRATCH_NOW + i);
        assert_int_equal(result.timestamp_version, i + 2);
        assert_int_equal(result.snapshot_version, i + 2);
        assert_int_equal(result.targets_version, 1);
        assert_int_equal(repository->published.zones[0].role_version, 1);
    }
    assert_true(pti_file_exists(scratch_path(scratch, "repo/public/metadata/1.snapshot.json"))); /* old ones stay */
    pti_repository_close(repository);
}

static void test_old_versioned_files_keep_their_bytes(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pintle_bytes before, after;

    scratch_init(scratch, "repo", 0, 0);
    before = scratch_read(scratch, scratch_path(scratch, "repo/public/metadata/1.targets.json"));
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    (void)scratch_publish(scratch, repository, SCRATCH_NOW);
    after = scratch_read(scratch, scratch_path(scratch, "repo/public/metadata/1.targets.json"));
    assert_true(pti_bytes_equal(before, after));
    pti_bytes_free(&before);
    pti_bytes_free(&after);
    pti_repository_close(repository);
}

static void test_a_threshold_is_asked_for_by_name(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_signing_key *key;
    struct pti_signed_roles done;
    struct pti_publish_result result;

    scratch_init(scratch, "repo", 3, 2);
    for (int i = 1; i <= 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "targets-%d", i);
        move_key(scratch, "repo", name);
    }
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    scratch_refused(scratch, pti_publish(repository, &ring, SCRATCH_NOW, &result, &scratch->error), PINTLE_ERR_TRUST,
                    "targets: 0 of 2 signatures; sign it with `pintle sign --key FILE`");
    for (int i = 0; i < 2; i++) {
        pti_repository_close(repository); /* two people, two machines */
        repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
        scratch_ok(scratch, pti_signing_key_load(scratch_path(scratch, i == 0 ? "targets-3.pem" : "targets-1.pem"),
                                                 NULL, &key, &scratch->error));
        scratch_ok(scratch, pti_stage_sign(&repository->stage, key, &done, &scratch->error));
        assert_int_equal(done.count, 1);
        scratch_ok(scratch, pti_repository_save_stage(repository, &scratch->error));
        pti_signing_key_free(key);
        if (i == 0)
            scratch_refused(scratch, pti_publish(repository, &ring, SCRATCH_NOW, &result, &scratch->error),
                            PINTLE_ERR_TRUST, "targets: 1 of 2 signatures");
    }
    scratch_ok(scratch, pti_publish(repository, &ring, SCRATCH_NOW, &result, &scratch->error));
    assert_int_equal(result.targets_version, 2);
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_missing_online_keys_are_named(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    scratch_init(scratch, "repo", 0, 0);
    move_key(scratch, "repo", "timestamp");
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    scratch_refused(scratch, pti_publish(repository, &ring, SCRATCH_NOW, &result, &scratch->error), PINTLE_ERR_TRUST,
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
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    const struct pti_published *published;
    struct pti_container container;
    struct pintle_bytes bytes;
    uint8_t digest[PINTLE_SHA256_SIZE];
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1], path[128];

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    (void)scratch_publish(scratch, repository, SCRATCH_NOW);
    published = &repository->published;
    bytes = scratch_read(scratch, scratch_path(scratch, "repo/public/head/1"));
    scratch_ok(scratch, pti_container_parse(bytes, &container, &scratch->error));
    assert_int_equal(container.count, 1);
    assert_entry(&container, 0, "timestamp.json", published->timestamp);
    pti_container_clear(&container);
    pti_bytes_free(&bytes);
    assert_int_equal(pti_sha256(scratch->crypto, published->snapshot, digest), PINTLE_OK);
    pti_hex_encode(digest, sizeof(digest), hex);
    (void)snprintf(path, sizeof(path), "repo/public/body/%s", hex);
    bytes = scratch_read(scratch, scratch_path(scratch, path));
    scratch_ok(scratch, pti_container_parse(bytes, &container, &scratch->error));
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
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_generation *shipped;
    struct pti_roots roots;
    struct pintle_bytes bytes;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, HOST, 1);
    (void)scratch_publish(scratch, repository, SCRATCH_NOW);
    pti_repository_close(repository);
    pti_roots_init(&roots, scratch->crypto);
    bytes = scratch_read(scratch, scratch_path(scratch, "repo/app/roots"));
    scratch_ok(scratch, pti_roots_add_file(&roots, bytes, &scratch->error));
    assert_int_equal(roots.count, 1);
    pti_bytes_free(&bytes);
    bytes = scratch_read(scratch, scratch_path(scratch, "repo/app/shipped"));
    scratch_ok(scratch, pti_generation_read(bytes, &roots, SCRATCH_NOW, &shipped, &scratch->error));
    assert_true(shipped->shipped);
    assert_int_equal(scratch_pins_of(shipped, HOST), 1);
    pti_generation_free(shipped);
    pti_bytes_free(&bytes);
    pti_roots_clear(&roots);
}

/* ---- what the publisher refuses ---- */

/* Alters the first signature in place: its bytes are ours, for the repository was just loaded. */
static void void_signature(struct pintle_bytes envelope)
{
    static const char field[] = "\"sig\":\"";
    const size_t length = sizeof field - 1;
    char *text = (char *)(uintptr_t)envelope.data;

    for (size_t at = 0; at + length < envelope.size; at++) {
        if (memcmp(text + at, field, length) == 0) {
            text[at + length] = text[at + length] == '0' ? '1' : '0';
            return;
        }
    }
    fail_msg("%s", "no signature found");
}

static void make_ahead(struct scratch *scratch)
{
    struct pti_repository *repository;

    scratch_copy_tree(scratch, scratch_path(scratch, "repo"), scratch_path(scratch, "ahead"));
    repository = scratch_open(scratch, "ahead", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_stage_renew(&repository->stage, "root", SCRATCH_NOW + 1, &scratch->error));
    (void)scratch_publish(scratch, repository, SCRATCH_NOW + 1);
    pti_repository_close(repository);
}

static void test_a_signer_knows_the_repository_by_its_roots(void **state)
{
    static const struct {
        const char *name;
        const char *repository;
        const char *anchor; /* a file; NULL is none */
        enum pintle_status want;
        const char *why;
    } cases[] = {
        {"no anchor", "repo", NULL, PINTLE_OK, ""},
        {"its own roots", "repo", "repo/app/roots", PINTLE_OK, ""},
        {"its root 1", "repo", "repo/public/metadata/1.root.json", PINTLE_OK, ""},
        {"roots of before", "ahead", "repo/app/roots", PINTLE_OK, ""},
        {"newer roots", "repo", "ahead/app/roots", PINTLE_ERR_TRUST,
         "knows root 2, what is published ends with root 1"},
        {"another repository's", "repo", "other/app/roots", PINTLE_ERR_TRUST,
         "root 1 is not the one of the trust anchor"},
        {"no roots file", "repo", "repo/app/shipped", PINTLE_ERR_INPUT, "the trust anchor given: expected entries"},
        {"a forged base", "forged", NULL, PINTLE_ERR_TRUST, "does not verify"},
        {"a forged base, its roots", "forged", "repo/app/roots", PINTLE_ERR_TRUST, "does not verify"},
    };
    struct scratch *scratch = *state;

    scratch_init(scratch, "other", 0, 0);
    scratch_init(scratch, "repo", 0, 0);
    scratch_copy_tree(scratch, scratch_path(scratch, "repo"), scratch_path(scratch, "forged"));
    make_ahead(scratch);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool forged = strcmp(cases[i].repository, "forged") == 0;
        struct pti_repository *repository = scratch_open(scratch, cases[i].repository, PTI_REPOSITORY_READ);
        struct pintle_bytes anchor = {NULL, 0};
        enum pintle_status status;

        if (forged)
            void_signature(repository->published.targets);
        if (cases[i].anchor != NULL)
            anchor = scratch_read(scratch, scratch_path(scratch, cases[i].anchor));
        status = pti_bundle_check_base(&repository->published, anchor, SCRATCH_NOW + 1, scratch->crypto,
                                       &scratch->error);
        if (status != cases[i].want || (status != PINTLE_OK && strstr(scratch->error.detail, cases[i].why) == NULL))
            fail_msg("%s: %s: %s", cases[i].name, pintle_status_name(status), scratch->error.detail);
        pti_bytes_free(&anchor);
        pti_repository_close(repository);
    }
}

static void stage_overstep(struct scratch *scratch, struct pti_stage *stage)
{
    struct pti_zone_host *entry;
    const struct pti_pin_edit pin = scratch_pin(2);
    bool added;

    scratch_ok(scratch, pti_zone_host(&stage->zones[0].zone, "stranger.example.com", &entry, &scratch->error));
    assert_int_equal(pti_pins_add(&entry->pins, &pin.pin, &added), PINTLE_OK);
}

static void stage_bare_host(struct scratch *scratch, struct pti_stage *stage)
{
    const struct pti_host_edit edit = {.zone = "main"};

    scratch_ok(scratch, pti_stage_host_add(stage, "bare.example.com", &edit, &scratch->error));
}

static void stage_denied_charter_pin(struct scratch *scratch, struct pti_stage *stage)
{
    const struct pti_pin_edit pin = scratch_pin(1);
    struct pti_zone_host *entry = pti_zone_find(&stage->zones[0].zone, HOST);
    bool added;

    (void)scratch;
    assert_int_equal(pti_pins_add(&entry->deny, &pin.pin, &added), PINTLE_OK);
    assert_int_equal(pti_pins_add(&pti_charter_find(&stage->charter, HOST)->pins, &pin.pin, &added), PINTLE_OK);
}

static void stage_absent_zone(struct scratch *scratch, struct pti_stage *stage)
{
    (void)scratch;
    (void)pti_copy_text(pti_charter_find(&stage->charter, HOST)->zone, 64, "nowhere");
}

static void stage_omitted_host(struct scratch *scratch, struct pti_stage *stage)
{
    struct pti_charter_host *entry = pti_charter_find(&stage->charter, HOST);

    (void)scratch;
    free(entry->host);
    pti_pins_clear(&entry->pins);
    pti_pins_clear(&entry->deny);
    stage->charter.host_count = 0;
    pti_zone_remove_host(&stage->zones[0].zone, HOST);
}

static void stage_forgotten_release(struct scratch *scratch, struct pti_stage *stage)
{
    (void)scratch;
    assert_int_equal(stage->charter.released_count, 1);
    free(stage->charter.released[0]);
    stage->charter.released_count = 0;
}

static void test_what_a_client_would_reject_or_ignore_is_not_published(void **state)
{
    static const struct {
        const char *name;
        void (*edit)(struct scratch *scratch, struct pti_stage *stage);
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
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;
    struct pintle_bytes before, after;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_add_host(scratch, repository, "old.example.com", 3);
    (void)scratch_publish(scratch, repository, SCRATCH_NOW);
    scratch_ok(scratch, pti_stage_host_release(&repository->stage, "old.example.com", &scratch->error));
    scratch_add_host(scratch, repository, HOST, 1);
    (void)scratch_publish(scratch, repository, SCRATCH_NOW);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    before = scratch_read(scratch, scratch_path(scratch, "repo/public/metadata/timestamp.json"));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        print_message("    %s\n", table[i].name);
        table[i].edit(scratch, &repository->stage);
        scratch_ok(scratch, pti_stage_update(&repository->stage, SCRATCH_NOW, &scratch->error));
        scratch_refused(scratch, pti_publish(repository, &ring, SCRATCH_NOW, &result, &scratch->error), table[i].want,
                        table[i].text);
        scratch_ok(scratch, pti_repository_drop_stage(repository, &scratch->error));
    }
    after = scratch_read(scratch, scratch_path(scratch, "repo/public/metadata/timestamp.json"));
    assert_true(pti_bytes_equal(before, after));
    pti_bytes_free(&before);
    pti_bytes_free(&after);
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_a_clock_far_behind_publishes_nothing(void **state)
{
    struct scratch *scratch = *state;
    struct pti_repository *repository;
    struct pti_keyring ring = {NULL, 0};
    struct pti_publish_result result;

    scratch_init(scratch, "repo", 0, 0);
    repository = scratch_open(scratch, "repo", PTI_REPOSITORY_WRITE);
    scratch_ok(scratch, pti_repository_load_keys(repository, NULL, NULL, &ring, NULL, &scratch->error));
    scratch_refused(scratch, pti_publish(repository, &ring, SCRATCH_NOW - 2 * SCRATCH_DAY, &result, &scratch->error),
                    PINTLE_ERR_INPUT, "clock");
    scratch_ok(scratch, pti_publish(repository, &ring, SCRATCH_NOW - 60, &result, &scratch->error));
    pti_keyring_clear(&ring);
    pti_repository_close(repository);
}

static void test_a_published_file_that_was_altered_stops_everything(void **state)
{
    static const char *const paths[] = {"repo/public/metadata/1.targets.json", "repo/public/metadata/1.main.json",
                                        "repo/public/metadata/1.snapshot.json"};
    struct scratch *scratch = *state;
    struct pti_repository *repository;

    scratch_init(scratch, "repo", 0, 0);
    for (size_t i = 0; i < 3; i++) {
        struct pintle_bytes bytes = scratch_read(scratch, scratch_path(scratch, paths[i]));
        scratch_write(scratch, scratch_path(scratch, paths[i]), "{}");
        scratch_refused(scratch,
                        pti_repository_open(scratch_path(scratch, "repo"), PTI_REPOSITORY_WRITE, SCRATCH_NOW,
                                            scratch->crypto, &repository, &scratch->error),
                        PINTLE_ERR_STORAGE, "is not the file that the metadata list; restore it from a copy");
        scratch_ok(scratch, pti_file_replace(scratch_path(scratch, paths[i]), bytes, 0644, &scratch->error));
        pti_bytes_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_published_pin_reaches_a_client),
        SCRATCH_TEST(test_publishing_without_changes_renews_snapshot_and_timestamp_only),
        SCRATCH_TEST(test_old_versioned_files_keep_their_bytes),
        SCRATCH_TEST(test_a_threshold_is_asked_for_by_name),
        SCRATCH_TEST(test_missing_online_keys_are_named),
        SCRATCH_TEST(test_head_and_body_hold_the_published_bytes_in_order),
        SCRATCH_TEST(test_what_an_app_embeds_verifies_under_its_own_roots),
        SCRATCH_TEST(test_a_signer_knows_the_repository_by_its_roots),
        SCRATCH_TEST(test_what_a_client_would_reject_or_ignore_is_not_published),
        SCRATCH_TEST(test_a_clock_far_behind_publishes_nothing),
        SCRATCH_TEST(test_a_published_file_that_was_altered_stops_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
