/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/https.h"

#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/x509v3.h>
#include <pintle/openssl.h>
#include <pthread.h>

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

/* One transfer, as libcurl's callbacks see it. */
struct transfer {
    const struct pti_https_get *get;
    long verified; /* what OpenSSL found out about the peer's certificate; X509_V_OK until it looked */
};

static int transfer_index = -1; /* of SSL_CTX ex_data */
static pthread_once_t transfer_once = PTHREAD_ONCE_INIT;

static void make_index(void)
{
    transfer_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/*
 * libcurl names the first error in OpenSSL's queue, which after a wrong signature is none of verification's; the result
 * of verification itself it does not pass on.
 */
static void on_info(const SSL *ssl, int where, int value)
{
    struct transfer *transfer = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), transfer_index);

    (void)where;
    (void)value;
    if (transfer) {
        transfer->verified = SSL_get_verify_result(ssl);
    }
}

/* libcurl made a context for this connection: pin it, and tell OpenSSL itself whose name to check. */
static CURLcode prepare_context(CURL *easy, void *context, void *data)
{
    struct transfer *transfer = data;
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    struct pti_host host;

    (void)easy;
    (void)pthread_once(&transfer_once, make_index);
    if (pti_host_parse(transfer->get->host.host, &host, NULL) != PINTLE_OK || transfer_index < 0 ||
        SSL_CTX_set_ex_data(context, transfer_index, transfer) != 1) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    SSL_CTX_set_info_callback(context, on_info); /* the adapter calls it on */
    if ((host.ip ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.name)
                 : X509_VERIFY_PARAM_set1_host(parameters, host.name, 0)) != 1) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    if (transfer->get->checker && pintle_openssl_attach(context, transfer->get->checker) != PINTLE_OK) {
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

static void set_options(CURL *easy, struct transfer *transfer, struct curl_slist *connect, struct curl_slist *headers,
                        char *detail)
{
    const struct pti_https_get *get = transfer->get;

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
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
}

static enum pintle_status judge(CURL *easy, CURLcode code, const char *detail, long verified,
                                struct pti_https_answer *answer, struct pti_error *error)
{
    double seconds = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
    (void)curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &seconds);
    answer->elapsed_ms = (long)(seconds * 1000);
    if (code == CURLE_OK) {
        return PINTLE_OK;
    }
    answer->invalid = code == CURLE_PEER_FAILED_VERIFICATION || verified != X509_V_OK;
    if (verified != X509_V_OK) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s", X509_verify_cert_error_string(verified));
    }
    if (code == CURLE_WRITE_ERROR) {
        return pti_fail(error, PINTLE_ERR_STORAGE, "the body could not be written; see where the output goes");
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected PEM certificates in the --ca file: %s", detail);
    }
    return pti_fail(error, PINTLE_ERR_NETWORK, code == CURLE_SSL_CONNECT_ERROR ? "the TLS handshake failed: %s" : "%s",
                    *detail ? detail : curl_easy_strerror(code));
}

enum pintle_status pti_https_get(const struct pti_https_get *get, struct pti_https_answer *answer,
                                 struct pti_error *error)
{
    CURL *easy = curl_easy_init();
    struct transfer transfer = {get, X509_V_OK};
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
    set_options(easy, &transfer, connect, headers, detail);
    code = curl_easy_perform(easy);
    status = judge(easy, code, detail, transfer.verified, answer, error);
done:
    curl_easy_cleanup(easy);
    curl_slist_free_all(connect);
    curl_slist_free_all(headers);
    return status;
}
