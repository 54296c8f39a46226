/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_wire URL ROOTS STORE ROUNDS: the real client over libcurl, and a store in the directory STORE.  Prints, a line each:
 * name, best and median microseconds, of the best those spent in verifications, how many there were, requests, bytes of
 * bodies after decompression, and the most bytes of heap in use at once beyond those before (all libraries count, what
 * OpenSSL and libcurl keep from an earlier round does not).
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <pintle/curl_transport.h>
#include <pintle/pintle.h>

#include "base/buf.h"
#include "counting_crypto.h"
#include "tests/bench/bench.h"

/* ---- the heap: glibc's own functions, counted ---- */

static atomic_size_t in_use, most;
static atomic_bool counting_off; /* it costs time: one round counts, the others are timed */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static void *counted(void *memory)
{
    if (atomic_load_explicit(&counting_off, memory_order_relaxed))
        return memory;
    size_t now = atomic_fetch_add(&in_use, malloc_usable_size(memory)) + malloc_usable_size(memory);
    size_t seen = atomic_load(&most);

    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
        ;
    return memory;
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    size_t before = atomic_load(&counting_off) ? 0 : malloc_usable_size(memory);
    void *grown = __libc_realloc(memory, size);

    if (grown == NULL && size > 0)
        return NULL;
    atomic_fetch_sub(&in_use, before);
    return counted(grown);
}

void free(void *memory)
{
    if (!atomic_load_explicit(&counting_off, memory_order_relaxed))
        atomic_fetch_sub(&in_use, malloc_usable_size(memory));
    __libc_free(memory);
}

/* ---- a transport that counts ---- */

struct counting_transport {
    struct pintle_transport real;
    const struct pintle_sink *sink;
    unsigned requests;
    size_t bytes;
};

static bool count_bytes(void *ctx, const uint8_t *data, size_t size)
{
    struct counting_transport *counting = ctx;

    counting->bytes += size;
    return counting->sink->write(counting->sink->ctx, data, size);
}

static enum pintle_status count_request(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                        struct pintle_response *response, char *detail, size_t detail_size)
{
    struct counting_transport *counting = ctx;
    struct pintle_sink counted_sink = {count_bytes, counting};

    counting->requests++;
    counting->sink = sink;
    return counting->real.perform(counting->real.ctx, request, &counted_sink, response, detail, detail_size);
}

/* ---- what is measured ---- */

struct bench {
    struct pintle_config *config;
    struct pintle_store store;
    struct counting_crypto crypto;
    struct counting_transport transport;
    unsigned rounds;
};

struct sample {
    double total_ns, verify_ns;
    unsigned verifications, requests;
    size_t bytes, heap;
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench_wire: %s\n", what);
    exit(1);
}

static void clear_store(struct bench *bench)
{
    char detail[256] = "";

    require(bench->store.remove(bench->store.ctx, "roots", detail, sizeof detail) == PINTLE_OK &&
                bench->store.remove(bench->store.ctx, "accepted", detail, sizeof detail) == PINTLE_OK,
            detail);
}

static int64_t begin(struct bench *bench)
{
    bench->crypto.verify_ns = bench->crypto.verifications = 0;
    bench->transport.requests = 0;
    bench->transport.bytes = 0;
    return bench_now_ns();
}

static struct sample end(const struct bench *bench, int64_t start, size_t heap_before)
{
    return (struct sample){(double)(bench_now_ns() - start), (double)bench->crypto.verify_ns,
                           bench->crypto.verifications,      bench->transport.requests,
                           bench->transport.bytes,           atomic_load(&most) - heap_before};
}

static struct pintle_client *start_client(struct bench *bench)
{
    struct pintle_client *client = NULL;

    require(pintle_client_new(bench->config, &client) == PINTLE_OK, pintle_config_error(bench->config));
    return client;
}

static void refresh(struct pintle_client *client)
{
    char detail[512] = "";

    if (pintle_client_refresh(client, 60000) == PINTLE_OK)
        return;
    (void)pintle_client_error(client, detail, sizeof detail);
    require(false, detail);
}

static int by_total(const void *a, const void *b)
{
    double left = ((const struct sample *)a)->total_ns, right = ((const struct sample *)b)->total_ns;

    return (left > right) - (left < right);
}

static void print(const char *name, struct sample *samples, unsigned count, size_t heap)
{
    qsort(samples, count, sizeof *samples, by_total);
    (void)printf("%s %.0f %.0f %.0f %u %u %zu %zu\n", name, samples[0].total_ns / 1000,
                 samples[count / 2].total_ns / 1000, samples[0].verify_ns / 1000, samples[0].verifications,
                 samples[0].requests, samples[0].bytes, heap);
}

/* A new client from start to pins; a poll that finds nothing new; a start from what is stored. */
static void run(struct bench *bench)
{
    struct sample *full = calloc(bench->rounds, sizeof *full), *nothing = calloc(bench->rounds, sizeof *nothing),
                  *stored = calloc(bench->rounds, sizeof *stored);

    require(full != NULL && nothing != NULL && stored != NULL, "out of memory");
    size_t heaps[3] = {0, 0, 0};
    /* The first round is not counted: what libraries do once is done.  The second counts the heap, the others are timed. */
    for (unsigned i = 0; i < bench->rounds + 2; i++) {
        unsigned kept = i > 1 ? i - 2 : 0;
        struct pintle_client *client;
        size_t heap;
        int64_t start;

        clear_store(bench);
        heap = atomic_load(&in_use);
        atomic_store(&most, heap);
        start = begin(bench);
        client = start_client(bench);
        refresh(client);
        full[kept] = end(bench, start, heap);
        atomic_store(&most, atomic_load(&in_use));
        start = begin(bench);
        refresh(client);
        nothing[kept] = end(bench, start, heap);
        pintle_client_free(client);
        heap = atomic_load(&in_use);
        atomic_store(&most, heap);
        start = begin(bench);
        client = start_client(bench);
        stored[kept] = end(bench, start, heap);
        pintle_client_free(client);
        if (i == 1) {
            heaps[0] = full->heap;
            heaps[1] = nothing->heap;
            heaps[2] = stored->heap;
            atomic_store(&counting_off, true);
        }
    }
    print("full", full, bench->rounds, heaps[0]);
    print("nothing", nothing, bench->rounds, heaps[1]);
    print("start", stored, bench->rounds, heaps[2]);
    free(full);
    free(nothing);
    free(stored);
}

int main(int argc, char **argv)
{
    struct bench bench;
    struct pintle_crypto *real = NULL;
    struct pintle_transport transport = {.size = sizeof transport, .ctx = &bench.transport, .perform = count_request};
    char detail[256] = "";

    if (argc != 5)
        return 2;
    memset(&bench, 0, sizeof bench);
    bench.rounds = (unsigned)atoi(argv[4]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    require(bench.rounds > 0 && pintle_crypto_openssl_new(&real) == PINTLE_OK, "no crypto");
    counting_crypto_init(&bench.crypto, real);
    require(pintle_store_posix_init(&bench.store, argv[3], detail, sizeof detail) == PINTLE_OK, detail);
    require(pintle_curl_transport_init(&bench.transport.real, NULL) == PINTLE_OK, "no transport");
    require(pintle_config_new(&bench.config) == PINTLE_OK, "no configuration");
    require(pintle_config_set_roots_file(bench.config, argv[2]) == PINTLE_OK &&
                pintle_config_add_url(bench.config, argv[1]) == PINTLE_OK &&
                pintle_config_set_transport(bench.config, &transport) == PINTLE_OK &&
                pintle_config_set_store(bench.config, &bench.store) == PINTLE_OK &&
                pintle_config_set_crypto(bench.config, &bench.crypto.base) == PINTLE_OK,
            pintle_config_error(bench.config));
    run(&bench);
    pintle_config_free(bench.config);
    bench.store.free(bench.store.ctx);
    bench.transport.real.free(bench.transport.real.ctx);
    pintle_crypto_free(real);
    return 0;
}
