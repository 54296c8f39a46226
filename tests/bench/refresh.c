/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full refresh of a new client, and a start from a store, each over the sum of its signature verifications.
 *
 * The repository: 10 hosts, and 1000, in one zone with three pins each, P-256 keys, 3 keys and threshold 2 for root and targets.  It
 * stands in memory, so that the network costs nothing; the store is in memory too, so that fsync (a matter of the disk)
 * does not hide the work.  The sum is measured inside the same run: a provider that passes everything on to OpenSSL's and
 * times its verify calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/pintle.h>

#include "counting_crypto.h"
#include "sim_repository.h"
#include "tests/bench/bench.h"

#define ROUNDS 2000 /* of 10 hosts: short ones, so that some are undisturbed */

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static struct sim *make_repository(unsigned hosts)
{
    struct sim *sim = sim_new_with(PTI_KEY_ECDSA_P256, 3, 2);
    char host[32];

    for (unsigned i = 0; i < hosts; i++) {
        (void)snprintf(host, sizeof host, "host%u.example.com", i);
        sim_add_host(sim, host, "main");
        for (unsigned pin = 0; pin < 3; pin++)
            sim_add_pin(sim, host, (uint8_t)(pin + 1));
    }
    sim_publish(sim);
    return sim;
}

/* One measured piece of work: total time, and what of it was verification. */
struct sample {
    double total_ns, verify_ns;
    unsigned verifications;
};

static void keep_best(struct sample *best, struct sample sample)
{
    if (best->verifications == 0 || sample.total_ns < best->total_ns)
        *best = sample;
}

static void keep_least(struct sample *best, struct sample sample)
{
    if (best->total_ns == 0 || sample.total_ns < best->total_ns)
        *best = sample;
}

static struct pintle_client *start(struct pintle_config *config, struct counting_crypto *timing, struct sample *sample)
{
    struct pintle_client *client;
    int64_t begin = bench_now_ns();

    timing->verify_ns = 0;
    timing->verifications = 0;
    require(pintle_client_new(config, &client) == PINTLE_OK, pintle_config_error(config));
    *sample = (struct sample){(double)(bench_now_ns() - begin), (double)timing->verify_ns, timing->verifications};
    return client;
}

static void refresh(struct pintle_client *client, struct counting_crypto *timing, struct sample *sample)
{
    int64_t begin = bench_now_ns();

    timing->verify_ns = 0;
    timing->verifications = 0;
    require(pintle_client_refresh(client, 10000) == PINTLE_OK, "the refresh failed");
    *sample = (struct sample){(double)(bench_now_ns() - begin), (double)timing->verify_ns, timing->verifications};
}

static void print(const char *what, unsigned hosts, const struct sample *best)
{
    (void)printf("%s, %u hosts / its signature verifications\t%.2f\t%.0f us / %.0f us (%u signatures)\n", what, hosts,
                 best->total_ns / best->verify_ns, best->total_ns / 1000, best->verify_ns / 1000, best->verifications);
}

static void run(unsigned hosts, unsigned rounds)
{
    struct counting_crypto timing;
    struct pintle_crypto *real;
    struct sample full = {0, 0, 0}, restart = {0, 0, 0}, resigned = {0, 0, 0}, poll = {0, 0, 0}, sample;
    struct sim *sim = make_repository(hosts);
    struct pintle_bytes roots = sim_roots(sim);
    struct pintle_config *config;

    require(pintle_crypto_openssl_new(&real) == PINTLE_OK, "no crypto");
    counting_crypto_init(&timing, real);
    require(pintle_config_new(&config) == PINTLE_OK, "no configuration");
    require(pintle_config_set_roots_mem(config, roots) == PINTLE_OK &&
                pintle_config_add_url(config, SIM_URL) == PINTLE_OK &&
                pintle_config_set_transport(config, sim_transport(sim)) == PINTLE_OK &&
                pintle_config_set_store(config, sim_store(sim)) == PINTLE_OK &&
                pintle_config_set_clock(config, sim_clock(sim)) == PINTLE_OK &&
                pintle_config_set_crypto(config, &timing.base) == PINTLE_OK,
            "no configuration");
    for (unsigned i = 0; i < rounds; i++) {
        struct pintle_client *client;

        sim_store_clear(sim);
        client = start(config, &timing, &sample);
        refresh(client, &timing, &sample);
        keep_best(&full, sample);
        refresh(client, &timing, &sample);
        keep_least(&poll, sample);
        sim_publish_timestamp(sim);
        refresh(client, &timing, &sample);
        keep_best(&resigned, sample);
        pintle_client_free(client);
        client = start(config, &timing, &sample);
        keep_best(&restart, sample);
        pintle_client_free(client);
    }
    print("full refresh of a new client", hosts, &full);
    print("start from a store", hosts, &restart);
    print("poll that finds a new timestamp", hosts, &resigned);
    require(poll.verifications == 0, "a poll that finds nothing new verified something");
    (void)printf("poll that finds nothing new, %u hosts / one verification\t%.2f\t%.0f us / %.0f us (it makes none)\n",
                 hosts, poll.total_ns * resigned.verifications / resigned.verify_ns, poll.total_ns / 1000,
                 resigned.verify_ns / 1000 / resigned.verifications);
    pintle_config_free(config);
    pintle_crypto_free(real);
    free((void *)(uintptr_t)roots.data);
    sim_free(sim);
}

int main(void)
{
    run(10, ROUNDS);
    run(1000, ROUNDS / 40);
    return 0;
}
