/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pin check, from the DER of a verified chain to the verdict, over its floor: with a fixed pinset, and with the pinset
 * of a running client, which may be replaced at any moment.
 *
 * The chain: a P-256 leaf and its P-256 root.  The pinset: 100 hosts with three leaf pins each.  The floor, written here
 * apart from the library: a walk to each SubjectPublicKeyInfo and its SHA-256 by the same provider's primitive, and
 * nothing else: no evidence, no look-up, no decision.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <pintle/pintle.h>

#include "base/encode.h"
#include "sim_repository.h"
#include "tests/bench/bench.h"

#define HOSTS 100
#define PINS 3
#define ROUNDS 20000
#define CALLS 50

struct certificate {
    uint8_t *der;
    size_t size;
    EVP_PKEY *key;
    X509 *x509;
};

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void set_name(X509_NAME *name, const char *text)
{
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0);
}

static struct certificate issue(const char *subject, const struct certificate *issuer)
{
    struct certificate made = {NULL, 0, EVP_EC_gen("P-256"), X509_new()};
    unsigned char *der = NULL;
    int size;

    if (made.key == NULL || made.x509 == NULL)
        die("no key");
    (void)X509_set_version(made.x509, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(made.x509), 4711);
    (void)X509_gmtime_adj(X509_getm_notBefore(made.x509), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(made.x509), 86400 * 90);
    (void)X509_set_pubkey(made.x509, made.key);
    set_name(X509_get_subject_name(made.x509), subject);
    (void)X509_set_issuer_name(made.x509, X509_get_subject_name(issuer != NULL ? issuer->x509 : made.x509));
    if (X509_sign(made.x509, issuer != NULL ? issuer->key : made.key, EVP_sha256()) <= 0)
        die("no signature");
    size = i2d_X509(made.x509, &der);
    if (size <= 0)
        die("no certificate");
    made.der = der;
    made.size = (size_t)size;
    return made;
}

/* The floor's own walk: trusts its input, which was made a moment ago. */
static const uint8_t *skip(const uint8_t *at, const uint8_t **content)
{
    size_t size = at[1];
    const uint8_t *body = at + 2;

    if (size == 0x81) {
        size = at[2];
        body = at + 3;
    } else if (size == 0x82) {
        size = (size_t)at[2] << 8 | at[3];
        body = at + 4;
    }
    *content = body;
    return body + size;
}

static void floor_spki(const uint8_t *der, uint8_t digest[PINTLE_SHA256_SIZE])
{
    const uint8_t *at, *end;
    SHA256_CTX sha;

    (void)skip(der, &at);
    (void)skip(at, &at);
    for (int field = 0; field < 6; field++) { /* version, serial, algorithm, issuer, validity, subject */
        const uint8_t *content;
        at = skip(at, &content);
    }
    {
        const uint8_t *content;
        end = skip(at, &content);
    }
    (void)SHA256_Init(&sha);
    (void)SHA256_Update(&sha, at, (size_t)(end - at));
    (void)SHA256_Final(digest, &sha);
}

struct run {
    struct pintle_bytes chain[2];
    struct pintle_checker *checker;
    const char *host;
    enum pintle_status expected;
    unsigned wrong;
    volatile uint8_t sink;
};

static void run_floor(void *ctx)
{
    struct run *run = ctx;
    uint8_t digests[2][PINTLE_SHA256_SIZE];

    for (int i = 0; i < 2; i++)
        floor_spki(run->chain[i].data, digests[i]);
    run->sink = digests[0][0] ^ digests[1][0];
}

static void run_check(void *ctx)
{
    struct run *run = ctx;
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;

    (void)pintle_checker_evidence(run->checker, run->chain, 2, &evidence);
    if (pintle_checker_check(run->checker, run->host, &evidence, &verdict) != run->expected)
        run->wrong++;
}

static void measure(const char *what, struct run *run)
{
    struct bench_pair pair = bench_pair(run_floor, run_check, run, ROUNDS, CALLS);

    if (run->wrong > 0)
        die("a check gave the wrong verdict");
    (void)printf("%s\t%.2f\t%.0f ns / %.0f ns\n", what, pair.b_ns / pair.a_ns, pair.b_ns, pair.a_ns);
}

static struct pintle_pinset *make_pinset(const struct certificate *leaf)
{
    struct pintle_static_pin pins[HOSTS * PINS];
    static char hosts[HOSTS][32], hashes[HOSTS * PINS][PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];
    struct pintle_pinset *pinset;
    uint8_t digest[PINTLE_SHA256_SIZE];
    char detail[256];

    for (size_t i = 0; i < HOSTS * PINS; i++) {
        memset(digest, (int)(i % 251), sizeof digest);
        if (i % (HOSTS * PINS) == PINS - 1) /* host 0 has the leaf as its last pin; no other has it */
            floor_spki(leaf->der, digest);
        (void)snprintf(hosts[i / PINS], sizeof hosts[0], "host%zu.example.com", i / PINS);
        pti_base64_encode(digest, sizeof digest, hashes[i]);
        pins[i] = (struct pintle_static_pin){hosts[i / PINS], hashes[i], PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    }
    if (pintle_pinset_new_static(pins, HOSTS * PINS, PINTLE_UNLISTED_ACCEPT, &pinset, detail, sizeof detail) !=
        PINTLE_OK)
        die(detail);
    return pinset;
}

/* A client that holds the same hosts: host 0 has the leaf as its last pin. */
static struct pintle_client *make_client(struct sim *sim, const struct certificate *leaf, struct pintle_crypto *crypto)
{
    struct pintle_bytes roots = sim_roots(sim);
    struct pintle_config *config;
    struct pintle_client *client;
    char host[32];

    for (unsigned i = 0; i < HOSTS; i++) {
        (void)snprintf(host, sizeof host, "host%u.example.com", i);
        struct pti_charter_host *entry = sim_add_host(sim, host, "main");
        for (unsigned pin = 0; pin < PINS; pin++) {
            struct pti_pin added = sim_pin((uint8_t)(i + pin + 1));
            if (i == 0 && pin == PINS - 1)
                floor_spki(leaf->der, added.sha256);
            bool is_new;
            if (pti_pins_add(&entry->pins, &added, &is_new) != PINTLE_OK)
                die("no pin");
        }
    }
    sim_publish(sim);
    if (pintle_config_new(&config) != PINTLE_OK || pintle_config_set_roots_mem(config, roots) != PINTLE_OK ||
        pintle_config_add_url(config, SIM_URL) != PINTLE_OK ||
        pintle_config_set_transport(config, sim_transport(sim)) != PINTLE_OK ||
        pintle_config_set_store(config, sim_store(sim)) != PINTLE_OK ||
        pintle_config_set_clock(config, sim_clock(sim)) != PINTLE_OK ||
        pintle_config_set_crypto(config, crypto) != PINTLE_OK || pintle_client_new(config, &client) != PINTLE_OK ||
        pintle_client_refresh(client, 10000) != PINTLE_OK)
        die("no client");
    pintle_config_free(config);
    free((void *)(uintptr_t)roots.data);
    return client;
}

int main(void)
{
    struct certificate root = issue("Bench Root", NULL), leaf = issue("api.example.com", &root);
    struct run match = {{{leaf.der, leaf.size}, {root.der, root.size}}, NULL, "host0.example.com", PINTLE_OK, 0, 0};
    struct run miss = match, live = match;
    struct pintle_pinset *pinset = make_pinset(&leaf);
    struct sim *sim = sim_new();
    struct pintle_client *client;
    struct pintle_crypto *crypto;

    if (pintle_crypto_openssl_new(&crypto) != PINTLE_OK ||
        pintle_checker_new_static(pinset, crypto, &match.checker) != PINTLE_OK)
        die("no checker");
    miss.checker = match.checker;
    miss.host = "host50.example.com";
    miss.expected = PINTLE_ERR_PIN_MISMATCH;
    measure("pin check, match at leaf / floor", &match);
    measure("pin check, miss / floor", &miss);
    client = make_client(sim, &leaf, crypto);
    if (pintle_client_checker(client, &live.checker) != PINTLE_OK)
        die("no checker");
    measure("pin check of a running client, match / floor", &live);
    pintle_checker_free(live.checker);
    pintle_client_free(client);
    sim_free(sim);
    pintle_checker_free(match.checker);
    pintle_pinset_free(pinset);
    pintle_crypto_free(crypto);
    for (int i = 0; i < 2; i++) {
        struct certificate *certificate = i == 0 ? &root : &leaf;
        OPENSSL_free(certificate->der);
        EVP_PKEY_free(certificate->key);
        X509_free(certificate->x509);
    }
    return 0;
}
