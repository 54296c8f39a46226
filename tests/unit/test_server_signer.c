/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signer refuses: everything but the publication it has seen or a true successor of it, with versions that
 * rise. The in-memory repository plays whoever steers its requests, with stolen keys where that helps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "publish/bundle.h"
#include "publish/init.h"
#include "scratch.h"
#include "server/frame.h"
#include "server/limits.h"
#include "server/publication.h"
#include "server/signer.h"
#include "server/signer_policy.h"
#include "sim_repository.h"
#include "tuf/container.h"

#define HOST "api.example.com"

static const struct pti_expiry_days days = {.root = 365, .targets = 365, .zone = 90, .snapshot = 7, .timestamp = 3};
static char scratch[64];

/* ---- the decisions ---- */

struct desk {
    struct sim *sim;
    struct pti_signer_policy policy;
    struct pti_resigned resigned;
    struct pti_error error;
};

/* The signer's own copy of a key, through a file as in real life. */
static void give_key(struct pti_keyring *ring, const struct pti_signing_key *key)
{
    struct pti_signing_key *copy = NULL;
    char path[128];

    snprintf(path, sizeof path, "%s/key.pem", scratch);
    assert_int_equal(pti_signing_key_save(key, path, NULL, NULL), PINTLE_OK);
    assert_int_equal(pti_signing_key_load(path, NULL, &copy, NULL), PINTLE_OK);
    assert_int_equal(pti_keyring_take(ring, copy, NULL), PINTLE_OK);
    assert_int_equal(unlink(path), 0);
}

static enum pintle_status decide(struct desk *desk, struct pintle_bytes request)
{
    pti_resigned_clear(&desk->resigned);
    pti_error_clear(&desk->error);
    return pti_signer_policy_decide(&desk->policy, request, sim_now(desk->sim), &desk->resigned, &desk->error);
}

static enum pintle_status ask_about(struct desk *desk, const struct pti_published *published, int64_t timestamp,
                                    int64_t snapshot)
{
    struct pti_buf request;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    assert_int_equal(pti_signer_request_write(published, timestamp, snapshot, &request, NULL), PINTLE_OK);
    status = decide(desk, pti_buf_bytes(&request));
    pti_buf_clear(&request);
    return status;
}

static enum pintle_status ask(struct desk *desk, int64_t timestamp, int64_t snapshot)
{
    struct pti_published published;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    sim_published(desk->sim, &published);
    status = ask_about(desk, &published, timestamp, snapshot);
    pti_published_clear(&published);
    return status;
}

static void must(struct desk *desk, int64_t timestamp, int64_t snapshot)
{
    if (ask(desk, timestamp, snapshot) != PINTLE_OK)
        fail_msg("%s", desk->error.detail);
}

static void assert_refused(struct desk *desk, enum pintle_status status, const char *want)
{
    if (status == PINTLE_OK)
        fail_msg("signed, but should have been refused: %s", want);
    assert_null(desk->resigned.timestamp.data);
    assert_null(desk->resigned.snapshot.data);
    if (!strstr(desk->error.detail, want))
        fail_msg("\"%s\" lacks \"%s\"", desk->error.detail, want);
}

static void must_refuse(struct desk *desk, int64_t timestamp, int64_t snapshot, const char *want)
{
    assert_refused(desk, ask(desk, timestamp, snapshot), want);
}

/* Two zones, published as timestamp 1 and snapshot 1, and seen. */
static int open_desk(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    struct pti_keyring keys = {NULL, 0};

    if (!desk)
        return -1;
    snprintf(scratch, sizeof scratch, "/tmp/pintle-signer-XXXXXX");
    if (!mkdtemp(scratch))
        return -1;
    desk->sim = sim_new();
    sim_add_zone(desk->sim, "payments");
    sim_add_host(desk->sim, HOST, "main");
    sim_add_pin(desk->sim, HOST, 1);
    sim_publish(desk->sim);
    give_key(&keys, desk->sim->signers[SIM_TIMESTAMP].keys[0]);
    give_key(&keys, desk->sim->signers[SIM_SNAPSHOT].keys[0]);
    pti_signer_policy_init(&desk->policy, desk->sim->crypto, &keys, &days);
    must(desk, 0, 0);
    *state = desk;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *desk = *state;

    pti_resigned_clear(&desk->resigned);
    pti_signer_policy_clear(&desk->policy);
    sim_free(desk->sim);
    free(desk);
    scratch_remove_tree(scratch);
    return 0;
}

static struct pti_tuf_metadata *parse(struct desk *desk, struct pintle_bytes bytes, enum pti_tuf_type type)
{
    struct pti_tuf_metadata *metadata = NULL;

    assert_int_equal(pti_tuf_metadata_parse(bytes, type, desk->sim->crypto, &metadata, NULL), PINTLE_OK);
    return metadata;
}

static void shows_without_signing(void **state)
{
    struct desk *desk = *state;

    must(desk, 0, 0);
    assert_null(desk->resigned.timestamp.data);
    assert_null(desk->resigned.snapshot.data);
}

static void renews_the_timestamp_alone(void **state)
{
    struct desk *desk = *state;
    struct pti_tuf_metadata *timestamp = NULL;

    sim_advance(desk->sim, 2 * SIM_DAY);
    must(desk, 2, 0);
    assert_null(desk->resigned.snapshot.data);
    timestamp = parse(desk, desk->resigned.timestamp, PTI_TUF_TIMESTAMP);
    assert_int_equal(timestamp->version, 2);
    assert_int_equal(timestamp->expires, sim_now(desk->sim) + 3 * SIM_DAY);
    assert_int_equal(timestamp->issued, sim_now(desk->sim));
    assert_int_equal(timestamp->files.items[0].version, 1);
    pti_tuf_metadata_free(timestamp);
}

static void renews_a_snapshot_without_changing_a_role(void **state)
{
    struct desk *desk = *state;
    struct pti_tuf_metadata *before = parse(desk, desk->sim->snapshot, PTI_TUF_SNAPSHOT), *after = NULL;

    must(desk, 2, 2);
    after = parse(desk, desk->resigned.snapshot, PTI_TUF_SNAPSHOT);
    assert_int_equal(after->version, 2);
    assert_int_equal(after->expires, sim_now(desk->sim) + 7 * SIM_DAY);
    assert_int_equal(after->files.count, before->files.count);
    for (size_t i = 0; i < after->files.count; i++) {
        assert_int_equal(after->files.items[i].version, before->files.items[i].version);
        assert_memory_equal(after->files.items[i].sha256, before->files.items[i].sha256, PINTLE_SHA256_SIZE);
    }
    pti_tuf_metadata_free(before);
    pti_tuf_metadata_free(after);
}

static void recovers_what_expired(void **state)
{
    struct desk *desk = *state;

    sim_advance(desk->sim, 30 * SIM_DAY);
    must(desk, 2, 2);
}

static void a_client_takes_what_it_signs(void **state)
{
    struct desk *desk = *state;
    struct pti_published published;
    struct pti_generation *generation = NULL;
    struct pti_roots roots;

    must(desk, 2, 2);
    sim_published(desk->sim, &published);
    pti_bytes_free(&published.timestamp);
    pti_bytes_free(&published.snapshot);
    published.timestamp = desk->resigned.timestamp;
    published.snapshot = desk->resigned.snapshot;
    memset(&desk->resigned, 0, sizeof desk->resigned);
    if (pti_bundle_verify(&published, sim_now(desk->sim), desk->sim->crypto, &roots, &generation, &desk->error) !=
        PINTLE_OK)
        fail_msg("%s", desk->error.detail);
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    pti_published_clear(&published);
}

static void versions_only_rise(void **state)
{
    struct desk *desk = *state;

    must(desk, 5, 4);
    must_refuse(desk, 5, 0, "timestamp version 5 is not above 5");
    must_refuse(desk, 4, 0, "timestamp version 4 is not above 5");
    must_refuse(desk, 1, 0, "timestamp version 1 is not above 5");
    must_refuse(desk, 6, 4, "snapshot version 4 is not above 4");
    must_refuse(desk, 6, 3, "snapshot version 3 is not above 4");
    must_refuse(desk, 6 + PTI_SIGNER_VERSION_STEP_MAX, 0, "the numbers would be used up");
    must_refuse(desk, PTI_JSON_INTEGER_MAX, 0, "the numbers would be used up");
    must_refuse(desk, 6, PTI_JSON_INTEGER_MAX, "the numbers would be used up");
    must_refuse(desk, 0, 5, "only signed together with its timestamp");
    must(desk, 6, 5);
}

/* What was signed but never published counts, and what others published too. */
static void published_versions_count(void **state)
{
    struct desk *desk = *state;

    desk->sim->timestamp_version = 10;
    desk->sim->snapshot_version = 10;
    sim_add_pin(desk->sim, HOST, 2);
    sim_publish(desk->sim); /* 11 and 11 */
    must_refuse(desk, 11, 0, "timestamp version 11 is not above 11");
    must_refuse(desk, 12, 11, "snapshot version 11 is not above 11");
    must(desk, 12, 12);
}

static void a_true_successor_is_taken(void **state)
{
    struct desk *desk = *state;

    sim_add_pin(desk->sim, HOST, 2);
    sim_add_zone(desk->sim, "web");
    sim_publish(desk->sim);
    must(desk, 0, 0);
    sim_rotate(desk->sim, SIM_ROOT);
    must(desk, desk->sim->timestamp_version + 1, desk->sim->snapshot_version + 1);
}

static void replays_are_refused(void **state)
{
    static const char *const roles[] = {"main", "targets"};
    struct desk *desk = *state;
    struct sim_files *old = sim_save(desk->sim);

    sim_add_host(desk->sim, "other.example.com", "main");
    sim_add_pin(desk->sim, HOST, 2);
    sim_publish(desk->sim);
    must(desk, 0, 0);
    /* a thief of the online keys signs an old role under new numbers */
    for (size_t i = 0; i < 2; i++) {
        struct sim_files *current = sim_save(desk->sim);

        sim_take(desk->sim, old, roles[i]);
        sim_publish_online(desk->sim);
        must_refuse(desk, 100, 100, roles[i]);
        sim_take(desk->sim, current, roles[i]);
        sim_publish_online(desk->sim);
        must(desk, 0, 0);
    }
}

/* The snapshot and timestamp last signed, over everything else as it was. */
static void a_snapshot_is_refused(struct desk *desk, const char *want)
{
    struct pti_published published;

    sim_zone(desk->sim, "payments")->hidden = false;
    sim_publish_online(desk->sim);
    sim_published(desk->sim, &published);
    sim_zone(desk->sim, "payments")->hidden = true;
    sim_publish_online(desk->sim);
    pti_bytes_free(&published.snapshot);
    pti_bytes_free(&published.timestamp);
    assert_int_equal(pti_bytes_copy(desk->sim->snapshot, &published.snapshot), PINTLE_OK);
    assert_int_equal(pti_bytes_copy(desk->sim->timestamp, &published.timestamp), PINTLE_OK);
    assert_refused(desk, ask_about(desk, &published, 100, 100), want);
    pti_published_clear(&published);
}

static void a_vanished_zone_is_refused(void **state)
{
    struct desk *desk = *state;

    a_snapshot_is_refused(desk, "payments");
    /* not even one that is no longer delegated may vanish */
    sim_zone(desk->sim, "payments")->hidden = false;
    sim_remove_zone(desk->sim, "payments");
    sim_publish(desk->sim);
    must(desk, 0, 0);
    a_snapshot_is_refused(desk, "payments");
}

static void an_unknown_role_is_refused(void **state)
{
    struct desk *desk = *state;

    /* delegated by nobody, listed by nobody before, and now in a well-signed snapshot */
    sim_add_zone(desk->sim, "ghost");
    sim_sign_zone(desk->sim, "ghost");
    sim_zone(desk->sim, "ghost")->delegated = false;
    sim_publish_online(desk->sim);
    must_refuse(desk, 100, 100, "ghost.json, which is not delegated");
}

static void a_zone_signed_by_the_wrong_key_is_refused(void **state)
{
    struct desk *desk = *state;
    struct sim_zone *zone = sim_zone(desk->sim, "payments");
    struct pti_signing_key *stolen = sim_zone(desk->sim, "main")->signers.keys[0], *own = zone->signers.keys[0];

    zone->signers.keys[0] = stolen;
    sim_sign_zone(desk->sim, "payments");
    zone->signers.keys[0] = own;
    sim_publish_online(desk->sim);
    must_refuse(desk, 100, 100, "payments: 0 of 1 required signatures verify");
}

/* An enemy of the server alone has no key at all: it can only alter what it passes on. */
static void altered_bytes_are_refused(void **state)
{
    struct desk *desk = *state;
    struct pti_published published;
    struct {
        const char *name;
        struct pintle_bytes *bytes;
    } files[] = {
        {"timestamp", &published.timestamp},
        {"snapshot", &published.snapshot},
        {"targets", &published.targets},
        {"charter", &published.charter},
        {"zone role", NULL},
        {"zone file", NULL},
    };

    sim_published(desk->sim, &published);
    files[4].bytes = &published.zones[0].role;
    files[5].bytes = &published.zones[0].file;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint8_t *byte = (uint8_t *)(uintptr_t)files[i].bytes->data + files[i].bytes->size / 2;

        *byte ^= 1;
        if (ask_about(desk, &published, 100, 100) == PINTLE_OK)
            fail_msg("an altered %s was signed", files[i].name);
        *byte ^= 1;
        assert_null(desk->resigned.timestamp.data);
    }
    pti_published_clear(&published);
    must(desk, 2, 2);
}

/* Pieces of two publications, each of them genuine. */
static void pieces_that_do_not_match_are_refused(void **state)
{
    struct desk *desk = *state;
    struct pti_published old, mixed;
    struct pintle_bytes kept;

    sim_published(desk->sim, &old);
    sim_add_pin(desk->sim, HOST, 2);
    sim_publish(desk->sim);
    sim_published(desk->sim, &mixed);
    kept = mixed.snapshot;
    mixed.snapshot = old.snapshot;
    assert_int_equal(ask_about(desk, &mixed, 100, 100), PINTLE_ERR_TRUST);
    mixed.snapshot = kept;
    kept = mixed.timestamp;
    mixed.timestamp = old.timestamp;
    assert_int_equal(ask_about(desk, &mixed, 100, 100), PINTLE_ERR_TRUST);
    mixed.timestamp = kept;
    assert_int_equal(ask_about(desk, &mixed, 100, 100), PINTLE_OK);
    pti_published_clear(&mixed);
    pti_published_clear(&old);
}

static void one_version_has_one_content(void **state)
{
    struct desk *desk = *state;

    sim_advance(desk->sim, 60);
    desk->sim->timestamp_version--;
    sim_publish_timestamp(desk->sim);
    must_refuse(desk, 100, 0, "timestamp version 1 has another content");
}

static void a_root_must_chain(void **state)
{
    struct desk *desk = *state;
    struct sim *other = sim_new();
    struct sim *own = desk->sim;

    sim_add_zone(other, "payments");
    sim_add_host(other, HOST, "main");
    sim_publish(other);
    sim_rotate(other, SIM_ROOT); /* root 2 of somebody else */
    desk->sim = other;
    must_refuse(desk, 100, 100, "root");
    desk->sim = own;
    must(desk, 2, 2);
    sim_free(other);
}

static void keys_that_root_no_longer_names_sign_nothing(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(pti_signer_policy_check_keys(&desk->policy, &desk->error), PINTLE_OK);
    sim_rotate(desk->sim, SIM_TIMESTAMP);
    must_refuse(desk, 100, 0, "timestamp");
    assert_int_equal(pti_signer_policy_check_keys(&desk->policy, &desk->error), PINTLE_ERR_TRUST);
    assert_non_null(strstr(desk->error.detail, "timestamp*.pem"));
    must_refuse(desk, 0, 0, "timestamp*.pem"); /* told at the first look, not when it is due */
}

/* The number that was seen under the old key comes again under the new one: no other content, but another series. */
static void numbers_start_again_under_other_keys(void **state)
{
    struct desk *desk = *state;

    must(desk, 0, 0);
    sim_rotate(desk->sim, SIM_TIMESTAMP);
    desk->sim->timestamp_version = desk->policy.seen->timestamp->version - 1;
    sim_publish_timestamp(desk->sim);
    must_refuse(desk, 0, 0, "timestamp*.pem");
    assert_int_equal(desk->policy.seen->root_version, 2);
}

/* New online keys in one root: whoever holds them too goes on, with numbers that start again; nobody else does. */
static void numbers_start_again_with_new_online_keys(void **state)
{
    struct desk *desk = *state;
    struct sim *sim = desk->sim;

    sim->timestamp_version = sim->snapshot_version = 1000;
    sim_publish_online(sim);
    must(desk, 0, 0);
    sim_new_keys(sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_new_keys(sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(sim);
    sim->timestamp_version = sim->snapshot_version = 0;
    sim_publish_online(sim);
    must_refuse(desk, 0, 0, "restart pintled"); /* said at once, not when something is due */
    must_refuse(desk, 2, 2, "root 2 asks for 1 of its timestamp keys, found 0");
    give_key(&desk->policy.keys, sim->signers[SIM_TIMESTAMP].keys[0]);
    give_key(&desk->policy.keys, sim->signers[SIM_SNAPSHOT].keys[0]);
    must(desk, 2, 2);
    must_refuse(desk, 2, 0, "timestamp version 2 is not above 2");
}

/* One of the two alone: numbers go on, a lower one is a rollback. */
static void numbers_go_on_with_one_new_online_key(void **state)
{
    struct desk *desk = *state;
    struct sim *sim = desk->sim;

    must(desk, 50, 50);
    sim_new_keys(sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(sim);
    sim_publish_online(sim);
    give_key(&desk->policy.keys, sim->signers[SIM_TIMESTAMP].keys[0]);
    must_refuse(desk, 40, 0, "timestamp version 40 is not above 50");
    must(desk, 51, 51);
}

static void write_request(struct pti_buf *out, const char *json, const char *fourth)
{
    pti_buf_init(out, 4096);
    pti_container_write_begin(out, 4);
    pti_container_write_entry(out, "request.json", pti_bytes_text(json));
    pti_container_write_entry(out, "roots", pti_bytes_text("{}"));
    pti_container_write_entry(out, "timestamp.json", pti_bytes_text("{}"));
    pti_container_write_entry(out, fourth, pti_bytes_text("{}"));
}

static void garbage_is_refused(void **state)
{
    static const struct {
        const char *name;
        const char *json;
        const char *fourth;
        const char *want;
    } cases[] = {
        {"no JSON", "timestamp", "body", "byte"},
        {"a duplicate key", "{\"timestamp\":2,\"timestamp\":3,\"snapshot\":0}", "body", "duplicate"},
        {"a float", "{\"timestamp\":2.0,\"snapshot\":0}", "body", "byte"},
        {"a negative version", "{\"timestamp\":-2,\"snapshot\":0}", "body", "timestamp"},
        {"no snapshot", "{\"timestamp\":2}", "body", "snapshot"},
        {"another role", "{\"timestamp\":2,\"snapshot\":0,\"targets\":2}", "body", "only timestamp and snapshot"},
        {"root in place of snapshot", "{\"timestamp\":2,\"root\":2}", "body", "snapshot"},
        {"another entry", "{\"timestamp\":2,\"snapshot\":0}", "targets.json", "expected request.json, roots"},
        {"garbage inside", "{\"timestamp\":2,\"snapshot\":0}", "body", ""},
    };
    struct desk *desk = *state;
    struct pti_buf request;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_request(&request, cases[i].json, cases[i].fourth);
        if (decide(desk, pti_buf_bytes(&request)) == PINTLE_OK)
            fail_msg("%s: signed", cases[i].name);
        if (!strstr(desk->error.detail, cases[i].want))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].name, desk->error.detail, cases[i].want);
        pti_buf_clear(&request);
    }
    assert_int_equal(decide(desk, pti_bytes_text("no container")), PINTLE_ERR_INPUT);
    assert_int_equal(decide(desk, (struct pintle_bytes){NULL, 0}), PINTLE_ERR_INPUT);
    must(desk, 2, 2);
}

static void oversized_requests_are_refused(void **state)
{
    struct desk *desk = *state;
    struct pintle_bytes large = {NULL, PTI_SIGNER_REQUEST_MAX + 1};
    uint8_t *data = calloc(1, large.size);

    assert_non_null(data);
    memcpy(data, PTI_CONTAINER_MAGIC, PTI_CONTAINER_MAGIC_SIZE);
    large.data = data;
    assert_int_equal(decide(desk, large), PINTLE_ERR_INPUT);
    assert_non_null(strstr(desk->error.detail, "at most"));
    free(data);
}

/* What stands before "roots", whose known part is skipped unread: magic, count, and the entry of request.json. */
#define FIRST_PART (8 + 4 + 6 + sizeof "request.json" - 1 + sizeof "{\"timestamp\":2,\"snapshot\":2}" - 1)

/* Prefixes of a good request, and every byte of its first part altered. */
static void cut_and_altered_requests_are_refused(void **state)
{
    struct desk *desk = *state;
    struct pti_published published;
    struct pti_buf request;
    uint8_t *copy = NULL;

    sim_published(desk->sim, &published);
    assert_int_equal(pti_signer_request_write(&published, 2, 2, &request, NULL), PINTLE_OK);
    pti_published_clear(&published);
    for (size_t size = 0; size < request.size; size += 1 + size / 64) {
        copy = malloc(size ? size : 1); /* its end is where the sanitizer looks */
        assert_non_null(copy);
        memcpy(copy, request.data, size);
        if (decide(desk, (struct pintle_bytes){copy, size}) == PINTLE_OK)
            fail_msg("the first %zu bytes were enough", size);
        free(copy);
    }
    for (size_t at = 0; at < FIRST_PART; at++) {
        request.data[at] ^= 0x80;
        if (decide(desk, pti_buf_bytes(&request)) == PINTLE_OK)
            fail_msg("byte %zu was altered and it signed", at);
        request.data[at] ^= 0x80;
    }
    assert_int_equal(decide(desk, pti_buf_bytes(&request)), PINTLE_OK);
    pti_buf_clear(&request);
}

static void replies_are_read_back(void **state)
{
    struct pti_resigned resigned = {{NULL, 0}, {NULL, 0}}, read;
    struct pti_error error, why;
    struct pti_buf reply;

    (void)state;
    pti_fail(&why, PINTLE_ERR_TRUST, "because \"of\" this");
    pti_signer_reply_write(PINTLE_ERR_TRUST, &why, &resigned, &reply);
    assert_int_equal(pti_signer_reply_read(pti_buf_bytes(&reply), &read, &error), PINTLE_ERR_TRUST);
    assert_string_equal(error.detail, "because \"of\" this");
    pti_buf_clear(&reply);
    resigned.timestamp = pti_bytes_text("timestamp");
    pti_signer_reply_write(PINTLE_OK, NULL, &resigned, &reply);
    assert_int_equal(pti_signer_reply_read(pti_buf_bytes(&reply), &read, &error), PINTLE_OK);
    assert_true(pti_bytes_equal_text(read.timestamp, "timestamp"));
    assert_int_equal(read.snapshot.size, 0);
    pti_resigned_clear(&read);
    pti_buf_clear(&reply);
    assert_int_equal(pti_signer_reply_read(pti_bytes_text("garbage"), &read, &error), PINTLE_ERR_INPUT);
}

/* ---- the process ---- */

struct process {
    char repository[96], keys[128];
    struct pintle_crypto *crypto;
    struct pti_signer signer;
    struct pti_publication publication;
    struct pti_resigned resigned;
    struct pti_error error;
};

static int open_process(void **state)
{
    struct process *process = calloc(1, sizeof *process);
    struct pti_init_options options = {.kind = PTI_KEY_ED25519, .name = "test", .now = (int64_t)time(NULL)};

    if (!process)
        return -1;
    snprintf(scratch, sizeof scratch, "/tmp/pintle-signer-XXXXXX");
    if (!mkdtemp(scratch))
        return -1;
    snprintf(process->repository, sizeof process->repository, "%s/repo", scratch);
    snprintf(process->keys, sizeof process->keys, "%s/repo/keys", scratch);
    options.directory = process->repository;
    assert_int_equal(pintle_crypto_openssl_new(&process->crypto), PINTLE_OK);
    if (pti_init(&options, process->crypto, &process->error) != PINTLE_OK ||
        pti_publication_load(process->repository, process->crypto, &process->publication, &process->error) != PINTLE_OK)
        fail_msg("%s", process->error.detail);
    process->signer = (struct pti_signer){-1, -1};
    *state = process;
    return 0;
}

static int close_process(void **state)
{
    struct process *process = *state;

    pti_signer_stop(&process->signer);
    pti_resigned_clear(&process->resigned);
    pti_publication_clear(&process->publication);
    pintle_crypto_free(process->crypto);
    free(process);
    scratch_remove_tree(scratch);
    return 0;
}

static void start(struct process *process)
{
    if (pti_signer_start(process->repository, process->keys, &process->signer, &process->error) != PINTLE_OK)
        fail_msg("%s", process->error.detail);
}

static void start_fails(struct process *process, enum pintle_status want, const char *text)
{
    assert_int_equal(pti_signer_start(process->repository, process->keys, &process->signer, &process->error), want);
    assert_int_equal(process->signer.pid, -1);
    if (!strstr(process->error.detail, text))
        fail_msg("\"%s\" lacks \"%s\"", process->error.detail, text);
}

static enum pintle_status request(struct process *process, int64_t timestamp, int64_t snapshot)
{
    pti_resigned_clear(&process->resigned);
    return pti_signer_ask(&process->signer, &process->publication.published, timestamp, snapshot, &process->resigned,
                          &process->error);
}

static void signs_over_the_socket(void **state)
{
    struct process *process = *state;

    start(process);
    assert_int_equal(request(process, 0, 0), PINTLE_OK);
    assert_int_equal(request(process, 2, 2), PINTLE_OK);
    assert_true(process->resigned.timestamp.size > 0);
    assert_true(process->resigned.snapshot.size > 0);
    assert_int_equal(request(process, 2, 0), PINTLE_ERR_TRUST);
    assert_non_null(strstr(process->error.detail, "timestamp version 2 is not above 2"));
    assert_int_equal(request(process, 3, 0), PINTLE_OK); /* a refusal does not end it */
    assert_true(pti_signer_alive(&process->signer));
}

static void ends_when_the_socket_closes(void **state)
{
    struct process *process = *state;
    pid_t pid = 0;
    int status = -1;

    start(process);
    pid = process->signer.pid;
    close(process->signer.socket);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    process->signer = (struct pti_signer){-1, -1};
}

static void signals_of_the_group_do_not_end_it(void **state)
{
    struct process *process = *state;

    start(process);
    kill(process->signer.pid, SIGTERM);
    kill(process->signer.pid, SIGINT);
    kill(process->signer.pid, SIGHUP);
    assert_int_equal(request(process, 2, 0), PINTLE_OK);
}

static void its_death_is_noticed(void **state)
{
    struct process *process = *state;

    start(process);
    kill(process->signer.pid, SIGKILL);
    assert_int_equal(request(process, 2, 0), PINTLE_ERR_NETWORK);
    assert_false(pti_signer_alive(&process->signer));
    assert_int_equal(request(process, 2, 0), PINTLE_ERR_NETWORK);
    assert_non_null(strstr(process->error.detail, "restart pintled"));
}

static void what_announces_too_much_is_cut_off(void **state)
{
    struct process *process = *state;
    static const uint8_t head[] = {0xff, 0xff, 0xff, 0xff};
    char byte = 0;

    start(process);
    assert_int_equal(send(process->signer.socket, head, sizeof head, 0), sizeof head);
    assert_int_equal(recv(process->signer.socket, &byte, 1, 0), 0); /* it has closed: whoever says this is no server */
}

static void needs_its_keys(void **state)
{
    struct process *process = *state;
    char path[160], away[160];

    snprintf(path, sizeof path, "%s/snapshot.pem", process->keys);
    snprintf(away, sizeof away, "%s/elsewhere", scratch);
    assert_int_equal(rename(path, away), 0);
    start_fails(process, PINTLE_ERR_TRUST, "asks for 1 of its snapshot keys, found 0");
    snprintf(path, sizeof path, "%s/timestamp.pem", process->keys);
    assert_int_equal(unlink(path), 0);
    start_fails(process, PINTLE_ERR_TRUST, "expected timestamp.pem and snapshot.pem in");
    snprintf(process->keys, sizeof process->keys, "%s/nowhere", scratch);
    start_fails(process, PINTLE_ERR_TRUST, "nowhere");
}

static void keeps_only_its_socket_and_stderr(void **state)
{
    struct process *process = *state;
    int extra = open("/dev/null", O_RDONLY);
    int found = 0;

    assert_true(extra >= 0);
    start(process);
    for (int fd = 0; fd < 64; fd++) {
        char path[64], target[64];
        ssize_t size = 0;

        snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)process->signer.pid, fd);
        size = readlink(path, target, sizeof target - 1);
        if (size < 0)
            continue; /* not root: its links are hidden too, as it is not dumpable */
        target[size] = '\0';
        if (fd <= STDOUT_FILENO)
            assert_string_equal(target, "/dev/null");
        else if (fd != STDERR_FILENO) {
            assert_int_equal(strncmp(target, "socket:", 7), 0);
            found++;
        }
    }
    assert_true(found <= 1);
    close(extra);
}

int main(void)
{
#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, open_desk, close_desk)
#define PROCESS_TEST(f) cmocka_unit_test_setup_teardown(f, open_process, close_process)
    const struct CMUnitTest tests[] = {
        DESK_TEST(shows_without_signing),
        DESK_TEST(renews_the_timestamp_alone),
        DESK_TEST(renews_a_snapshot_without_changing_a_role),
        DESK_TEST(recovers_what_expired),
        DESK_TEST(a_client_takes_what_it_signs),
        DESK_TEST(versions_only_rise),
        DESK_TEST(published_versions_count),
        DESK_TEST(a_true_successor_is_taken),
        DESK_TEST(replays_are_refused),
        DESK_TEST(a_vanished_zone_is_refused),
        DESK_TEST(an_unknown_role_is_refused),
        DESK_TEST(a_zone_signed_by_the_wrong_key_is_refused),
        DESK_TEST(altered_bytes_are_refused),
        DESK_TEST(pieces_that_do_not_match_are_refused),
        DESK_TEST(one_version_has_one_content),
        DESK_TEST(a_root_must_chain),
        DESK_TEST(keys_that_root_no_longer_names_sign_nothing),
        DESK_TEST(numbers_start_again_under_other_keys),
        DESK_TEST(numbers_start_again_with_new_online_keys),
        DESK_TEST(numbers_go_on_with_one_new_online_key),
        DESK_TEST(garbage_is_refused),
        DESK_TEST(oversized_requests_are_refused),
        DESK_TEST(cut_and_altered_requests_are_refused),
        cmocka_unit_test(replies_are_read_back),
        PROCESS_TEST(signs_over_the_socket),
        PROCESS_TEST(ends_when_the_socket_closes),
        PROCESS_TEST(signals_of_the_group_do_not_end_it),
        PROCESS_TEST(its_death_is_noticed),
        PROCESS_TEST(what_announces_too_much_is_cut_off),
        PROCESS_TEST(needs_its_keys),
        PROCESS_TEST(keeps_only_its_socket_and_stderr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
