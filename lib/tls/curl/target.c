/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's own parser reads the URL, so that it and the pins mean the same host. */
#include "tls/curl/target.h"

#include <string.h>
#include <strings.h>

#include <pintle/host.h>

/* libcurl 7.88; before, a name that is not ASCII is not judged, and so refused. */
#if LIBCURL_VERSION_NUM >= 0x075800
#define AS_LABELS CURLU_PUNYCODE
#else
#define AS_LABELS 0
#endif
#define VERSION_WITH_LABELS 0x075800

static enum pintle_status status_of(CURLUcode code)
{
    if (code == CURLUE_OK)
        return PINTLE_OK;
    return code == CURLUE_OUT_OF_MEMORY ? PINTLE_ERR_MEMORY : PINTLE_ERR_INPUT;
}

static bool is_scheme(const char *scheme, const char *a, const char *b)
{
    return strcasecmp(scheme, a) == 0 || strcasecmp(scheme, b) == 0;
}

static enum pintle_status read_scheme(struct pti_curl_target *target, CURLU *url)
{
    char *scheme = NULL;
    enum pintle_status status = status_of(curl_url_get(url, CURLUPART_SCHEME, &scheme, 0));

    if (status == PINTLE_OK) {
        target->plain = is_scheme(scheme, "http", "ws");
        target->encrypted = is_scheme(scheme, "https", "wss");
    }
    curl_free(scheme);
    return status;
}

/* The brackets of an IPv6 literal belong to the URL, not to the address. */
static char *without_brackets(char *host)
{
    size_t size = strlen(host);

    if (host[0] != '[' || host[size - 1] != ']')
        return host;
    host[size - 1] = '\0';
    return host + 1;
}

static enum pintle_status read_host(struct pti_curl_target *target, CURLU *url)
{
    bool labels = curl_version_info(CURLVERSION_NOW)->version_num >= VERSION_WITH_LABELS;
    char *host = NULL;
    enum pintle_status status = status_of(curl_url_get(url, CURLUPART_HOST, &host, labels ? AS_LABELS : 0));

    if (status == PINTLE_OK)
        status = pintle_host_normalise(without_brackets(host), target->host, &target->ip);
    curl_free(host);
    return status;
}

enum pintle_status pti_curl_target_init(struct pti_curl_target *target, CURL *easy)
{
    enum pintle_status status = PINTLE_ERR_INPUT;
    char *text = NULL;
    CURLU *url;

    memset(target, 0, sizeof(*target));
    if (curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &text) != CURLE_OK || text == NULL)
        return PINTLE_ERR_INPUT;
    url = curl_url();
    if (url == NULL)
        return PINTLE_ERR_MEMORY;
    status = status_of(curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME));
    if (status == PINTLE_OK)
        status = read_scheme(target, url);
    if (status == PINTLE_OK)
        status = read_host(target, url);
    curl_url_cleanup(url);
    return status;
}
