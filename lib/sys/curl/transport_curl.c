/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport over libcurl 7.87 or later.  One easy handle, on a multi handle of its own: connections stay open
 * between transfers, and curl_multi_wakeup() lets another thread end one at once, where curl_easy_perform() would notice
 * within a second.
 */
#include <pintle/curl_transport.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <pintle/version.h>

#include "sys/curl/encoding.h"
#include "sys/curl/gunzip.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define USER_AGENT "pintle/" TEXT(PINTLE_VERSION_MAJOR) "." TEXT(PINTLE_VERSION_MINOR) "." TEXT(PINTLE_VERSION_PATCH)

#define LOW_SPEED_SECONDS 10L
#define HEADERS_MAX ((size_t)65536) /* bytes, of all header lines: those of 1xx responses, of proxies, and trailers */
#define POLL_MS 1000                /* curl's own timers wake it earlier */
#define GZIP_FRAME_MAX 1024         /* what gzip may add to bytes that it cannot make fewer: header, name, trailer */
#define MANIFEST_HEADER_MAX 2048    /* with its name; clients stay far below */
#define REQUEST_SIZE_MIN offsetof(struct pintle_request, manifest)

struct curl_transport {
    CURL *easy;
    CURLM *multi;
    char *ca_file; /* NULL: libcurl's default */
    atomic_bool cancelled;
};

/* One perform(). */
struct transfer {
    const struct pintle_request *request;
    const struct pintle_sink *sink;
    CURL *easy;
    struct curl_slist *headers;
    size_t left;         /* what may still arrive of the body */
    size_t headers_left; /* of HEADERS_MAX */
    struct pti_encoding encoding;
    struct pti_gunzip *gunzip; /* once the first byte of a compressed body is here */
    bool refused;
    bool headers_refused;
    const char *undecodable; /* why a compressed body cannot be taken; NULL: it can */
    char error[CURL_ERROR_SIZE];
};

/* The caller knows the URL; reason is for its message. */
static enum pintle_status fail(char *detail, size_t size, const char *reason)
{
    if (detail != NULL && size > 0)
        snprintf(detail, size, "%s", reason);
    return PINTLE_ERR_NETWORK;
}

static bool is_post(const struct pintle_request *request)
{
    return strcmp(request->method, "POST") == 0;
}

static long status_of(CURL *easy)
{
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_success(long status)
{
    return status >= 200 && status < 300;
}

/*
 * The bounds of a compressed body: as many bytes may arrive as the plain body may have, and the frame; and as many may
 * come out.  The first is what a server may make us read, for hours at the minimum rate; the second is what a bomb meets.
 */
static size_t arrival_max(const struct pintle_request *request)
{
    return request->max_response <= SIZE_MAX - GZIP_FRAME_MAX ? request->max_response + GZIP_FRAME_MAX : SIZE_MAX;
}

static bool undo_gzip(struct transfer *transfer, const uint8_t *data, size_t size)
{
    if (transfer->gunzip == NULL)
        transfer->gunzip = pti_gunzip_new(transfer->sink, transfer->request->max_response);
    transfer->undecodable = transfer->gunzip != NULL ? pti_gunzip_write(transfer->gunzip, data, size)
                                                     : "gzip: out of memory";
    transfer->refused = transfer->undecodable == pti_gunzip_too_large;
    return transfer->undecodable == NULL;
}

static bool pour(struct transfer *transfer, const uint8_t *data, size_t size)
{
    switch (transfer->encoding.kind) {
    case PTI_ENCODING_NONE:
        transfer->refused = !transfer->sink->write(transfer->sink->ctx, data, size);
        return !transfer->refused;
    case PTI_ENCODING_GZIP:
        return undo_gzip(transfer, data, size);
    case PTI_ENCODING_OTHER:
        break;
    }
    transfer->undecodable = "expected no Content-Encoding but gzip, and that once, where it was asked for";
    return false;
}

static size_t take_body(char *data, size_t one, size_t size, void *arg)
{
    struct transfer *transfer = arg;
    bool wanted = is_success(status_of(transfer->easy)); /* an error page is not: its status is what counts */

    (void)one; /* 1, always */
    if (transfer->encoding.kind == PTI_ENCODING_NONE && transfer->left > transfer->request->max_response)
        transfer->left = transfer->request->max_response;
    if (size > transfer->left) {
        transfer->refused = wanted;
        return CURL_WRITEFUNC_ERROR;
    }
    transfer->left -= size;
    return !wanted || pour(transfer, (const uint8_t *)data, size) ? size : CURL_WRITEFUNC_ERROR;
}

/* libcurl bounds a line, but keeps as many as arrive. */
static size_t take_header(char *data, size_t one, size_t size, void *arg)
{
    struct transfer *transfer = arg;

    (void)one; /* 1, always */
    pti_encoding_read(&transfer->encoding, data, size);
    if (size > transfer->headers_left) {
        transfer->headers_refused = true;
        return CURL_WRITEFUNC_ERROR;
    }
    transfer->headers_left -= size;
    return size;
}

/* What every transfer has, whatever the request: nothing of the user's, nothing that leads elsewhere. */
static CURLcode set_rules(CURL *easy, const char *ca_file)
{
    CURLcode code = CURLE_OK;

#define SET(option, value) code = code == CURLE_OK ? curl_easy_setopt(easy, option, value) : code
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_NONE);
    SET(CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_NONE);
    SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NONE);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_NOSIGNAL, 1L); /* signals belong to the application */
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_USERAGENT, USER_AGENT);
    if (ca_file != NULL) {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL); /* else the system's directory would stay trusted beside it */
    }
    return code;
}

static CURLcode set_request(struct transfer *transfer)
{
    const struct pintle_request *request = transfer->request;
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    /* CURLOPT_ACCEPT_ENCODING stays unset: libcurl would undo whatever it can, and tell nothing cut short. */
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_TIMEOUT_MS, request->timeout_ms < INT32_MAX ? (long)request->timeout_ms : (long)INT32_MAX);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)request->min_bytes_per_second);
    SET(CURLOPT_LOW_SPEED_TIME, request->min_bytes_per_second > 0 ? LOW_SPEED_SECONDS : 0L);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)transfer->left); /* 0 is no limit to curl, but is to take_body() */
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    if (is_post(request)) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        SET(CURLOPT_POSTFIELDS, request->body.size > 0 ? (const char *)request->body.data : "");
    }
    SET(CURLOPT_HTTPHEADER, transfer->headers);
#undef SET
    return code;
}

static bool add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *headers = curl_slist_append(transfer->headers, header);

    if (headers == NULL)
        return false;
    transfer->headers = headers;
    return true;
}

/* curl names a type of its own where none is given, and waits for "100 Continue" with larger bodies. */
static bool make_post_headers(struct transfer *transfer)
{
    const char *type = transfer->request->content_type;
    char header[256];
    int length = snprintf(header, sizeof(header), "Content-Type:%s%s", type != NULL ? " " : "",
                          type != NULL ? type : "");

    return length > 0 && (size_t)length < sizeof(header) && add_header(transfer, header) &&
           add_header(transfer, "Expect:");
}

/* What a caller compiled before the field existed does not have. */
static const char *manifest_of(const struct pintle_request *request)
{
    return request->size >= sizeof(*request) ? request->manifest : NULL;
}

static bool make_manifest_header(struct transfer *transfer)
{
    const char *value = manifest_of(transfer->request);
    char header[MANIFEST_HEADER_MAX];
    int length;

    if (value == NULL || value[0] == '\0')
        return true;
    length = snprintf(header, sizeof(header), "Pintle-Manifest: %s", value);
    return length < 0 || (size_t)length >= sizeof(header) || add_header(transfer, header); /* none rather than half */
}

static bool make_headers(struct transfer *transfer)
{
    return (is_post(transfer->request) ? make_post_headers(transfer) : add_header(transfer, "Accept-Encoding: gzip")) &&
           make_manifest_header(transfer);
}

/* libcurl compares the announced length with what may arrive, which is a little more than what may come out. */
static bool announces_too_much(const struct transfer *transfer)
{
    curl_off_t length = -1;

    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return transfer->encoding.kind == PTI_ENCODING_NONE && is_success(status_of(transfer->easy)) && length > 0 &&
           (uint64_t)length > transfer->request->max_response;
}

/*
 * Until the transfer is over; CURLE_ABORTED_BY_CALLBACK if it was cancelled, CURLE_FILESIZE_EXCEEDED if it need not go
 * on.
 */
static CURLcode drive(struct curl_transport *transport, const struct transfer *transfer)
{
    CURLcode code = CURLE_FAILED_INIT;
    bool hopeless = false;
    CURLMsg *message;
    int running = 1, left;

    if (curl_multi_add_handle(transport->multi, transport->easy) != CURLM_OK)
        return CURLE_FAILED_INIT;
    while (running > 0 && !hopeless && !atomic_load(&transport->cancelled)) {
        if (curl_multi_perform(transport->multi, &running) != CURLM_OK)
            break;
        hopeless = announces_too_much(transfer);
        if (running > 0 && !hopeless && curl_multi_poll(transport->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
            break;
    }
    if (running > 0 && atomic_load(&transport->cancelled))
        code = CURLE_ABORTED_BY_CALLBACK;
    else if (running > 0 && hopeless)
        code = CURLE_FILESIZE_EXCEEDED;
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            code = message->data.result;
    }
    curl_multi_remove_handle(transport->multi, transport->easy);
    return code;
}

static enum pintle_status conclude(const struct transfer *transfer, CURLcode code, struct pintle_response *response,
                                   char *detail, size_t detail_size)
{
    long status = status_of(transfer->easy);
    curl_off_t retry_after = 0;
    char reason[128];

    if (transfer->headers_refused) {
        snprintf(reason, sizeof(reason), "the response's headers are larger than %zu bytes", HEADERS_MAX);
        return fail(detail, detail_size, reason);
    }
    /* An error page that was cut off. */
    if ((code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED) && status > 0 && !is_success(status))
        code = CURLE_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fail(detail, detail_size, "cancelled");
    if (code == CURLE_FILESIZE_EXCEEDED || transfer->refused) {
        snprintf(reason, sizeof(reason), "the response is larger than its reader takes (at most %zu bytes)",
                 transfer->request->max_response);
        return fail(detail, detail_size, reason);
    }
    if (transfer->undecodable != NULL)
        return fail(detail, detail_size, transfer->undecodable);
    if (code != CURLE_OK)
        return fail(detail, detail_size, transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
    response->status = (int)status;
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
    response->retry_after_s = retry_after > 0 ? (int64_t)retry_after : -1;
    return PINTLE_OK;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct curl_transport *transport = ctx;
    struct transfer transfer = {.request = request,
                                .sink = sink,
                                .easy = transport->easy,
                                .left = is_post(request) ? request->max_response : arrival_max(request),
                                .headers_left = HEADERS_MAX};
    enum pintle_status status;
    CURLcode code;

    response->status = 0;
    response->retry_after_s = -1;
    if (request->size < REQUEST_SIZE_MIN || request->timeout_ms <= 0 ||
        (!is_post(request) && strcmp(request->method, "GET") != 0)) {
        fail(detail, detail_size, "expected GET or POST and a timeout of more than 0 ms");
        return PINTLE_ERR_MISUSE;
    }
    transfer.encoding = (struct pti_encoding){PTI_ENCODING_NONE, !is_post(request), false};
    atomic_store(&transport->cancelled, false); /* what was cancelled was an earlier one */
    curl_easy_reset(transport->easy);           /* options only: open connections stay */
    code = make_headers(&transfer) ? set_rules(transport->easy, transport->ca_file) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        code = set_request(&transfer);
    if (code == CURLE_OK)
        code = drive(transport, &transfer);
    if (code == CURLE_OK && transfer.encoding.kind == PTI_ENCODING_GZIP && is_success(status_of(transfer.easy)))
        transfer.undecodable = pti_gunzip_end(transfer.gunzip);
    status = conclude(&transfer, code, response, detail, detail_size);
    curl_easy_reset(transport->easy); /* it must not keep pointers to what is about to go */
    curl_slist_free_all(transfer.headers);
    pti_gunzip_free(transfer.gunzip);
    return status;
}

static void cancel(void *ctx)
{
    struct curl_transport *transport = ctx;

    atomic_store(&transport->cancelled, true);
    curl_multi_wakeup(transport->multi);
}

static void free_transport(void *ctx)
{
    struct curl_transport *transport = ctx;

    if (transport == NULL)
        return;
    curl_easy_cleanup(transport->easy);
    if (transport->multi != NULL)
        curl_multi_cleanup(transport->multi);
    free(transport->ca_file);
    free(transport);
}

/* False for a file that is absent, a directory, or empty: better said now than by each transfer. */
static bool can_be_read(const char *path)
{
    FILE *file = fopen(path, "r");
    bool readable = file != NULL && fgetc(file) != EOF;

    if (file != NULL)
        fclose(file);
    return readable;
}

enum pintle_status pintle_curl_transport_init(struct pintle_transport *transport, const char *ca_file)
{
    struct curl_transport *curl;
    size_t size;

    if (transport == NULL)
        return PINTLE_ERR_MISUSE;
    memset(transport, 0, sizeof(*transport));
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_SSL) == 0)
        return PINTLE_ERR_UNSUPPORTED;
    if (ca_file != NULL && !can_be_read(ca_file))
        return PINTLE_ERR_INPUT;
    curl = calloc(1, sizeof(*curl));
    if (curl == NULL)
        return PINTLE_ERR_MEMORY;
    atomic_init(&curl->cancelled, false);
    curl->easy = curl_easy_init();
    curl->multi = curl_multi_init();
    if (ca_file != NULL) {
        size = strlen(ca_file) + 1;
        curl->ca_file = malloc(size);
        if (curl->ca_file != NULL)
            memcpy(curl->ca_file, ca_file, size);
    }
    if (curl->easy == NULL || curl->multi == NULL || (ca_file != NULL && curl->ca_file == NULL)) {
        free_transport(curl);
        return PINTLE_ERR_MEMORY;
    }
    *transport = (struct pintle_transport){
        .size = sizeof(*transport), .ctx = curl, .perform = perform, .cancel = cancel, .free = free_transport};
    return PINTLE_OK;
}
