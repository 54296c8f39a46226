/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client whose n-th allocation fails, for every n: it never crashes or leaks, says PINTLE_ERR_MEMORY or succeeds,
 * never lets a host go unpinned, and leaves a store from which everything is as before.
 *
 * The linker sends our own code's malloc, calloc and realloc here (--wrap, and then PTI_WRAP_ALLOCATION is defined);
 * OpenSSL's come through its own hook.  What the simulated machine allocates does not count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define GOOD 1 /* pinned in every version */
#define BAD 99 /* in none */

static long left = -1;   /* allocations until the one that fails; negative: none does */
static bool in_openssl;  /* count OpenSSL's too */
static unsigned outside; /* in the simulated machine */
static bool failed;      /* the one allocation has failed */

static bool denied(void)
{
    if (left < 0 || outside > 0)
        return false;
    if (left-- > 0)
        return false;
    failed = true;
    return true;
}

#ifdef PTI_WRAP_ALLOCATION
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return denied() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return denied() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return denied() ? NULL : __real_realloc(memory, size);
}
#else
#define __real_malloc malloc
#define __real_realloc realloc
#endif

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || (in_openssl && denied()) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return in_openssl && denied() ? NULL : __real_realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* ---- the simulated machine, outside of what counts ---- */

static const struct pintle_transport *transport;
static const struct pintle_store *store;

static bool counted_write(void *ctx, const uint8_t *data, size_t size)
{
    const struct pintle_sink *sink = ctx;
    bool taken;

    outside--;
    taken = sink->write(sink->ctx, data, size);
    outside++;
    return taken;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct pintle_sink inner = *sink;
    const struct pintle_sink counted = {.write = counted_write, .ctx = &inner};
    enum pintle_status status;

    outside++;
    status = transport->perform(ctx, request, &counted, response, detail, detail_size);
    outside--;
    return status;
}

static enum pintle_status load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found, char *detail,
                               size_t detail_size)
{
    struct pintle_sink inner = *sink;
    const struct pintle_sink counted = {.write = counted_write, .ctx = &inner};
    enum pintle_status status;

    outside++;
    status = store->load(ctx, name, &counted, found, detail, detail_size);
    outside--;
    return status;
}

static enum pintle_status save(void *ctx, const char *name, struct pintle_bytes data, char *detail, size_t detail_size)
{
    enum pintle_status status;

    outside++;
    status = store->save(ctx, name, data, detail, detail_size);
    outside--;
    return status;
}

/* ---- one life of a client ---- */

enum scene {
    UPDATE,     /* a stored manifest, and two roots and a manifest that are newer, from head and body */
    PLAIN,      /* the same from plain TUF files */
    ROOTS_LOST, /* the store has lost its roots */
    DAMAGED,    /* what the store holds is rubbish */
    EMPTIED     /* somebody empties the store once the client has started */
};

struct life {
    enum scene scene;
    struct fixture fixture;
    struct sim_files *replay;
    struct pintle_bytes roots, accepted; /* the store before */
};

/* An app that ships key 1 alone; a store with a later manifest; a repository two roots and a manifest further on. */
static void begin(struct life *life, enum scene scene)
{
    struct pintle_transport counted_transport;
    struct pintle_store counted_store;
    struct sim *sim = sim_new();

    memset(life, 0, sizeof *life);
    life->scene = scene;
    sim_add_host(sim, HOST, "main");
    sim_add_pin(sim, HOST, GOOD);
    sim_add_zone(sim, "extra");
    sim_publish(sim);
    fixture_init(&life->fixture, sim);
    fixture_ship_generation(&life->fixture);
    transport = sim_transport(sim);
    store = sim_store(sim);
    counted_transport = *transport;
    counted_transport.perform = perform;
    counted_store = *store;
    counted_store.load = load;
    counted_store.save = save;
    assert_int_equal(pintle_config_set_transport(life->fixture.config, &counted_transport), PINTLE_OK);
    assert_int_equal(pintle_config_set_store(life->fixture.config, &counted_store), PINTLE_OK);
    assert_int_equal(pintle_config_require_host(life->fixture.config, "required.example.com"), PINTLE_OK);
    life->replay = sim_save(sim);
    sim_add_pin(sim, HOST, 2);
    if (scene == ROOTS_LOST)
        sim_publish_root(sim);
    sim_publish(sim);
    fixture_start(&life->fixture);
    fixture_refresh(&life->fixture);
    fixture_stop(&life->fixture);
    assert_int_equal(pti_bytes_copy(sim_store_get(sim, "roots"), &life->roots), PINTLE_OK);
    assert_int_equal(pti_bytes_copy(sim_store_get(sim, "accepted"), &life->accepted), PINTLE_OK);
    sim_rotate(sim, SIM_TARGETS);
    sim_add_pin(sim, HOST, 3);
    sim_remove_pin(sim, HOST, 2);
    sim_rotate(sim, SIM_SNAPSHOT);
}

/* The store and the network as this scene finds them. */
static void set_scene(const struct life *life)
{
    static const struct pintle_bytes nothing = {NULL, 0};
    struct sim *sim = life->fixture.sim;

    sim_store_put(sim, "roots", life->scene == ROOTS_LOST ? nothing : life->roots);
    sim_store_put(sim, "accepted", life->scene == DAMAGED ? pti_bytes_text("rubbish") : life->accepted);
    if (life->scene == PLAIN) {
        sim_override(sim, "head/*", SIM_STATUS, 404, nothing);
        sim_override(sim, "body/*", SIM_STATUS, 404, nothing);
    }
}

static void end(struct life *life)
{
    pti_bytes_free(&life->roots);
    pti_bytes_free(&life->accepted);
    fixture_clear(&life->fixture);
}

static enum pintle_reason reason(struct fixture *fixture, const char *host, uint8_t seed)
{
    return fixture_check(fixture, host, seed).reason;
}

static void stays_pinned(struct fixture *fixture, long n)
{
    if (reason(fixture, HOST, BAD) == PINTLE_REASON_UNLISTED || fixture_check(fixture, HOST, BAD).status == PINTLE_OK ||
        fixture_check(fixture, "required.example.com", BAD).status == PINTLE_OK)
        fail_msg("allocation %ld: the host goes unpinned: %s", n, pintle_reason_name(reason(fixture, HOST, BAD)));
}

static void is_memory_or_ok(enum pintle_status status, const char *what, long n, const char *detail)
{
    bool allowed = status == PINTLE_OK || (failed && (status == PINTLE_ERR_MEMORY ||
                                                      /* a provider cannot tell a lack of memory from a bad signature */
                                                      (in_openssl && status == PINTLE_ERR_TRUST)));

    if (!allowed)
        fail_msg("allocation %ld: %s: %s: %s", n, what, pintle_status_name(status), detail);
    if (status != PINTLE_OK && detail[0] == '\0')
        fail_msg("allocation %ld: %s says nothing", n, what);
}

/* Start, check, refresh, check, ask, report, with the n-th allocation failing.  False if there is no n-th. */
static bool live(struct life *life, long n, long *counted)
{
    struct fixture *fixture = &life->fixture;
    enum pintle_status status;
    char text[4096];

    set_scene(life);
    failed = false;
    left = n;
    status = pintle_client_new(fixture->config, &fixture->client);
    is_memory_or_ok(status, "start", n, pintle_config_error(fixture->config));
    if (status == PINTLE_OK)
        status = pintle_client_checker(fixture->client, &fixture->checker);
    if (status == PINTLE_OK) {
        stays_pinned(fixture, n);
        outside++;
        if (life->scene == EMPTIED)
            sim_store_clear(fixture->sim);
        outside--;
        status = pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS);
        (void)pintle_client_error(fixture->client, text, sizeof text);
        is_memory_or_ok(status, "refresh", n, text);
        stays_pinned(fixture, n);
        (void)pintle_client_info(fixture->client, text, sizeof text);
        (void)pintle_client_header(fixture->client, HOST, text, sizeof text);
        (void)pintle_client_send_reports(fixture->client, FIXTURE_DEADLINE_MS);
        if (status == PINTLE_OK)
            assert_int_equal(reason(fixture, HOST, 3), PINTLE_REASON_MATCHED);
    }
    if (counted != NULL)
        *counted = n - left;
    left = -1;
    return failed;
}

/* What is left behind is enough: a replay is refused, an honest refresh succeeds. */
static void recovers(struct life *life, long n)
{
    struct fixture *fixture = &life->fixture;
    char detail[512];

    sim_override_clear(fixture->sim);
    if (life->scene != EMPTIED || fixture->checker == NULL) { /* there, what is left is what the client remembers */
        fixture_stop(fixture);
        fixture_start(fixture);
    }
    stays_pinned(fixture, n);
    sim_serve(fixture->sim, life->replay);
    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) == PINTLE_OK && life->scene != DAMAGED)
        fail_msg("allocation %ld: an older manifest is taken afterwards", n);
    stays_pinned(fixture, n);
    sim_serve(fixture->sim, NULL);
    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) != PINTLE_OK) {
        (void)pintle_client_error(fixture->client, detail, sizeof detail);
        fail_msg("allocation %ld: cannot refresh afterwards: %s", n, detail);
    }
    assert_int_equal(reason(fixture, HOST, 3), PINTLE_REASON_MATCHED);
    assert_int_equal(reason(fixture, HOST, 2), PINTLE_REASON_MISMATCH);
    fixture_stop(fixture);
}

/* Every allocation, or every step-th: that way another one in each scene. */
static void fail_each(enum scene scene, bool openssl, long step)
{
    struct life life;
    long total = 0;

    begin(&life, scene);
    in_openssl = openssl;
    assert_false(live(&life, 1000000000, &total)); /* none fails: how many are there? */
    recovers(&life, 0);
    for (long n = step / 2; n < total; n += step) {
        if (!live(&life, n, NULL))
            fail_msg("allocation %ld of %ld is not made", n, total);
        recovers(&life, n);
    }
    in_openssl = false;
    print_message("%ld allocations\n", total);
#ifdef PTI_WRAP_ALLOCATION
    assert_true(total > 100);
#endif
    end(&life);
}

static void test_update(void **state)
{
    (void)state;
    fail_each(UPDATE, false, 1);
}

static void test_update_and_provider(void **state)
{
    (void)state;
    fail_each(UPDATE, true, 5);
}

static void test_update_from_plain_files(void **state)
{
    (void)state;
    fail_each(PLAIN, false, 3);
}

static void test_roots_lost(void **state)
{
    (void)state;
    fail_each(ROOTS_LOST, false, 3);
}

static void test_damaged_store(void **state)
{
    (void)state;
    fail_each(DAMAGED, false, 3);
}

static void test_emptied_store(void **state)
{
    (void)state;
    fail_each(EMPTIED, false, 3);
}

/*
 * Another process has stored version 3 while this one holds version 1; reading it fails for lack of memory, and an
 * attacker serves version 2.  It must not come to lie over version 3.
 */
static void test_failed_restart_writes_nothing_older(void **state)
{
    struct pintle_bytes stored[3];
    struct sim_files *second = NULL;
    struct sim *sim = sim_new();
    struct fixture fixture;
    bool more = true;

    (void)state;
    sim_add_host(sim, HOST, "main");
    sim_publish(sim);
    fixture_init(&fixture, sim);
    for (uint8_t i = 0; i < 3; i++) {
        sim_add_pin(sim, HOST, (uint8_t)(i + 1));
        sim_publish(sim);
        if (i == 1)
            second = sim_save(sim);
        fixture_start(&fixture);
        fixture_refresh(&fixture);
        assert_int_equal(pti_bytes_copy(sim_store_get(sim, "accepted"), &stored[i]), PINTLE_OK);
    }
    sim_serve(sim, second);
    transport = sim_transport(sim);
    store = sim_store(sim);
    fixture_stop(&fixture);
    for (long n = 0; more; n++) {
        struct pintle_store counted_store = *store;
        struct pintle_transport counted_transport = *transport;

        counted_store.load = load;
        counted_store.save = save;
        counted_transport.perform = perform;
        assert_int_equal(pintle_config_set_store(fixture.config, &counted_store), PINTLE_OK);
        assert_int_equal(pintle_config_set_transport(fixture.config, &counted_transport), PINTLE_OK);
        sim_store_put(sim, "accepted", stored[0]);
        fixture_start(&fixture);
        sim_store_put(sim, "accepted", stored[2]);
        failed = false;
        left = n;
        if (pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
            fail_msg("allocation %ld: version 2 is taken", n);
        left = -1;
        more = failed;
        if (pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
            fail_msg("allocation %ld: version 2 is taken afterwards", n);
        assert_true(pti_bytes_equal(sim_store_get(sim, "accepted"), stored[2]));
        assert_int_equal(fixture_check(&fixture, HOST, 3).reason, PINTLE_REASON_MATCHED);
        fixture_stop(&fixture);
    }
    for (size_t i = 0; i < 3; i++)
        pti_bytes_free(&stored[i]);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_update_and_provider),
        cmocka_unit_test(test_update_from_plain_files),
        cmocka_unit_test(test_roots_lost),
        cmocka_unit_test(test_damaged_store),
        cmocka_unit_test(test_emptied_store),
        cmocka_unit_test(test_failed_restart_writes_nothing_older),
    };

    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
