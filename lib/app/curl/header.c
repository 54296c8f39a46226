/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header Pintle-Manifest.  libcurl sends the application's headers wherever a redirect leads, so what this line says is
 * written anew before each request, in place: libcurl reads the list when it makes the request, right after it has asked us.
 */
#include <pintle/curl_client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/curl/handle.h"

#define NAME "Pintle-Manifest:"
#define NOTHING NAME   /* to libcurl: no such header */
#define VALUE_SIZE 256 /* always enough, says pintle_client_header() */
#define LINE_SIZE (sizeof(NAME " ") + VALUE_SIZE)

struct header {
    CURL *easy;
    struct pintle_client *client;
    struct curl_slist *list;
    char *line; /* LINE_SIZE bytes, in list */
};

static void write_line(void *ctx, const struct pintle_verdict *verdict, bool encrypted)
{
    const struct header *header = ctx;
    char value[VALUE_SIZE];
    size_t size;

    memcpy(header->line, NOTHING, sizeof(NOTHING));
    if (!encrypted || verdict->mode == PINTLE_MODE_NONE)
        return;
    size = pintle_client_header(header->client, verdict->host, value, sizeof(value));
    if (size > 0 && size < sizeof(value))
        snprintf(header->line, LINE_SIZE, NAME " %s", value);
}

static void free_header(void *ctx)
{
    struct header *header = ctx;

    curl_easy_setopt(header->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(header->list);
    free(header);
}

static bool append(struct header *header, const char *text)
{
    struct curl_slist *list = curl_slist_append(header->list, text);

    if (list != NULL)
        header->list = list;
    return list != NULL;
}

static bool fill(struct header *header, const struct curl_slist *headers)
{
    struct curl_slist *last;
    char line[LINE_SIZE];

    for (; headers != NULL; headers = headers->next)
        if (!append(header, headers->data))
            return false;
    memset(line, ' ', sizeof(line) - 1); /* as long as it can become */
    line[sizeof(line) - 1] = '\0';
    if (!append(header, line))
        return false;
    for (last = header->list; last->next != NULL;)
        last = last->next;
    header->line = last->data;
    memcpy(header->line, NOTHING, sizeof(NOTHING));
    return true;
}

/* Owned by the caller.  NULL without memory. */
static struct header *header_new(CURL *easy, struct pintle_client *client, const struct curl_slist *headers)
{
    struct header *header = calloc(1, sizeof(*header));

    if (header == NULL)
        return NULL;
    header->easy = easy;
    header->client = client;
    if (fill(header, headers) && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header->list) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) == CURLE_OK)
        return header;
    free_header(header);
    return NULL;
}

enum pintle_status pintle_curl_header(CURL *easy, struct pintle_client *client, const struct curl_slist *headers)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(easy);
    struct header *header;

    if (handle == NULL)
        return PINTLE_ERR_MISUSE;
    pti_curl_listen(handle, NULL);
    header = client != NULL ? header_new(easy, client, headers) : NULL;
    if (header != NULL)
        pti_curl_listen(handle, &(struct pti_curl_listener){write_line, free_header, header});
    else
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    pti_curl_handle_free(handle);
    return header != NULL || client == NULL ? PINTLE_OK : PINTLE_ERR_MEMORY;
}
