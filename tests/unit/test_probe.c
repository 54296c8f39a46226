/* SPDX-License-Identifier: Apache-2.0 */
/* The probe against servers on loopback: one thread serves, the test looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/encode.h"
#include "probe/probe.h"
#include "tls_fixture.h"

#define HOST "api.example.test"

/* ---- endpoints ---- */

static void endpoints(void **state)
{
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        unsigned port;
    } cases[] = {
        {"api.example.com", "api.example.com", 443},
        {"API.Example.com.", "api.example.com", 443},
        {"api.example.com:8443", "api.example.com", 8443},
        {"api.example.com.:8443", "api.example.com", 8443},
        {"127.0.0.1", "127.0.0.1", 443},
        {"127.0.0.1:1", "127.0.0.1", 1},
        {"[::1]", "::1", 443},
        {"[::1]:65535", "::1", 65535},
        {"::1", "::1", 443},
        {"2001:DB8::1", "2001:db8::1", 443},
        {"", NULL, 0},
        {":443", NULL, 0},
        {"api.example.com:", NULL, 0},
        {"api.example.com:0", NULL, 0},
        {"api.example.com:65536", NULL, 0},
        {"api.example.com:443x", NULL, 0},
        {"api.example.com:+43", NULL, 0},
        {"api.example.com:000443", NULL, 0},
        {"https://api.example.com/", NULL, 0},
        {"api.example.com/path", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]443", NULL, 0},
        {"*.example.com", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_endpoint endpoint;
        struct pti_error error = {.status = PINTLE_OK};
        enum pintle_status status = pti_endpoint_parse(cases[i].text, 443, &endpoint, &error);

        if ((status == PINTLE_OK) != (cases[i].host != NULL)) {
            fail_msg("\"%s\": %s %s", cases[i].text, pintle_status_name(status), error.detail);
        }
        if (cases[i].host) {
            assert_string_equal(endpoint.host, cases[i].host);
            assert_int_equal(endpoint.port, cases[i].port);
        } else {
            assert_int_equal(status, PINTLE_ERR_INPUT);
            assert_true(error.detail[0] != '\0');
        }
    }
}

/* ---- a server ---- */

enum behaviour { SERVE_TLS, SERVE_TEXT, SERVE_NOTHING, SERVE_ENDLESS, SERVE_SECOND };

struct server {
    int listener;
    uint16_t port;
    SSL_CTX *ctx;
    enum behaviour behaviour;
    int served; /* connections before this one */
    pthread_t thread;
};

/* Handshake messages that a client skips: requests to begin anew, while it waits for the first answer. */
static void send_without_end(int fd)
{
    uint8_t records[9 * 100];

    for (size_t i = 0; i < sizeof records; i += 9) {
        static const uint8_t hello_request[9] = {22, 3, 3, 0, 4, 0, 0, 0, 0};

        memcpy(&records[i], hello_request, sizeof hello_request);
    }
    while (write(fd, records, sizeof records) > 0) { /* until the peer goes */
    }
}

static void serve(const struct server *server, int fd)
{
    SSL *ssl = NULL;
    char byte;

    if (server->behaviour == SERVE_TEXT) {
        (void)!write(fd, "220 mail.example.test ESMTP\r\n", 29);
    } else if (server->behaviour == SERVE_TLS || (server->behaviour == SERVE_SECOND && server->served > 0)) {
        ssl = SSL_new(server->ctx);
        SSL_set_fd(ssl, fd);
        (void)SSL_accept(ssl);
    } else if (server->behaviour == SERVE_ENDLESS) {
        send_without_end(fd);
    }
    while ((ssl || server->behaviour != SERVE_SECOND) && recv(fd, &byte, 1, 0) > 0) { /* until the peer goes */
    }
    SSL_free(ssl);
    close(fd);
}

static void *serve_all(void *ctx)
{
    struct server *server = ctx;

    for (;;) {
        int fd = accept(server->listener, NULL, NULL);

        if (fd < 0) {
            break; /* shut down */
        }
        serve(server, fd);
        server->served++;
    }
    ERR_clear_error();
    return NULL;
}

static struct server *server_start(SSL_CTX *ctx, enum behaviour behaviour)
{
    struct server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    assert_non_null(server);
    server->ctx = ctx;
    server->behaviour = behaviour;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_all, server), 0);
    return server;
}

static void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    SSL_CTX_free(server->ctx);
    free(server);
}

/* ---- certificates ---- */

struct world {
    struct tls_fixture_cert root, intermediate, leaf, expired, stray, rsa;
    char ca_file[64];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    EVP_PKEY *rsa_key = EVP_RSA_gen(2048);

    assert_non_null(world);
    world->root = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "root", .ca = true});
    world->intermediate = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "intermediate", .issuer = &world->root, .ca = true});
    world->leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = HOST, .san = "DNS:" HOST, .issuer = &world->intermediate});
    world->rsa = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = HOST, .san = "DNS:" HOST, .issuer = &world->intermediate, .key = rsa_key});
    world->expired = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = HOST, .san = "DNS:" HOST, .issuer = &world->intermediate, .from_s = -7200, .until_s = -3600});
    world->stray = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "stray"});
    EVP_PKEY_free(rsa_key);
    snprintf(world->ca_file, sizeof world->ca_file, "/tmp/pintle-test-probe-%ld.pem", (long)getpid());
    tls_fixture_write(world->ca_file, &world->root.x509, 1, NULL);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    unlink(world->ca_file);
    tls_fixture_cert_clear(&world->root);
    tls_fixture_cert_clear(&world->intermediate);
    tls_fixture_cert_clear(&world->leaf);
    tls_fixture_cert_clear(&world->expired);
    tls_fixture_cert_clear(&world->stray);
    tls_fixture_cert_clear(&world->rsa);
    free(world);
    return 0;
}

static enum pintle_status probe_as(const struct server *server, const char *host, const char *ca_file,
                                   enum pti_probe_key key, int64_t timeout_ms, struct pti_probe_result *result,
                                   struct pti_error *error)
{
    struct pti_probe_request request = {.ca_file = ca_file, .key = key, .timeout_ms = timeout_ms};
    struct pti_endpoint connect = {.host = "127.0.0.1", .port = server->port};

    assert_int_equal(pti_endpoint_parse(host, 443, &request.host, NULL), PINTLE_OK);
    request.connect = &connect;
    return pti_probe(&request, result, error);
}

static void assert_pins(const struct pti_probe_certificate *certificate, const X509 *x509)
{
    char want[TLS_FIXTURE_PIN_SIZE], found[TLS_FIXTURE_PIN_SIZE];

    tls_fixture_spki_pin(x509, want);
    pti_base64_encode(certificate->spki, PINTLE_SHA256_SIZE, found);
    assert_string_equal(found, want);
    tls_fixture_cert_pin(x509, want);
    pti_base64_encode(certificate->cert, PINTLE_SHA256_SIZE, found);
    assert_string_equal(found, want);
}

/* ---- what is seen ---- */

/* A pin counts in the verified chain: the anchor is in it though not sent, what was appended is not. */
static void verified_chain_first(void **state)
{
    const struct world *world = *state;
    X509 *others[] = {world->stray.x509, world->intermediate.x509};
    struct server *server = server_start(
        tls_fixture_server_new(&world->leaf, others, PTI_COUNT(others), TLS1_3_VERSION), SERVE_TLS);
    struct pti_probe_result *result = malloc(sizeof *result);
    struct pti_error error = {.status = PINTLE_OK};

    assert_int_equal(probe_as(server, HOST, world->ca_file, PTI_PROBE_KEY_ANY, 5000, result, &error), PINTLE_OK);
    assert_true(result->valid);
    assert_string_equal(result->validation, "ok");
    assert_string_equal(result->protocol, "TLSv1.3");
    assert_int_equal(result->count, 4);
    assert_pins(&result->certificates[0], world->leaf.x509);
    assert_pins(&result->certificates[1], world->intermediate.x509);
    assert_pins(&result->certificates[2], world->root.x509);
    assert_pins(&result->certificates[3], world->stray.x509);
    for (int i = 0; i < 4; i++) {
        static const int sent[] = {0, 2, -1, 1}, chain[] = {0, 1, 2, -1};

        assert_int_equal(result->certificates[i].sent_at, sent[i]);
        assert_int_equal(result->certificates[i].chain_at, chain[i]);
    }
    assert_string_equal(result->certificates[0].subject, "CN=" HOST);
    assert_string_equal(result->certificates[0].issuer, "CN=intermediate");
    assert_string_equal(result->certificates[0].key, "EC P-256");
    assert_in_range(result->certificates[0].not_after, time(NULL) + 86000, time(NULL) + 86800);
    server_stop(server);
    free(result);
}

/* Nothing is refused: what is wrong is said beside what was seen. */
static void invalid_chains_are_shown(void **state)
{
    const struct world *world = *state;
    const struct {
        const char *host;
        const struct tls_fixture_cert *leaf;
        const char *ca_file;
        const char *validation;
    } cases[] = {
        {HOST, &world->expired, world->ca_file, "certificate has expired"},
        {"other.example.test", &world->leaf, world->ca_file, "hostname mismatch"},
        {"127.0.0.1", &world->leaf, world->ca_file, "IP address mismatch"},
        {HOST, &world->leaf, NULL, "unable to get"},
        {HOST, &world->stray, world->ca_file, "self-signed certificate"},
    };

    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        X509 *others[] = {world->intermediate.x509};
        struct server *server = server_start(tls_fixture_server_new(cases[i].leaf, others, 1, TLS1_2_VERSION),
                                             SERVE_TLS);
        struct pti_probe_result *result = malloc(sizeof *result);
        struct pti_error error = {.status = PINTLE_OK};

        assert_int_equal(probe_as(server, cases[i].host, cases[i].ca_file, PTI_PROBE_KEY_ANY, 5000, result, &error),
                         PINTLE_OK);
        assert_false(result->valid);
        if (!strstr(result->validation, cases[i].validation)) {
            fail_msg("\"%s\" is not in \"%s\"", cases[i].validation, result->validation);
        }
        assert_int_equal(result->count, 2);
        assert_pins(&result->certificates[0], cases[i].leaf->x509);
        assert_int_equal(result->certificates[0].chain_at, -1);
        server_stop(server);
        free(result);
    }
}

/* A server with two certificates shows either, as asked. */
static void both_kinds_of_keys(void **state)
{
    const struct world *world = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < PTI_COUNT(versions); i++) {
        X509 *others[] = {world->intermediate.x509};
        SSL_CTX *ctx = tls_fixture_server_new(&world->leaf, others, 1, versions[i]);
        struct pti_probe_result *result = malloc(sizeof *result);
        struct pti_error error = {.status = PINTLE_OK};
        struct server *server = NULL;

        assert_int_equal(SSL_CTX_use_certificate(ctx, world->rsa.x509), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, world->rsa.key), 1);
        server = server_start(ctx, SERVE_TLS);
        assert_int_equal(probe_as(server, HOST, world->ca_file, PTI_PROBE_KEY_RSA, 5000, result, &error), PINTLE_OK);
        assert_string_equal(result->certificates[0].key, "RSA 2048");
        assert_int_equal(probe_as(server, HOST, world->ca_file, PTI_PROBE_KEY_ECDSA, 5000, result, &error), PINTLE_OK);
        assert_string_equal(result->certificates[0].key, "EC P-256");
        server_stop(server);
        free(result);
    }
}

/* "It has no such certificate" is said only of a server that shows another one. */
static void outcomes(void **state)
{
    const struct world *world = *state;
    const struct {
        enum behaviour behaviour;
        const struct tls_fixture_cert *leaf;
        enum pti_probe_key key;
        enum pti_probe_outcome want;
        const char *why;
    } cases[] = {
        {SERVE_TLS, &world->leaf, PTI_PROBE_KEY_ECDSA, PTI_PROBE_SERVED, NULL},
        {SERVE_TLS, &world->leaf, PTI_PROBE_KEY_RSA, PTI_PROBE_NOT_SERVED,
         "no RSA certificate, only one for a key of kind EC"},
        {SERVE_TLS, &world->rsa, PTI_PROBE_KEY_RSA, PTI_PROBE_SERVED, NULL},
        {SERVE_TLS, &world->rsa, PTI_PROBE_KEY_ECDSA, PTI_PROBE_NOT_SERVED,
         "no ECDSA certificate, only one for a key of kind RSA"},
        {SERVE_SECOND, &world->leaf, PTI_PROBE_KEY_ECDSA, PTI_PROBE_FAILED, "the TLS handshake"},
        {SERVE_TEXT, &world->leaf, PTI_PROBE_KEY_RSA, PTI_PROBE_FAILED, "does not speak TLS"},
    };

    for (size_t i = 0; i < 2 * PTI_COUNT(cases); i++) {
        X509 *others[] = {world->intermediate.x509};
        int version = i < PTI_COUNT(cases) ? TLS1_2_VERSION : TLS1_3_VERSION;
        size_t at = i % PTI_COUNT(cases);
        struct server *server = server_start(tls_fixture_server_new(cases[at].leaf, others, 1, version),
                                             cases[at].behaviour);
        struct pti_probe_result *result = malloc(sizeof *result);
        struct pti_probe_request request = {.ca_file = world->ca_file, .key = cases[at].key, .timeout_ms = 5000};
        struct pti_endpoint connect = {.host = "127.0.0.1", .port = server->port};
        struct pti_error error = {.detail = ""};
        enum pti_probe_outcome outcome;

        assert_int_equal(pti_endpoint_parse(HOST, 443, &request.host, NULL), PINTLE_OK);
        request.connect = &connect;
        outcome = pti_probe_edge(&request, result, &error);
        if (outcome != cases[at].want || (cases[at].why && !strstr(error.detail, cases[at].why)))
            fail_msg("%zu: %s: %s", i, pti_probe_outcome_name(outcome), error.detail);
        assert_int_equal(result->count > 0, outcome == PTI_PROBE_SERVED);
        server_stop(server);
        free(result);
    }
}

static struct pintle_pinset *pin_key(const struct pti_probe_certificate *certificate)
{
    char hash[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];
    const struct pintle_static_pin pin = {.host = HOST, .sha256 = hash, .of = PINTLE_OF_SPKI, .at = PINTLE_AT_LEAF};
    struct pintle_pinset *pinset = NULL;

    pti_base64_encode(certificate->spki, PINTLE_SHA256_SIZE, hash);
    assert_int_equal(pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0), PINTLE_OK);
    return pinset;
}

/* As clients decide: on the verified chain alone, and not at all without one. */
static void verdicts(void **state)
{
    const struct world *world = *state;
    X509 *others[] = {world->stray.x509, world->intermediate.x509};
    struct server *server = server_start(
        tls_fixture_server_new(&world->leaf, others, PTI_COUNT(others), TLS1_3_VERSION), SERVE_TLS);
    struct pti_probe_result *result = malloc(sizeof *result);
    struct pti_error error = {.status = PINTLE_OK};
    struct pintle_pinset *good, *bad;
    struct pintle_verdict verdict;

    assert_int_equal(probe_as(server, HOST, world->ca_file, PTI_PROBE_KEY_ECDSA, 5000, result, &error), PINTLE_OK);
    good = pin_key(&result->certificates[0]);
    bad = pin_key(&result->certificates[3]); /* sent, but no part of the verified chain */
    pti_probe_judge(result, good, HOST, 0, &verdict);
    assert_int_equal(verdict.reason, PINTLE_REASON_MATCHED);
    pti_probe_judge(result, bad, HOST, 0, &verdict);
    assert_int_equal(verdict.status, PINTLE_ERR_PIN_MISMATCH);
    pti_probe_judge(result, bad, "other.example.test", 0, &verdict);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNLISTED);
    assert_int_equal(probe_as(server, HOST, NULL, PTI_PROBE_KEY_ECDSA, 5000, result, &error), PINTLE_OK);
    pti_probe_judge(result, good, HOST, 0, &verdict);
    assert_int_equal(verdict.reason, PINTLE_REASON_VALIDATION_FAILED);
    pintle_pinset_free(good);
    pintle_pinset_free(bad);
    server_stop(server);
    free(result);
}

static void failures(void **state)
{
    const struct world *world = *state;
    static const struct {
        enum behaviour behaviour;
        int64_t timeout_ms;
        const char *want;
    } cases[] = {
        {SERVE_TEXT, 5000, "does not speak TLS"},
        {SERVE_NOTHING, 200, "ran out of time"},
        {SERVE_ENDLESS, 60000, "the peer sent 262144 bytes"},
    };
    struct pti_probe_result *result = malloc(sizeof *result);
    struct pti_error error = {.status = PINTLE_OK};

    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct server *server = server_start(NULL, cases[i].behaviour);

        assert_int_equal(probe_as(server, HOST, world->ca_file, PTI_PROBE_KEY_ANY, cases[i].timeout_ms, result, &error),
                         PINTLE_ERR_NETWORK);
        if (!strstr(error.detail, cases[i].want)) {
            fail_msg("\"%s\" is not in \"%s\"", cases[i].want, error.detail);
        }
        if (i == 0) {
            assert_int_equal(probe_as(server, HOST, "/nowhere.pem", PTI_PROBE_KEY_ANY, 5000, result, &error),
                             PINTLE_ERR_INPUT);
        }
        server_stop(server);
    }
    /* A port that was free a moment ago. */
    {
        struct server *server = server_start(NULL, SERVE_NOTHING);
        struct server gone = *server;

        server_stop(server);
        assert_int_equal(probe_as(&gone, HOST, world->ca_file, PTI_PROBE_KEY_ANY, 5000, result, &error),
                         PINTLE_ERR_NETWORK);
        assert_non_null(strstr(error.detail, "refused"));
    }
    free(result);
}

/* ---- advice ---- */

static void append(void *ctx, const char *text)
{
    strcat(ctx, text);
    strcat(ctx, "\n");
}

static void advice(void **state)
{
    static const struct {
        const char *issuer;
        bool valid;
        int64_t days_left;
        int stray;
        const char *want, *not_want;
    } cases[] = {
        {"CN=R11,O=Let's Encrypt,C=US", true, 60, 0, "never pin an intermediate of Let's Encrypt", "expires in"},
        {"CN=Some CA", true, 60, 0, "pin issuers only where the CA promises", "Let's Encrypt"},
        {"CN=Some CA", true, 20, 0, "expires in 20 days", "has expired"},
        {"CN=Some CA", true, -1, 0, "the leaf certificate has expired", "expires in"},
        {"CN=Some CA", false, 60, 0, "ordinary validation fails here (untrusted)", "has expired"},
        {"CN=Some CA", true, 60, 1, "certificate 1 is sent but is no part of the verified chain", "has expired"},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_probe_result *result = calloc(1, sizeof *result);
        char text[8192] = "";

        assert_non_null(result);
        result->valid = cases[i].valid;
        result->count = 2;
        strcpy(result->validation, cases[i].valid ? "ok" : "untrusted");
        strcpy(result->certificates[0].issuer, cases[i].issuer);
        result->certificates[0].not_before = 0;
        result->certificates[0].not_after = 1000000000 + cases[i].days_left * 86400 + 10;
        result->certificates[1].sent_at = 1;
        result->certificates[1].chain_at = cases[i].stray ? -1 : 1;
        pti_probe_advise(result, NULL, HOST, 1000000000, append, text);
        if (!strstr(text, cases[i].want) || strstr(text, cases[i].not_want)) {
            fail_msg("%zu: %s", i, text);
        }
        /* Always: three keys, and commands that name the host. */
        assert_non_null(strstr(text, "live: "));
        assert_non_null(strstr(text, "next: "));
        assert_non_null(strstr(text, "backup: "));
        assert_non_null(strstr(text, "pintle pin add " HOST " --key"));
        free(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints),
        cmocka_unit_test(verified_chain_first),
        cmocka_unit_test(invalid_chains_are_shown),
        cmocka_unit_test(both_kinds_of_keys),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(failures),
        cmocka_unit_test(advice),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
