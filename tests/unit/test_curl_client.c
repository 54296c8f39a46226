/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client at a libcurl handle: the second try after a refresh, and what an attacker gains by it; the header Pintle-Manifest.
 * The TLS servers are real and count connections and requests; the repository is simulated and counts its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pintle/curl_client.h>

#include "client_fixture.h"
#include "curl_world.h"

#define REFUSED CURLE_PEER_FAILED_VERIFICATION
#define HEAL_MS 20000
static const struct pintle_bytes nothing = {NULL, 0};

struct scene {
    struct curl_world *world;
    struct fixture fixture;
};

/* From the next publication on, host has this one key. */
static void give(struct scene *scene, const char *zone, const char *host, const X509 *x509)
{
    struct pti_zone_host *entry = sim_zone_entry(scene->fixture.sim, zone, host);
    char text[TLS_FIXTURE_PIN_SIZE];
    unsigned char hash[48];

    pti_pins_clear(&entry->pins);
    sim_add_pin(scene->fixture.sim, host, 1);
    tls_fixture_spki_pin(x509, text);
    assert_true(EVP_DecodeBlock(hash, (unsigned char *)text, (int)strlen(text)) >= PINTLE_SHA256_SIZE);
    memcpy(entry->pins.items[0].sha256, hash, PINTLE_SHA256_SIZE);
}

/* TLS_WORLD_HOST, pinned to the leaf it serves or to a key that nobody has; CURL_WORLD_OTHER has no policy. */
static int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    curl_world_setup(state);
    scene->world = *state;
    scene->fixture.sim = fixture_sim(TLS_WORLD_HOST);
    give(scene, "main", TLS_WORLD_HOST, scene->world->tls->stray.x509);
    fixture_begin(&scene->fixture, scene->fixture.sim);
    sim_requests_reset(scene->fixture.sim);
    *state = scene;
    return 0;
}

static int scene_teardown(void **state)
{
    struct scene *scene = *state;

    fixture_clear(&scene->fixture);
    *state = scene->world;
    free(scene);
    return curl_world_teardown(state);
}

static void publish(struct scene *scene, const X509 *x509)
{
    give(scene, "main", TLS_WORLD_HOST, x509);
    sim_publish(scene->fixture.sim);
}

static CURL *handle_of(struct scene *scene, const char *url)
{
    CURL *easy = curl_world_handle(scene->world, url);

    assert_int_equal(pintle_curl_attach(easy, scene->fixture.checker), PINTLE_OK);
    return easy;
}

static int connections(const struct scene *scene)
{
    return atomic_load(&scene->world->server.connections);
}

static size_t polls(struct scene *scene)
{
    return sim_requests(scene->fixture.sim, "head/*");
}

/* ---- the second try ---- */

static void test_a_rotation_is_healed(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);

    publish(scene, scene->world->tls->leaf.x509);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_OK);
    assert_int_equal(connections(scene), 2);
    assert_int_equal(polls(scene), 1);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_OK);
    assert_int_equal(polls(scene), 1);
    curl_world_close(easy);
    scene->world->requests = 2;
}

static void test_a_rotation_is_healed_on_a_multi(void **state)
{
    struct scene *scene = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = handle_of(scene, CURL_WORLD_URL);
    CURLcode code = curl_world_get(easy, multi);

    publish(scene, scene->world->tls->leaf.x509);
    assert_int_equal(code, REFUSED);
    assert_true(pintle_curl_again(easy, code, scene->fixture.client, HEAL_MS));
    code = curl_world_get(easy, multi);
    assert_int_equal(code, CURLE_OK);
    assert_false(pintle_curl_again(easy, code, scene->fixture.client, HEAL_MS));
    assert_int_equal(polls(scene), 1);
    curl_world_close(easy);
    curl_multi_cleanup(multi);
    scene->world->requests = 1;
}

/* Two handshakes for a call and one refresh, as long as the ration lasts; then one handshake. */
static void test_an_attacker_multiplies_nothing(void **state)
{
    enum { CALLS = 12 };
    struct scene *scene = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = handle_of(scene, CURL_WORLD_URL);
    int64_t due = pintle_client_next_due(scene->fixture.client);
    struct pintle_verdict verdict;
    int before;
    size_t healed = 0;

    for (int i = 0; i < CALLS; i++) {
        size_t asked = polls(scene);
        CURLcode code;

        before = connections(scene);
        if (i % 2 == 0) {
            assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), REFUSED);
        } else {
            do
                code = curl_world_get(easy, multi);
            while (pintle_curl_again(easy, code, scene->fixture.client, HEAL_MS));
            assert_int_equal(code, REFUSED);
        }
        assert_in_range(polls(scene) - asked, 0, 1);
        assert_int_equal(connections(scene) - before, 1 + (int)(polls(scene) - asked));
        assert_int_not_equal(pintle_curl_verdict(easy, &verdict), PINTLE_OK);
        assert_int_equal(verdict.reason, PINTLE_REASON_MISMATCH);
        healed = polls(scene);
    }
    assert_in_range(healed, 1, 5);
    assert_in_range(pintle_client_next_due(scene->fixture.client), 1, due); /* the schedule is where it was */
    assert_int_equal(sim_requests(scene->fixture.sim, "*"), healed);
    curl_world_close(easy);
    curl_multi_cleanup(multi);
}

/* Whoever keeps the manifest away gains no second try. */
static void test_an_attacker_who_blocks_the_manifest(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);

    publish(scene, scene->world->tls->leaf.x509);
    sim_override(scene->fixture.sim, "*", SIM_FAIL, 0, nothing);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), REFUSED);
    assert_int_equal(connections(scene), 1);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), REFUSED);
    assert_in_range(sim_requests(scene->fixture.sim, "*"), 1, 2);
    assert_int_equal(connections(scene), 2);
    sim_override_clear(scene->fixture.sim);
    curl_world_close(easy);
}

/* What has been sent is not sent again. */
static void test_not_after_a_request(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_OTHER_URL "go?" CURL_WORLD_URL);
    struct pintle_verdict verdict;

    publish(scene, scene->world->tls->leaf.x509);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), REFUSED);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_RETRY);
    assert_int_equal(polls(scene), 0);
    assert_int_equal(connections(scene), 1);
    curl_world_close(easy);
    scene->world->other_requests = 1;
}

static size_t read_once(char *data, size_t one, size_t size, void *arg)
{
    int *calls = arg;

    (void)one;
    if (*calls > 0 || size < 4)
        return 0;
    ++*calls;
    memcpy(data, "body", 4);
    return 4;
}

/* A body that can be read once only: it is read once only. */
static void test_an_upload(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);
    int calls = 0;

    publish(scene, scene->world->tls->leaf.x509);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 4L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_once);
    curl_easy_setopt(easy, CURLOPT_READDATA, &calls);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_OK);
    assert_int_equal(calls, 1);
    assert_int_equal(connections(scene), 2);
    assert_non_null(strstr(scene->world->server.last, "\r\n\r\nbody"));
    curl_world_close(easy);
    scene->world->requests = 1;
}

/* Other failures are no reason for anything, not even right after a refusal. */
static void test_other_failures(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);
    struct curl_slist *nowhere = curl_slist_append(NULL, "::127.0.0.1:1");

    assert_int_equal(curl_easy_perform(easy), REFUSED);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, nowhere);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_COULDNT_CONNECT);
    assert_int_equal(polls(scene), 0);
    assert_false(pintle_curl_again(easy, CURLE_COULDNT_CONNECT, scene->fixture.client, HEAL_MS));
    assert_false(pintle_curl_again(easy, CURLE_OK, scene->fixture.client, HEAL_MS));
    curl_world_close(easy);
    curl_slist_free_all(nowhere);
}

/* Several connections that pins do not accept lie in the pool: one call closes them all and makes a good one. */
static void test_a_pool_without_pins(void **state)
{
    enum { BARE = 3 };
    struct scene *scene = *state;
    CURLM *multi = curl_multi_init();
    CURL *bare[BARE], *easy = handle_of(scene, CURL_WORLD_URL);
    CURLcode code;
    int running = 1, left, tries = 0;

    publish(scene, scene->world->tls->leaf.x509);
    fixture_refresh(&scene->fixture);
    for (int i = 0; i < BARE; i++) {
        bare[i] = curl_world_handle(scene->world, CURL_WORLD_URL);
        assert_int_equal(curl_multi_add_handle(multi, bare[i]), CURLM_OK);
    }
    while (running > 0) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        assert_int_equal(curl_multi_poll(multi, NULL, 0, running > 0 ? 1000 : 0, NULL), CURLM_OK);
    }
    while (curl_multi_info_read(multi, &left) != NULL)
        ;
    for (int i = 0; i < BARE; i++) {
        curl_multi_remove_handle(multi, bare[i]);
        curl_easy_cleanup(bare[i]);
    }
    do {
        code = curl_world_get(easy, multi);
        tries++;
    } while (pintle_curl_again(easy, code, scene->fixture.client, HEAL_MS));
    assert_int_equal(code, CURLE_OK);
    assert_int_equal(connections(scene), BARE + 1);
    assert_int_equal(tries, BARE + 1);
    assert_int_equal(polls(scene), 1); /* fixture_refresh() */
    curl_world_close(easy);
    curl_multi_cleanup(multi);
    scene->world->requests = BARE + 1;
}

/* The pins of a kept connection are withdrawn: a new handshake in the same call, and what it says is healed as ever. */
static void test_withdrawal(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);

    publish(scene, scene->world->tls->leaf.x509);
    fixture_refresh(&scene->fixture);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_OK);
    assert_int_equal(connections(scene), 1);
    publish(scene, scene->world->tls->stray.x509);
    fixture_refresh(&scene->fixture);
    publish(scene, scene->world->tls->leaf.x509);
    sim_requests_reset(scene->fixture.sim);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_OK);
    assert_int_equal(connections(scene), 3); /* one that was refused, one after the refresh */
    assert_int_equal(polls(scene), 1);
    curl_world_close(easy);
    scene->world->requests = 2;
}

/* ---- the header ---- */

static const char *header_in(struct http_fixture *server)
{
    static char line[300];
    const char *found, *end;

    pthread_mutex_lock(&server->mutex);
    found = strstr(server->last, "Pintle-Manifest");
    end = found != NULL ? strstr(found, "\r\n") : NULL;
    (void)snprintf(line, sizeof(line), "%.*s", end != NULL ? (int)(end - found) : 0, found != NULL ? found : "");
    pthread_mutex_unlock(&server->mutex);
    return line;
}

static void asks(struct scene *scene, CURL *easy, const char *url)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    assert_int_equal(pintle_curl_perform(easy, scene->fixture.client, HEAL_MS), CURLE_OK);
}

static void begins(const char *line, const char *with)
{
    if (strncmp(line, with, strlen(with)) != 0)
        fail_msg("expected \"%s...\", found \"%s\"", with, line);
}

static void test_the_header_follows_the_host(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);
    struct curl_slist *own = curl_slist_append(NULL, "X-Own: 1");

    publish(scene, scene->world->tls->leaf.x509);
    fixture_refresh(&scene->fixture);
    assert_int_equal(pintle_curl_header(easy, scene->fixture.client, own), PINTLE_OK);
    curl_slist_free_all(own);
    asks(scene, easy, CURL_WORLD_GO CURL_WORLD_OTHER_URL);
    begins(header_in(&scene->world->server), "Pintle-Manifest: charter=1,main=2");
    assert_non_null(strstr(scene->world->server.last, "X-Own: 1\r\n"));
    assert_string_equal(header_in(&scene->world->other), ""); /* without a policy it is told nothing */
    assert_non_null(strstr(scene->world->other.last, "X-Own: 1\r\n"));
    asks(scene, easy, CURL_WORLD_OTHER_URL "go?" CURL_WORLD_URL);
    assert_string_equal(header_in(&scene->world->other), "");
    assert_string_equal(header_in(&scene->world->server), "Pintle-Manifest: charter=1,main=2"); /* counted today */
    sim_add_zone(scene->fixture.sim, "shop");
    sim_add_host(scene->fixture.sim, CURL_WORLD_OTHER, "shop");
    give(scene, "shop", CURL_WORLD_OTHER, scene->world->tls->other.x509);
    sim_publish(scene->fixture.sim);
    fixture_refresh(&scene->fixture);
    asks(scene, easy, CURL_WORLD_GO CURL_WORLD_OTHER_URL);
    begins(header_in(&scene->world->server), "Pintle-Manifest: charter=2,main=2");
    begins(header_in(&scene->world->other), "Pintle-Manifest: charter=2,shop=");
    curl_world_close(easy);
    scene->world->requests = 3;
    scene->world->other_requests = 3;
}

/* Neither in the clear nor to a proxy; and no longer than wanted. */
static void test_the_header_goes_nowhere_else(void **state)
{
    struct scene *scene = *state;
    CURL *easy = handle_of(scene, CURL_WORLD_URL);
    char proxy[64];

    publish(scene, scene->world->tls->leaf.x509);
    fixture_refresh(&scene->fixture);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_UNIFIED);
    assert_int_equal(pintle_curl_header(easy, scene->fixture.client, NULL), PINTLE_OK);
    asks(scene, easy, CURL_WORLD_URL);
    begins(header_in(&scene->world->server), "Pintle-Manifest: charter=");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    asks(scene, easy, "http://" CURL_WORLD_OTHER "/");
    assert_string_equal(header_in(&scene->world->plain), "");
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", scene->world->plain.port);
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
    asks(scene, easy, CURL_WORLD_URL);
    assert_non_null(strstr(scene->world->plain.last, "CONNECT "));
    assert_string_equal(header_in(&scene->world->plain), "");
    begins(header_in(&scene->world->server), "Pintle-Manifest: charter=");
    assert_int_equal(pintle_curl_header(easy, NULL, NULL), PINTLE_OK);
    asks(scene, easy, CURL_WORLD_URL);
    assert_string_equal(header_in(&scene->world->server), "");
    assert_int_equal(pintle_curl_header(easy, scene->fixture.client, NULL), PINTLE_OK);
    assert_int_equal(pintle_curl_header(easy, scene->fixture.client, NULL), PINTLE_OK);
    assert_int_equal(pintle_curl_attach(easy, scene->fixture.checker), PINTLE_OK); /* begins anew */
    asks(scene, easy, CURL_WORLD_URL);
    assert_string_equal(header_in(&scene->world->server), "");
    curl_world_close(easy);
    scene->world->requests = 4;
    scene->world->plain_requests = 2;
}

static void test_misuse(void **state)
{
    struct scene *scene = *state;
    CURL *easy = curl_world_handle(scene->world, CURL_WORLD_URL);
    struct pintle_client *client = scene->fixture.client;

    assert_int_equal(pintle_curl_perform(easy, client, HEAL_MS), CURLE_BAD_FUNCTION_ARGUMENT); /* not attached */
    assert_int_equal(pintle_curl_header(easy, client, NULL), PINTLE_ERR_MISUSE);
    assert_false(pintle_curl_again(easy, REFUSED, client, HEAL_MS));
    assert_int_equal(pintle_curl_attach(easy, scene->fixture.checker), PINTLE_OK);
    assert_int_equal(pintle_curl_perform(NULL, client, HEAL_MS), CURLE_BAD_FUNCTION_ARGUMENT);
    assert_int_equal(pintle_curl_perform(easy, NULL, HEAL_MS), CURLE_BAD_FUNCTION_ARGUMENT);
    assert_int_equal(pintle_curl_perform(easy, client, 0), CURLE_BAD_FUNCTION_ARGUMENT);
    assert_false(pintle_curl_again(NULL, REFUSED, client, HEAL_MS));
    assert_int_equal(curl_easy_perform(easy), REFUSED);
    assert_false(pintle_curl_again(easy, REFUSED, NULL, HEAL_MS));
    curl_world_close(easy);
    assert_int_equal(connections(scene), 1);
}

#define SCENE_TEST(f)                                                                                                  \
    {                                                                                                                  \
#f, f, scene_setup, scene_teardown, &tls_world_versions[3]                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_a_rotation_is_healed),
        SCENE_TEST(test_a_rotation_is_healed_on_a_multi),
        SCENE_TEST(test_an_attacker_multiplies_nothing),
        SCENE_TEST(test_an_attacker_who_blocks_the_manifest),
        SCENE_TEST(test_not_after_a_request),
        SCENE_TEST(test_an_upload),
        SCENE_TEST(test_other_failures),
        SCENE_TEST(test_a_pool_without_pins),
        SCENE_TEST(test_withdrawal),
        SCENE_TEST(test_the_header_follows_the_host),
        SCENE_TEST(test_the_header_goes_nowhere_else),
        SCENE_TEST(test_misuse),
    };
    int failed;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
