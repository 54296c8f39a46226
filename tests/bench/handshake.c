/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client handshakes with and without Pintle attached, full validation of a chain of 2 or 5 P-256 certificates, over TLS 1.3
 * (mbedTLS 2.28: 1.2).  All that the client's end executes runs inside plain_end() or pinned_end(), where callgrind counts
 * it; the server's end in the same process, always OpenSSL's or BoringSSL's own, is not measured.
 *
 *   bench_handshake LIBRARY CHAIN COUNT   handshakes of both, turn about: prints the ratio of the quickest of each
 *
 * The file is compiled once with OpenSSL, GnuTLS and mbedTLS, and once with BoringSSL, which cannot be in one program with them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/pintle.h>

#include "tests/bench/bench.h"
#include "tls_world.h"

#ifdef OPENSSL_IS_BORINGSSL
#define OWN_NAME "boringssl"
#else
#define OWN_NAME "openssl"
#include "gnutls_world.h"
#include "mbedtls_world.h"
#endif

#define CHAIN_MAX 5

struct scene {
    struct tls_world world; /* what the worlds of the other libraries need of it */
    struct tls_fixture_cert chain[CHAIN_MAX];
    SSL_CTX *plain; /* world.client is the pinned one */
#ifndef OPENSSL_IS_BORINGSSL
    struct mbedtls_world mbedtls; /* pinned */
    mbedtls_ssl_config mbedtls_plain;
#endif
};

/* One connection. */
struct shake {
    struct scene *scene;
    bool pinned;
    SSL *server;
    void *client; /* of the library */
};

struct library {
    const char *name;
    int version;
    void (*open)(struct shake *shake);
    bool (*host)(struct shake *shake);
    bool (*step)(struct shake *shake); /* true: the handshake is complete */
    void (*close)(struct shake *shake);
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* ---- OpenSSL, BoringSSL ---- */

static void own_open(struct shake *shake)
{
    struct tls_fixture_pair pair = tls_fixture_pair_new(
        shake->pinned ? shake->scene->world.client : shake->scene->plain, shake->scene->world.server, 0);

    shake->client = pair.client;
    shake->server = pair.server;
}

static bool own_host(struct shake *shake)
{
    if (shake->pinned)
        return tls_world_set_host(shake->client, TLS_WORLD_HOST) == PINTLE_OK;
    return SSL_set1_host(shake->client, TLS_WORLD_HOST) == 1 &&
           SSL_set_tlsext_host_name(shake->client, TLS_WORLD_HOST) == 1;
}

static bool own_step(struct shake *shake)
{
    return SSL_do_handshake(shake->client) == 1;
}

static void own_close(struct shake *shake)
{
    struct tls_fixture_pair pair = {shake->client, shake->server};

    tls_fixture_pair_clear(&pair);
}

#ifndef OPENSSL_IS_BORINGSSL

/* ---- GnuTLS ---- */

static void gnutls_open(struct shake *shake)
{
    struct gnutls_pair *pair = malloc(sizeof *pair);

    require(pair != NULL, "no memory");
    *pair = gnutls_world_unpinned(&shake->scene->world, 0);
    shake->client = pair;
    shake->server = pair->server;
}

static bool gnutls_host(struct shake *shake)
{
    struct gnutls_pair *pair = shake->client;

    if (shake->pinned)
        return pintle_gnutls_attach(pair->client, shake->scene->world.checker) == PINTLE_OK &&
               pintle_gnutls_set_host(pair->client, TLS_WORLD_HOST) == PINTLE_OK;
    gnutls_session_set_verify_cert(pair->client, TLS_WORLD_HOST, 0);
    return gnutls_server_name_set(pair->client, GNUTLS_NAME_DNS, TLS_WORLD_HOST, strlen(TLS_WORLD_HOST)) == 0;
}

static bool gnutls_step(struct shake *shake)
{
    return gnutls_handshake(((struct gnutls_pair *)shake->client)->client) == 0;
}

static void gnutls_close(struct shake *shake)
{
    gnutls_world_clear(shake->client);
    free(shake->client);
}

/* ---- mbedTLS ---- */

static void mbedtls_open(struct shake *shake)
{
    struct mbedtls_link *link = malloc(sizeof *link);

    require(link != NULL, "no memory");
    mbedtls_link_init(link, shake->pinned ? &shake->scene->mbedtls.conf : &shake->scene->mbedtls_plain,
                      &shake->scene->world, 0);
    shake->client = link;
    shake->server = link->server;
}

static bool mbedtls_host(struct shake *shake)
{
    struct mbedtls_link *link = shake->client;

    return shake->pinned ? pintle_mbedtls_set_host(&link->client, TLS_WORLD_HOST) == PINTLE_OK
                         : mbedtls_ssl_set_hostname(&link->client, TLS_WORLD_HOST) == 0;
}

static bool mbedtls_step(struct shake *shake)
{
    return mbedtls_ssl_handshake(&((struct mbedtls_link *)shake->client)->client) == 0;
}

static void mbedtls_close(struct shake *shake)
{
    mbedtls_link_clear(shake->client);
    free(shake->client);
}

static void mbedtls_prepare(struct scene *scene)
{
    scene->mbedtls.tls = &scene->world;
    mbedtls_x509_crt_init(&scene->mbedtls.roots);
    mbedtls_world_trust(&scene->mbedtls, scene->world.root.x509);
    mbedtls_world_configure(&scene->mbedtls, &scene->mbedtls.conf);
    mbedtls_world_configure(&scene->mbedtls, &scene->mbedtls_plain);
    require(pintle_mbedtls_attach(&scene->mbedtls.conf, scene->world.checker) == PINTLE_OK, "attach failed");
}

static void mbedtls_end(struct scene *scene)
{
    pintle_mbedtls_detach(&scene->mbedtls.conf);
    mbedtls_ssl_config_free(&scene->mbedtls.conf);
    mbedtls_ssl_config_free(&scene->mbedtls_plain);
    mbedtls_x509_crt_free(&scene->mbedtls.roots);
}

#endif

static const struct library libraries[] = {
    {OWN_NAME, TLS1_3_VERSION, own_open, own_host, own_step, own_close},
#ifndef OPENSSL_IS_BORINGSSL
    {"gnutls", TLS1_3_VERSION, gnutls_open, gnutls_host, gnutls_step, gnutls_close},
    {"mbedtls", TLS1_2_VERSION, mbedtls_open, mbedtls_host, mbedtls_step, mbedtls_close},
#endif
};

/* ---- the measure ---- */

static bool client_end(const struct library *library, struct shake *shake, bool begins)
{
    return begins ? library->host(shake) : library->step(shake);
}

typedef bool client_end_fn(const struct library *library, struct shake *shake, bool begins);
client_end_fn plain_end, pinned_end;

/* External linkage and calls that the compiler cannot see through, so that callgrind finds them by name. */
bool plain_end(const struct library *library, struct shake *shake, bool begins)
{
    return client_end(library, shake, begins);
}

bool pinned_end(const struct library *library, struct shake *shake, bool begins)
{
    return client_end(library, shake, begins) && shake->pinned;
}

/* The client's nanoseconds, at the end that is measured. */
static int64_t shake_hands(const struct library *library, struct scene *scene, bool pinned, client_end_fn *end)
{
    struct shake shake = {.scene = scene, .pinned = pinned};
    bool done = false;
    int64_t start, spent;

    library->open(&shake);
    start = bench_now_ns();
    require(end(library, &shake, true), "no host");
    spent = bench_now_ns() - start;
    for (int i = 0; i < 20 && !done; i++) {
        start = bench_now_ns();
        done = end(library, &shake, false);
        spent += bench_now_ns() - start;
        (void)SSL_do_handshake(shake.server);
    }
    require(done, "the handshake failed");
    library->close(&shake);
    return spent;
}

static void make_chain(struct scene *scene, int length)
{
    X509 *sent[CHAIN_MAX];

    for (int i = 0; i < length; i++) {
        char name[16];
        bool leaf = i == length - 1;

        (void)snprintf(name, sizeof name, "Bench %d", i);
        scene->chain[i] = tls_fixture_cert_new(
            &(struct tls_fixture_spec){.name = name,
                                       .ca = !leaf,
                                       .san = leaf ? "DNS:" TLS_WORLD_HOST : NULL,
                                       .issuer = i > 0 ? &scene->chain[i - 1] : NULL});
    }
    for (int i = 1; i < length - 1; i++) /* not the root; from the leaf's issuer up */
        sent[i - 1] = scene->chain[length - 1 - i].x509;
    scene->world.root = scene->chain[0];
    scene->world.server = tls_fixture_server_new(&scene->chain[length - 1], sent, (size_t)length - 2,
                                                 scene->world.version);
}

static void make_checker(struct scene *scene, const X509 *leaf)
{
    char pin[TLS_FIXTURE_PIN_SIZE], detail[256];
    struct pintle_static_pin pins[1] = {{TLS_WORLD_HOST, pin, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct pintle_pinset *pinset;

    tls_fixture_spki_pin(leaf, pin);
    require(tls_world_crypto_new(&scene->world.crypto) == PINTLE_OK, "no crypto");
    require(pintle_pinset_new_static(pins, 1, PINTLE_UNLISTED_REFUSE, &pinset, detail, sizeof detail) == PINTLE_OK,
            detail);
    require(pintle_checker_new_static(pinset, scene->world.crypto, &scene->world.checker) == PINTLE_OK, "no checker");
    pintle_pinset_free(pinset);
}

static void set_scene(struct scene *scene, int version, int length)
{
    X509 *anchor;

    memset(scene, 0, sizeof *scene);
    scene->world.version = version;
    make_chain(scene, length);
    make_checker(scene, scene->chain[length - 1].x509);
    anchor = X509_dup(scene->world.root.x509); /* parsed, as every trust store's certificates are */
    scene->plain = tls_fixture_client_new(anchor, version);
    scene->world.client = tls_fixture_client_new(anchor, version);
    X509_free(anchor);
    SSL_CTX_set_verify(scene->plain, SSL_VERIFY_PEER, NULL);
    require(tls_world_attach(scene->world.client, scene->world.checker) == PINTLE_OK, "attach failed");
#ifndef OPENSSL_IS_BORINGSSL
    mbedtls_prepare(scene);
#endif
}

static void end_scene(struct scene *scene)
{
#ifndef OPENSSL_IS_BORINGSSL
    mbedtls_end(scene);
#endif
    SSL_CTX_free(scene->plain);
    SSL_CTX_free(scene->world.client);
    SSL_CTX_free(scene->world.server);
    pintle_checker_free(scene->world.checker);
    pintle_crypto_free(scene->world.crypto);
    for (int i = 0; i < CHAIN_MAX; i++)
        tls_fixture_cert_clear(&scene->chain[i]);
}

static void print_time(const struct library *library, struct scene *scene, long count)
{
    static client_end_fn *volatile ends[] = {plain_end, pinned_end};
    int64_t best[2] = {INT64_MAX, INT64_MAX};

    for (long i = 0; i < 2 * count; i++) {
        int64_t spent = shake_hands(library, scene, i % 2, ends[i % 2]);

        best[i % 2] = spent < best[i % 2] ? spent : best[i % 2];
    }
    (void)printf("%.4f\t%.1f us / %.1f us\n", (double)best[1] / (double)best[0], (double)best[1] / 1e3,
                 (double)best[0] / 1e3);
}

int main(int argc, char **argv)
{
    const struct library *library = NULL;
    struct scene scene;
    int length;
    long count;

    require(argc == 4, "usage: bench_handshake LIBRARY CHAIN COUNT");
    length = (int)strtol(argv[2], NULL, 10);
    count = strtol(argv[3], NULL, 10);
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        if (strcmp(libraries[i].name, argv[1]) == 0)
            library = &libraries[i];
    require(library != NULL && length >= 2 && length <= CHAIN_MAX && count > 0, "no such library, chain or count");
    set_scene(&scene, library->version, length);
    for (int i = 0; i < 2; i++) /* what is done once in a process is done here */
        (void)shake_hands(library, &scene, i, client_end);
    print_time(library, &scene, count);
    end_scene(&scene);
    return 0;
}
