/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transfer over libcurl, each over a connection of its own, to a server on loopback: with ordinary validation alone, with
 * libcurl's --pinnedpubkey beside it, and with Pintle.  All that the client's thread executes runs inside plain_end(),
 * pinnedpubkey_end() or pinned_end(), where callgrind counts it.
 *
 *   bench_pinnedpubkey COUNT   transfers of each, turn about: prints the quickest of each over the plain one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curl_world.h"
#include "tests/bench/bench.h"

typedef CURLcode transfer_fn(CURL *easy);
transfer_fn plain_end, pinnedpubkey_end, pinned_end;

/* External linkage, each with a body of its own, so that callgrind finds them by name. */
static volatile int marks[3];

CURLcode plain_end(CURL *easy)
{
    marks[0]++;
    return curl_easy_perform(easy);
}

CURLcode pinnedpubkey_end(CURL *easy)
{
    marks[1]++;
    return curl_easy_perform(easy);
}

CURLcode pinned_end(CURL *easy)
{
    marks[2]++;
    return curl_easy_perform(easy);
}

static transfer_fn *volatile ends[] = {plain_end, pinnedpubkey_end, pinned_end};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* Nanoseconds of the transfer. */
static int64_t transfer(struct curl_world *world, int way, transfer_fn *end)
{
    CURL *easy = way == 2 ? curl_world_pinned(world, CURL_WORLD_URL) : curl_world_handle(world, CURL_WORLD_URL);
    char hash[TLS_FIXTURE_PIN_SIZE], pin[sizeof hash + 8];
    int64_t start;

    if (way == 1) {
        tls_fixture_spki_pin(world->tls->leaf.x509, hash);
        (void)snprintf(pin, sizeof pin, "sha256//%s", hash);
        require(curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pin) == CURLE_OK, "no pinned key in this libcurl");
    }
    start = bench_now_ns();
    CURLcode code = end(easy);
    require(code == CURLE_OK, curl_easy_strerror(code));
    start = bench_now_ns() - start;
    if (way == 2)
        curl_world_close(easy);
    else
        curl_easy_cleanup(easy);
    return start;
}

int main(int argc, char **argv)
{
    int64_t best[] = {INT64_MAX, INT64_MAX, INT64_MAX};
    void *state = &tls_world_versions[3];
    long count;

    require(argc == 2, "usage: bench_pinnedpubkey COUNT");
    count = strtol(argv[1], NULL, 10);
    require(3 * (count + 1) <= HTTP_FIXTURE_CONNECTIONS_MAX, "the server takes no more connections");
    require(curl_world_setup(&state) == 0, "no servers");
    for (int way = 0; way < 3; way++) /* what is done once in a process is done here */
        (void)transfer(state, way, curl_easy_perform);
    for (long i = 0; i < 3 * count; i++) {
        int64_t spent = transfer(state, (int)(i % 3), ends[i % 3]);

        best[i % 3] = spent < best[i % 3] ? spent : best[i % 3];
    }
    (void)printf("%.4f\t%.4f\t%.0f us, %.0f us / %.0f us\n", (double)best[1] / (double)best[0],
                 (double)best[2] / (double)best[0], (double)best[1] / 1e3, (double)best[2] / 1e3,
                 (double)best[0] / 1e3);
    exit(0); /* with the servers */
}
