/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real servers on loopback for tests of the libcurl adapter: TLS_WORLD_HOST, which tls_world pins, and other hosts, each with
 * a count of its requests that is compared when nothing can arrive any more.
 */
#ifndef PTI_TESTS_CURL_WORLD_H
#define PTI_TESTS_CURL_WORLD_H

#include <pintle/curl.h>

#include "http_fixture.h"
#include "tls_world.h"

#define CURL_WORLD_OTHER "other.example.test"
#define CURL_WORLD_URL "https://" TLS_WORLD_HOST "/"
#define CURL_WORLD_OTHER_URL "https://" CURL_WORLD_OTHER "/"
/* Answered by a redirect to the URL that follows. */
#define CURL_WORLD_GO "https://" TLS_WORLD_HOST "/go?"

struct curl_world {
    struct tls_world *tls;
    SSL_CTX *other_tls;
    struct http_fixture server;                   /* TLS_WORLD_HOST */
    struct http_fixture other;                    /* CURL_WORLD_OTHER */
    struct http_fixture plain;                    /* any host, in the clear; an HTTP proxy too */
    struct http_fixture proxy;                    /* an HTTPS proxy, with the certificate of CURL_WORLD_OTHER */
    int requests, other_requests, plain_requests; /* that must have arrived in the end */
    char *ca;                                     /* PEM */
    struct curl_slist *hosts;
};

/* cmocka's setup and teardown, as tls_world_setup(). */
int curl_world_setup(void **state);
int curl_world_teardown(void **state);
#define CURL_WORLD_TEST(f, minor)                                                                                      \
    {                                                                                                                  \
#f " (TLS 1." #minor ")", f, curl_world_setup, curl_world_teardown, &tls_world_versions[minor]                 \
    }

/* A handle that reaches these servers and trusts the root; not attached.  The caller cleans it up. */
CURL *curl_world_handle(struct curl_world *world, const char *url);
/* The same, attached; end with curl_world_close(). */
CURL *curl_world_pinned(struct curl_world *world, const char *url);
void curl_world_close(CURL *easy);

/* One transfer over multi; NULL: curl_easy_perform(). */
CURLcode curl_world_get(CURL *easy, CURLM *multi);
/* ... which ended like that; the verdict is an acceptance if code is CURLE_OK, else a rejection. */
void curl_world_expect(CURL *easy, CURLM *multi, CURLcode code, enum pintle_reason reason);

/* From now on nothing that the servers have is pinned. */
void curl_world_withdraw(struct curl_world *world);
/* From now on TLS_WORLD_HOST is pinned to its leaf, and all others are as said. */
void curl_world_pin(struct curl_world *world, enum pintle_unlisted unlisted);

#endif
