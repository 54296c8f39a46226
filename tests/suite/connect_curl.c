/* SPDX-License-Identifier: Apache-2.0 */
/* libpintle-curl, over libcurl's easy and multi interfaces (CONNECT_MULTI: multi whatever is ordered). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>
#include <pintle/curl_client.h>

#include "connector.h"

#ifdef CONNECT_MULTI
#define NAME "curl_multi"
#define MULTI true
#else
#define NAME "curl"
#define MULTI false
#endif

#define HEAL_MS 10000

struct context {
    struct pintle_checker *checker;
    pthread_mutex_t lock; /* of the share; its own locks are what libcurl is given */
    pthread_mutex_t sessions;
    CURLSH *share; /* of the session that is kept; NULL: none so far */
};

/* One "connect". */
struct transfer {
    struct connect_result *result;
    CURL *easy;
    struct curl_slist *headers, *hosts;
    char error[CURL_ERROR_SIZE];
};

static const char *version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

static void lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
    struct context *context = arg;

    (void)easy, (void)access;
    if (data == CURL_LOCK_DATA_SSL_SESSION)
        (void)pthread_mutex_lock(&context->sessions);
}

static void unlock(CURL *easy, curl_lock_data data, void *arg)
{
    struct context *context = arg;

    (void)easy;
    if (data == CURL_LOCK_DATA_SSL_SESSION)
        (void)pthread_mutex_unlock(&context->sessions);
}

static void context_free(void *arg)
{
    struct context *context = arg;

    if (context->share != NULL)
        curl_share_cleanup(context->share);
    pintle_checker_free(context->checker);
    (void)pthread_mutex_destroy(&context->sessions);
    (void)pthread_mutex_destroy(&context->lock);
    free(context);
}

static void *context_new(struct pintle_checker *checker, const struct connect_order *order, char *detail, size_t size)
{
    struct context *context = calloc(1, sizeof *context);

    (void)order;
    if (context == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)snprintf(detail, size, "libcurl does not start");
        free(context);
        return NULL;
    }
    (void)pthread_mutex_init(&context->lock, NULL);
    (void)pthread_mutex_init(&context->sessions, NULL);
    context->checker = pintle_checker_ref(checker);
    return context;
}

/* Keeping begins with a share in which nothing is; offering goes on with what is there. */
static CURLSH *share_for(struct context *context, const struct connect_order *order)
{
    CURLSH *share;

    (void)pthread_mutex_lock(&context->lock);
    if (order->session == CONNECT_SESSION_KEEP && context->share != NULL) {
        curl_share_cleanup(context->share);
        context->share = NULL;
    }
    if (order->session != CONNECT_SESSION_NONE && context->share == NULL) {
        context->share = curl_share_init();
        curl_share_setopt(context->share, CURLSHOPT_LOCKFUNC, lock);
        curl_share_setopt(context->share, CURLSHOPT_UNLOCKFUNC, unlock);
        curl_share_setopt(context->share, CURLSHOPT_USERDATA, context);
        curl_share_setopt(context->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    }
    share = order->session != CONNECT_SESSION_NONE ? context->share : NULL;
    (void)pthread_mutex_unlock(&context->lock);
    return share;
}

/* What libcurl sends: headers that do not go to a proxy. */
static int see(CURL *easy, curl_infotype type, char *data, size_t size, void *arg)
{
    struct transfer *transfer = arg;

    (void)easy;
    if (type == CURLINFO_DATA_OUT || (type == CURLINFO_HEADER_OUT && (size < 8 || memcmp(data, "CONNECT ", 8) != 0)))
        transfer->result->sent += size;
    return 0;
}

static size_t read_header(char *data, size_t one, size_t size, void *arg)
{
    struct transfer *transfer = arg;
    struct curl_tlssessioninfo *info = NULL;

    (void)one, (void)data;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info->internals != NULL) {
        transfer->result->resumed = SSL_session_reused(info->internals) == 1;
        transfer->result->tls = SSL_version(info->internals) - TLS1_VERSION;
    }
    return size;
}

static size_t read_body(char *data, size_t one, size_t size, void *arg)
{
    (void)one, (void)data, (void)arg;
    return size;
}

static long versions(const struct connect_order *order)
{
    return (order->min == 2 ? CURL_SSLVERSION_TLSv1_2 : CURL_SSLVERSION_TLSv1_3) |
           (order->max == 2 ? CURL_SSLVERSION_MAX_TLSv1_2 : CURL_SSLVERSION_MAX_TLSv1_3);
}

static void set_options(struct transfer *transfer, const struct connect_order *order)
{
    CURL *easy = transfer->easy;
    char text[1024];

    (void)snprintf(text, sizeof text, "https://%s:%u%s", order->host, order->port, order->path);
    curl_easy_setopt(easy, CURLOPT_URL, text);
    (void)snprintf(text, sizeof text, "::%s:%u", order->address, order->port);
    transfer->hosts = curl_slist_append(NULL, text);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->hosts);
    (void)snprintf(text, sizeof text, "http://127.0.0.1:%u", order->proxy);
    curl_easy_setopt(easy, CURLOPT_PROXY, order->proxy != 0 ? text : "");
    transfer->headers = curl_slist_append(NULL, "Connection: close");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CAINFO, order->ca);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, versions(order));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, see);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, read_body);
    if (order->verify != CONNECT_VERIFY_ON)
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    if (order->verify == CONNECT_VERIFY_OFF)
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
}

/* One try over multi. */
static CURLcode drive(CURLM *multi, CURL *easy)
{
    CURLcode code = CURLE_FAILED_INIT;
    CURLMsg *message;
    int running = 1, left;

    if (curl_multi_add_handle(multi, easy) != CURLM_OK)
        return CURLE_FAILED_INIT;
    while (running > 0 && curl_multi_perform(multi, &running) == CURLM_OK)
        if (running > 0 && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            break;
    while ((message = curl_multi_info_read(multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            code = message->data.result;
    curl_multi_remove_handle(multi, easy);
    return code;
}

static CURLcode perform_multi(CURL *easy, struct pintle_client *client)
{
    CURLM *multi = curl_multi_init();
    CURLcode code;

    do
        code = drive(multi, easy);
    while (client != NULL && pintle_curl_again(easy, code, client, HEAL_MS));
    curl_multi_cleanup(multi);
    return code;
}

static CURLcode perform(CURL *easy, const struct connect_order *order, struct pintle_client *client)
{
    if (MULTI || order->nonblocking)
        return perform_multi(easy, client);
    return client != NULL ? pintle_curl_perform(easy, client, HEAL_MS) : curl_easy_perform(easy);
}

static void conclude(const struct transfer *transfer, CURLcode code)
{
    struct connect_result *result = transfer->result;
    curl_off_t shaken = 0;
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &shaken);
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    result->finished = shaken > 0;
    result->exchanged = code == CURLE_OK && status == 200;
    if (code != CURLE_OK)
        connector_say(result, transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
}

static const char *impossible(const struct connect_order *order)
{
    if (order->host[0] == '\0')
        return "libcurl takes the host from the URL: there is always one";
    if (!order->sni)
        return "libcurl sends SNI for every host that is a name";
    return order->early ? "this libcurl has no early data over OpenSSL" : NULL;
}

static void connect_healing(void *arg, struct pintle_client *client, const struct connect_order *order,
                            struct connect_result *result)
{
    struct context *context = arg;
    struct transfer transfer = {.result = result};

    result->cannot = impossible(order);
    if (result->cannot != NULL || (transfer.easy = curl_easy_init()) == NULL)
        return;
    if (pintle_curl_attach(transfer.easy, context->checker) == PINTLE_OK &&
        pintle_curl_set_host(transfer.easy, order->host) == PINTLE_OK) {
        set_options(&transfer, order);
        curl_easy_setopt(transfer.easy, CURLOPT_SHARE, share_for(context, order));
        curl_easy_setopt(transfer.easy, CURLOPT_SSL_SESSIONID_CACHE, order->session != CONNECT_SESSION_NONE ? 1L : 0L);
        conclude(&transfer, perform(transfer.easy, order, client));
    } else {
        connector_say(result, "attach or set_host refused");
    }
    (void)pintle_curl_verdict(transfer.easy, &result->verdict);
    pintle_curl_release(transfer.easy);
    curl_easy_cleanup(transfer.easy);
    curl_slist_free_all(transfer.headers);
    curl_slist_free_all(transfer.hosts);
}

static void connect_once(void *context, const struct connect_order *order, struct connect_result *result)
{
    connect_healing(context, NULL, order, result);
}

static enum pintle_status crypto_new(struct pintle_crypto **crypto)
{
    return pintle_crypto_openssl_new(crypto);
}

const struct connector connector = {
    .name = NAME,
    .version = version,
    .crypto_new = crypto_new,
    .context_new = context_new,
    .context_free = context_free,
    .connect = connect_once,
    .connect_healing = connect_healing,
};
