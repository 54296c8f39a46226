/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_fleet URL ROOTS HOST CLIENTS: that many real clients in one process, each with a store in memory, over libcurl,
 * on one clock that the program turns: it stands still while a client works and then jumps to when the next one is due,
 * by the client's own word.  Hours pass in seconds, and no load of the machine changes when anybody polls.  Orders, a
 * line each, from standard input; every answer ends with a line that begins with "end":
 *     play SECONDS     of that clock; prints "poll CLIENT MS ok|failed TEXT", TEXT the versions that the client then
 *                      holds
 *     refuse KEY       each client refuses a chain with this key (1 to 255), refreshes, refuses it again, and has a
 *                      report
 *     send THREADS     who has reports sends them; prints "stored ID" for each that was acknowledged, "shed STATUS" for
 *                      each request that was not (0: no answer), and behind "end" how many clients still have some
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <pintle/curl_transport.h>
#include <pintle/pintle.h>

#include "base/buf.h"

enum { BLOBS = 4, THREADS_MAX = 4096, STACK = 512 << 10, BLOB_MAX = 1 << 24 };

struct blob {
    char name[16];
    struct pti_buf bytes;
};

struct member {
    struct pintle_client *client;
    struct pintle_checker *checker;
    struct blob blobs[BLOBS];
    int64_t due_ms;
    bool waiting; /* with reports to send */
};

static struct member *members;
static size_t member_count, *heap; /* of members, who is due first on top */
static int64_t now_ms, began_s;
static atomic_uint_fast64_t seed;
static _Thread_local struct pintle_transport *line; /* one connection a thread, kept open */
static const char *host;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench_fleet: %s\n", what);
    exit(1);
}

/* ---- what a client asks the machine for ---- */

static int64_t clock_now(void *ctx)
{
    (void)ctx;
    return began_s + now_ms / 1000;
}

static int64_t clock_monotonic(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static uint64_t clock_random(void *ctx) /* splitmix64 */
{
    uint64_t z = atomic_fetch_add(&seed, UINT64_C(0x9E3779B97F4A7C15)) + UINT64_C(0x9E3779B97F4A7C15);

    (void)ctx;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static struct blob *find_blob(struct member *member, const char *name)
{
    for (size_t i = 0; i < BLOBS; i++)
        if (strcmp(member->blobs[i].name, name) == 0)
            return &member->blobs[i];
    return NULL;
}

static enum pintle_status store_load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found,
                                     char *detail, size_t detail_size)
{
    struct blob *blob = find_blob(ctx, name);
    struct pintle_bytes bytes = blob != NULL ? pti_buf_bytes(&blob->bytes) : (struct pintle_bytes){0};

    (void)detail;
    (void)detail_size;
    *found = blob != NULL;
    return bytes.size == 0 || sink->write(sink->ctx, bytes.data, bytes.size) ? PINTLE_OK : PINTLE_ERR_STORAGE;
}

static enum pintle_status store_save(void *ctx, const char *name, struct pintle_bytes data, char *detail,
                                     size_t detail_size)
{
    struct blob *blob = find_blob(ctx, name);

    (void)detail;
    (void)detail_size;
    if (blob == NULL) {
        blob = find_blob(ctx, "");
        require(blob != NULL && strlen(name) < sizeof blob->name, "a store of more blobs than a client keeps");
        (void)snprintf(blob->name, sizeof blob->name, "%s", name);
    }
    pti_buf_clear(&blob->bytes);
    pti_buf_init(&blob->bytes, BLOB_MAX);
    pti_buf_append(&blob->bytes, data.data, data.size);
    return pti_buf_check(&blob->bytes, NULL, name);
}

static enum pintle_status store_remove(void *ctx, const char *name, char *detail, size_t detail_size)
{
    struct blob *blob = find_blob(ctx, name);

    (void)detail;
    (void)detail_size;
    if (blob != NULL) {
        pti_buf_clear(&blob->bytes);
        blob->name[0] = '\0';
    }
    return PINTLE_OK;
}

static enum pintle_status store_lock(void *ctx, char *detail, size_t detail_size)
{
    (void)ctx;
    (void)detail;
    (void)detail_size;
    return PINTLE_OK;
}

static void store_unlock(void *ctx)
{
    (void)ctx;
}

/* ---- the network ---- */

/* "id":"..." of every report in a body that was acknowledged; an application has an id too, of another form. */
static void print_stored(struct pintle_bytes body)
{
    static const char key[] = "\"id\":\"";
    enum { ID = 32 };

    for (size_t i = 0; i + sizeof key + ID <= body.size; i++) {
        const char *id = (const char *)body.data + i + sizeof key - 1;

        if (memcmp(body.data + i, key, sizeof key - 1) == 0 && strspn(id, "0123456789abcdef") == ID && id[ID] == '"')
            (void)printf("stored %.*s\n", (int)ID, id);
    }
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    enum pintle_status status = line->perform(line->ctx, request, sink, response, detail, detail_size);

    (void)ctx;
    if (strcmp(request->method, "POST") != 0)
        return status;
    if (status == PINTLE_OK && response->status == 202)
        print_stored(request->body);
    else
        (void)printf("shed %d\n", status == PINTLE_OK ? response->status : 0);
    return status;
}

/* ---- the fleet ---- */

static void join(struct member *member, const char *url, const char *roots)
{
    struct pintle_config *config = NULL;
    struct pintle_crypto *crypto = NULL;
    struct pintle_transport transport = {.size = sizeof transport, .perform = perform};
    struct pintle_store store = {sizeof store, member,     store_load,   store_save,
                                 store_remove, store_lock, store_unlock, NULL};
    struct pintle_clock clock = {sizeof clock, NULL, clock_now, clock_monotonic, clock_random};

    require(pintle_crypto_openssl_new(&crypto) == PINTLE_OK && pintle_config_new(&config) == PINTLE_OK, "no memory");
    require(pintle_config_set_roots_file(config, roots) == PINTLE_OK &&
                pintle_config_add_url(config, url) == PINTLE_OK &&
                pintle_config_set_crypto(config, crypto) == PINTLE_OK &&
                pintle_config_set_transport(config, &transport) == PINTLE_OK &&
                pintle_config_set_store(config, &store) == PINTLE_OK &&
                pintle_config_set_clock(config, &clock) == PINTLE_OK &&
                pintle_config_set_app(config, "example.fleet", "1") == PINTLE_OK &&
                pintle_client_new(config, &member->client) == PINTLE_OK &&
                pintle_client_checker(member->client, &member->checker) == PINTLE_OK,
            pintle_config_error(config));
    pintle_config_free(config);
}

static bool before(size_t a, size_t b)
{
    return members[heap[a]].due_ms < members[heap[b]].due_ms;
}

static void swap(size_t a, size_t b)
{
    size_t kept = heap[a];

    heap[a] = heap[b];
    heap[b] = kept;
}

static void sink_down(size_t at)
{
    for (size_t child = 2 * at + 1; child < member_count; child = 2 * at + 1) {
        if (child + 1 < member_count && before(child + 1, child))
            child++;
        if (!before(child, at))
            return;
        swap(at, child);
        at = child;
    }
}

static void poll_once(struct member *member)
{
    enum pintle_status status = pintle_client_refresh(member->client, 60000);
    char held[256] = "", detail[512] = "";

    (void)pintle_client_header(member->client, host, held, sizeof held);
    require(status == PINTLE_OK || status == PINTLE_ERR_NETWORK,
            (pintle_client_error(member->client, detail, sizeof detail), detail));
    (void)printf("poll %td %" PRId64 " %s %s\n", member - members, now_ms, status == PINTLE_OK ? "ok" : "failed", held);
    member->due_ms = now_ms + pintle_client_next_due(member->client);
}

static void play(int64_t until_ms)
{
    while (members[heap[0]].due_ms <= until_ms) {
        if (members[heap[0]].due_ms > now_ms)
            now_ms = members[heap[0]].due_ms;
        poll_once(&members[heap[0]]);
        sink_down(0);
    }
    now_ms = until_ms;
}

static void refuse(int key)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI | PINTLE_OF_CERT};
    struct pintle_verdict verdict;

    memset(evidence.spki[0], key, sizeof evidence.spki[0]);
    for (size_t i = 0; i < member_count; i++) {
        struct member *member = &members[i];

        if (pintle_checker_check(member->checker, host, &evidence, &verdict) == PINTLE_ERR_RETRY)
            (void)pintle_client_heal(member->client, host, 30000);
        require(pintle_checker_check(member->checker, host, &evidence, &verdict) != PINTLE_OK,
                "a chain that nobody pinned was accepted");
        member->waiting = true;
    }
}

static atomic_size_t next_sender, still_waiting;

static void *send_some(void *ctx)
{
    struct pintle_transport own;

    (void)ctx;
    require(pintle_curl_transport_init(&own, NULL) == PINTLE_OK, "no transport");
    line = &own;
    for (size_t i = atomic_fetch_add(&next_sender, 1); i < member_count; i = atomic_fetch_add(&next_sender, 1)) {
        if (!members[i].waiting)
            continue;
        members[i].waiting = pintle_client_send_reports(members[i].client, 10000) != PINTLE_OK;
        if (members[i].waiting)
            atomic_fetch_add(&still_waiting, 1);
    }
    own.free(own.ctx);
    return NULL;
}

static void send_all(size_t count)
{
    static pthread_t threads[THREADS_MAX];
    pthread_attr_t small;

    require(count >= 1 && count <= THREADS_MAX, "too many threads");
    atomic_store(&next_sender, 0);
    atomic_store(&still_waiting, 0);
    require(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, STACK) == 0, "no thread");
    for (size_t i = 0; i < count; i++)
        require(pthread_create(&threads[i], &small, send_some, NULL) == 0, "no thread");
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_attr_destroy(&small);
    (void)printf("end %zu\n", atomic_load(&still_waiting));
}

int main(int argc, char **argv)
{
    struct pintle_transport own;
    char order[64];

    require(argc == 5, "expected URL ROOTS HOST CLIENTS");
    host = argv[3];
    member_count = strtoul(argv[4], NULL, 10);
    members = calloc(member_count, sizeof *members);
    heap = calloc(member_count, sizeof *heap);
    require(member_count > 0 && members != NULL && heap != NULL, "no memory");
    require(curl_global_init(CURL_GLOBAL_DEFAULT) == 0 && pintle_curl_transport_init(&own, NULL) == PINTLE_OK,
            "no transport");
    line = &own;
    began_s = (int64_t)time(NULL);
    require(setvbuf(stdout, NULL, _IOLBF, BUFSIZ) == 0, "no output");
    for (size_t i = 0; i < member_count; i++) {
        join(&members[i], argv[1], argv[2]);
        members[i].due_ms = (int64_t)(3600000 * i / member_count); /* they start over an hour */
        heap[i] = i;
    }
    (void)printf("end ready\n");
    while (fflush(stdout) == 0 && fgets(order, sizeof order, stdin) != NULL) {
        if (strncmp(order, "play ", 5) == 0) {
            play(now_ms + strtoll(order + 5, NULL, 10) * 1000);
            (void)printf("end\n");
        } else if (strncmp(order, "refuse ", 7) == 0) {
            refuse((int)strtol(order + 7, NULL, 10));
            (void)printf("end\n");
        } else {
            require(strncmp(order, "send ", 5) == 0, "expected play, refuse or send");
            send_all(strtoul(order + 5, NULL, 10));
        }
    }
    for (size_t i = 0; i < member_count; i++) {
        pintle_checker_free(members[i].checker);
        pintle_client_free(members[i].client);
        for (size_t blob = 0; blob < BLOBS; blob++)
            pti_buf_clear(&members[i].blobs[blob].bytes);
    }
    free(heap);
    free(members);
    own.free(own.ctx);
    return 0;
}
