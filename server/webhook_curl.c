/* SPDX-License-Identifier: Apache-2.0 */
/* How webhooks are told: over libcurl. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "server/webhook.h"

#define ANSWER_MAX 65536 /* bytes of an answer that are read; nothing in it matters */

struct pti_webhook_sender {
    CURL *curl; /* one for all: it keeps connections */
    struct curl_slist *headers;
    atomic_bool stopping;
    size_t answered;
    char reason[CURL_ERROR_SIZE];
};

static size_t take_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct pti_webhook_sender *sender = ctx;

    (void)data;
    sender->answered += size * count;
    return sender->answered <= ANSWER_MAX ? size * count : 0;
}

static int look_up(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct pti_webhook_sender *sender = ctx;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&sender->stopping);
}

static bool set_up(struct pti_webhook_sender *sender)
{
    CURL *curl = sender->curl;

    return curl && sender->headers && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sender->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "pintled") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PTI_WEBHOOK_TIMEOUT_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sender->reason) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender) == CURLE_OK;
}

enum pintle_status pti_webhook_sender_new(struct pti_webhook_sender **sender, struct pti_error *error)
{
    struct pti_webhook_sender *made = calloc(1, sizeof *made);

    *sender = NULL;
    if (!made || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(made);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for webhooks");
    }
    atomic_init(&made->stopping, false);
    made->curl = curl_easy_init();
    made->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!set_up(made)) {
        pti_webhook_sender_free(made);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for webhooks, or a libcurl without HTTPS");
    }
    *sender = made;
    return PINTLE_OK;
}

void pti_webhook_sender_free(struct pti_webhook_sender *sender)
{
    if (!sender)
        return;
    curl_easy_cleanup(sender->curl);
    curl_slist_free_all(sender->headers);
    curl_global_cleanup();
    free(sender);
}

void pti_webhook_sender_stop(struct pti_webhook_sender *sender)
{
    atomic_store(&sender->stopping, true);
}

/* libcurl's own words name hosts and ports at most; of the URL they would only repeat what it could not read. */
static enum pintle_status conclude(struct pti_webhook_sender *sender, CURLcode result, int64_t *retry_after_s,
                                   struct pti_error *error)
{
    curl_off_t retry_after = 0;
    long code = 0;

    if (result != CURLE_OK && result != CURLE_WRITE_ERROR)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s",
                        sender->reason[0] && result != CURLE_URL_MALFORMAT ? sender->reason
                                                                           : curl_easy_strerror(result));
    curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200 && code < 300)
        return PINTLE_OK;
    if (curl_easy_getinfo(sender->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
        *retry_after_s = retry_after;
    return pti_fail(error, PINTLE_ERR_NETWORK, "it answered HTTP %ld", code);
}

enum pintle_status pti_webhook_send(struct pti_webhook_sender *sender, const struct pti_webhook *webhook,
                                    struct pintle_bytes body, int64_t *retry_after_s, struct pti_error *error)
{
    CURL *curl = sender->curl;

    *retry_after_s = -1;
    sender->answered = 0;
    sender->reason[0] = '\0';
    if (curl_easy_setopt(curl, CURLOPT_URL, webhook->url) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.data) != CURLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    return conclude(sender, curl_easy_perform(curl), retry_after_s, error);
}
