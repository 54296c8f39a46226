/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/https.h"

#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/x509v3.h>
#include <pintle/openssl.h>

#include "pin/host.h"

enum pintle_status pti_https_endpoint(const char *url, struct pti_endpoint *host, struct pti_error *error)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *name = NULL, *port = NULL;
    char text[PINTLE_HOST_MAX + 16];
    enum pintle_status status = PINTLE_ERR_INPUT;

    if (!parts) {
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for a URL");
    }
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &name, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        strlen(name) + strlen(port) + 2 > sizeof text) {
        pti_fail(error, status, "expected a URL such as https://api.example.com/, found \"%.100s\"", url);
    } else if (strcasecmp(scheme, "https") != 0) {
        pti_fail(error, status, "expected an https URL, found %s: without TLS there is no key to pin", scheme);
    } else {
        snprintf(text, sizeof text, "%s:%s", name, port);
        status = pti_endpoint_parse(text, PTI_HTTPS_PORT, host, error);
    }
    curl_free(scheme);
    curl_free(name);
    curl_free(port);
    curl_url_cleanup(parts);
    return status;
}

/* libcurl made a context for this connection: pin it, and tell OpenSSL itself whose name to check. */
static CURLcode prepare_context(CURL *easy, void *context, void *data)
{
    const struct pti_https_get *get = data;
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    struct pti_host host;

    (void)easy;
    if (pti_host_parse(get->host.host, &host, NULL) != PINTLE_OK) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    if ((host.ip ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.name)
                 : X509_VERIFY_PARAM_set1_host(parameters, host.name, 0)) != 1) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    if (get->checker && pintle_openssl_attach(context, get->checker) != PINTLE_OK) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    return CURLE_OK;
}

static size_t write_body(char *data, size_t size, size_t count, void *ctx)
{
    return fwrite(data, size, count, ctx);
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    const struct pti_https_get *get = ctx;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return get->stop && get->stop() ? 1 : 0;
}

static bool can_be_pinned(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    return info->ssl_version && strncmp(info->ssl_version, "OpenSSL/", 8) == 0;
}

static struct curl_slist *redirected(const struct pti_https_get *get)
{
    char text[PINTLE_HOST_MAX + 32];

    snprintf(text, sizeof text, strchr(get->connect->host, ':') ? "::[%s]:%u" : "::%s:%u", get->connect->host,
             (unsigned)get->connect->port);
    return curl_slist_append(NULL, text);
}

static void set_options(CURL *easy, const struct pti_https_get *get, struct curl_slist *connect,
                        struct curl_slist *headers, char *detail)
{
    curl_easy_setopt(easy, CURLOPT_URL, get->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "pintle");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* a proxy's handshake would be judged as the host's */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)get->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, get->body);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, get);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect);
    if (get->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, get->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, get);
}

/* What to do about it, as far as that is known. */
static const char *advice(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST ? "; check the name, or say where to go with --connect ADDR:PORT"
           : code == CURLE_COULDNT_CONNECT    ? "; check the address and that it listens"
           : code == CURLE_SSL_CONNECT_ERROR  ? "; check the port and what listens there"
           : code == CURLE_OPERATION_TIMEDOUT ? "; check the port, or wait longer with --timeout"
                                              : "";
}

static enum pintle_status judge(CURL *easy, CURLcode code, const char *detail, struct pti_https_answer *answer,
                                struct pti_error *error)
{
    double seconds = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
    (void)curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &seconds);
    answer->elapsed_ms = (long)(seconds * 1000);
    if (code == CURLE_OK) {
        return PINTLE_OK;
    }
    answer->invalid = code == CURLE_PEER_FAILED_VERIFICATION;
    if (code == CURLE_WRITE_ERROR) {
        return pti_fail(error, PINTLE_ERR_STORAGE, "the body could not be written; see where the output goes");
    }
    return pti_fail(error, PINTLE_ERR_NETWORK,
                    code == CURLE_SSL_CONNECT_ERROR ? "the TLS handshake failed: %s%s" : "%s%s",
                    *detail ? detail : curl_easy_strerror(code), advice(code));
}

enum pintle_status pti_https_get(const struct pti_https_get *get, struct pti_https_answer *answer,
                                 struct pti_error *error)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *connect = NULL, *headers = NULL;
    char header[256], detail[CURL_ERROR_SIZE] = "";
    enum pintle_status status = PINTLE_ERR_MEMORY;
    CURLcode code = CURLE_OK;

    memset(answer, 0, sizeof *answer);
    if (!can_be_pinned()) {
        status = pti_fail(error, PINTLE_ERR_UNSUPPORTED,
                          "this libcurl does not use OpenSSL, so its connections cannot be pinned");
        goto done;
    }
    if (get->connect) {
        connect = redirected(get);
    }
    if (get->manifest && *get->manifest) {
        snprintf(header, sizeof header, "Pintle-Manifest: %s", get->manifest);
        headers = curl_slist_append(NULL, header);
    }
    if (!easy || (get->connect && !connect)) {
        pti_fail(error, status, "no memory for a connection");
        goto done;
    }
    set_options(easy, get, connect, headers, detail);
    code = curl_easy_perform(easy);
    status = judge(easy, code, detail, answer, error);
done:
    curl_easy_cleanup(easy);
    curl_slist_free_all(connect);
    curl_slist_free_all(headers);
    return status;
}
