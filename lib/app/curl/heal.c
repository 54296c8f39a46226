/* SPDX-License-Identifier: Apache-2.0 */
/* Connect, on RETRY refresh and connect once more. */
#include <pintle/curl_client.h>

#include "tls/curl/handle.h"

/*
 * A pool may hold several connections that the pins no longer accept, and each try closes one without a byte to the network.
 * More than libcurl keeps for one host as a rule, and an end in any case.
 */
#define RECONNECTS_MAX 64

static bool shall_reconnect(struct pti_curl_handle *handle)
{
    return handle->outdated && handle->reconnects++ < RECONNECTS_MAX;
}

static bool shall_heal(struct pti_curl_handle *handle, struct pintle_client *client, int64_t deadline_ms)
{
    if (!handle->retry || handle->healed)
        return false;
    handle->healed = true;
    return pintle_client_heal(client, pti_curl_noted(handle).host, deadline_ms) == PINTLE_OK;
}

bool pintle_curl_again(CURL *easy, CURLcode result, struct pintle_client *client, int64_t deadline_ms)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(easy);
    struct pintle_verdict verdict;
    bool again;

    if (handle == NULL)
        return false;
    again = result != CURLE_OK && handle->requests == 0 &&
            (shall_reconnect(handle) || shall_heal(handle, client, deadline_ms));
    verdict = pti_curl_noted(handle);
    pti_curl_begin(handle);
    if (!again) {
        pti_curl_note(handle, &verdict);
        handle->healed = false;
        handle->reconnects = 0;
    }
    pti_curl_handle_free(handle);
    return again;
}

CURLcode pintle_curl_perform(CURL *easy, struct pintle_client *client, int64_t deadline_ms)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(easy);
    CURLcode code;

    if (handle == NULL || client == NULL || deadline_ms <= 0) {
        pti_curl_handle_free(handle);
        return CURLE_BAD_FUNCTION_ARGUMENT;
    }
    pti_curl_begin(handle);
    handle->healed = false;
    handle->reconnects = 0;
    pti_curl_handle_free(handle);
    do
        code = curl_easy_perform(easy);
    while (pintle_curl_again(easy, code, client, deadline_ms));
    return code;
}
