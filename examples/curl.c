/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned request over libcurl, whose TLS library is OpenSSL. */
#include <stdio.h>

#include <pintle/curl.h>
#include <pintle/curl_client.h>

#include "example.h"

enum pintle_status example_crypto(struct pintle_crypto **crypto)
{
    return pintle_crypto_openssl_new(crypto);
}

/* The one call is pintle_curl_attach(); the header tells the server which pins this installation holds. */
static void get_page(const struct example *example, CURL *easy, struct pintle_verdict *verdict)
{
    if (pintle_curl_attach(easy, example->checker) != PINTLE_OK)
        return;
    if (pintle_curl_header(easy, example->client, NULL) == PINTLE_OK)
        (void)curl_easy_perform(easy); /* or pintle_curl_perform(), which heals by itself, as example.c does */
    (void)pintle_curl_verdict(easy, verdict);
    pintle_curl_release(easy);
}

void example_get(const struct example *example, struct pintle_verdict *verdict)
{
    char url[300], to[600];
    struct curl_slist *connect_to;
    CURL *easy = curl_easy_init();

    (void)snprintf(url, sizeof url, "https://%s/", example->host);
    (void)snprintf(to, sizeof to, "%s:443:%s:%s", example->host, example->address, example->port);
    connect_to = curl_slist_append(NULL, to);
    if (easy != NULL && connect_to != NULL && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CAINFO, example->ca) == CURLE_OK)
        get_page(example, easy, verdict);
    curl_easy_cleanup(easy);
    curl_slist_free_all(connect_to);
}
