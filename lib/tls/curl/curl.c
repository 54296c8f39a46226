/* SPDX-License-Identifier: Apache-2.0 */
/* The three functions of every adapter, and what libcurl needs besides. */
#include <pintle/curl.h>

#include <dlfcn.h>
#include <string.h>

#include <openssl/crypto.h>
#include <pintle/host.h>

#include "tls/curl/handle.h"
#include "tls/curl/hooks.h"
#include "tls/verdict.h"

#define VERSION_MIN 0x075500 /* 7.85: CURLOPT_PROTOCOLS_STR; CURLOPT_PREREQFUNCTION is older */

typedef CURLcode (*setopt_fn)(CURL *easy, CURLoption option, ...);

/*
 * Two builds of libcurl may be in one process, over OpenSSL and over GnuTLS: handles of the one must not be given to the
 * other.  The one the program calls is the first that is found from its side.  True if there is none to be found: then all
 * is linked statically.
 */
static bool is_the_programs(void)
{
    void *program = dlopen(NULL, RTLD_LAZY), *found = program != NULL ? dlsym(program, "curl_easy_setopt") : NULL;
    setopt_fn theirs = NULL;

    memcpy(&theirs, &found,
           sizeof(found)); /* ISO C has no cast between the two kinds of pointer, POSIX has equal sizes */
    if (program != NULL)
        (void)dlclose(program);
    return theirs == NULL || theirs == curl_easy_setopt;
}

/* Does text begin with this name and this version, up to a blank or its end? */
static bool is_library(const char *text, const char *name, const char *version)
{
    size_t length = strlen(name), size = strlen(version);

    return strncmp(text, name, length) == 0 && strncmp(text + length, version, size) == 0 &&
           (text[length + size] == '\0' || text[length + size] == ' ');
}

/*
 * With several TLS libraries built in, those that are not in use stand in parentheses.  The same OpenSSL as ours, for its
 * objects are handed from one to the other.
 */
static bool uses_our_openssl(const char *versions)
{
    const char *ours = OpenSSL_version(OPENSSL_VERSION_STRING);

    while (versions != NULL && *versions == '(')
        versions = strchr(versions, ' ') != NULL ? strchr(versions, ' ') + 1 : NULL;
    return versions != NULL && (is_library(versions, "OpenSSL/", ours) || is_library(versions, "quictls/", ours));
}

static bool can_be_hooked(CURL *easy)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    struct curl_tlssessioninfo *info = NULL;

    return version->version_num >= VERSION_MIN && is_the_programs() &&
           curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != NULL &&
           info->backend == CURLSSLBACKEND_OPENSSL && uses_our_openssl(version->ssl_version);
}

/* Nothing but what is encrypted from the first byte; wss is not in every build. */
static const char *protocols(void)
{
    const char *const *name = curl_version_info(CURLVERSION_NOW)->protocols;

    while (*name != NULL && strcmp(*name, "wss") != 0)
        name++;
    return *name != NULL ? "https,wss" : "https";
}

static enum pintle_status status_of(CURLcode code)
{
    if (code == CURLE_OK)
        return PINTLE_OK;
    return code == CURLE_OUT_OF_MEMORY ? PINTLE_ERR_MEMORY : PINTLE_ERR_UNSUPPORTED;
}

enum pintle_status pintle_curl_attach(CURL *easy, struct pintle_checker *checker)
{
    CURLcode code = CURLE_OK;

    if (easy == NULL || checker == NULL)
        return PINTLE_ERR_MISUSE;
    if (!can_be_hooked(easy))
        return PINTLE_ERR_UNSUPPORTED;
    if (!pti_curl_context_init() || !pti_curl_handle_add(easy, checker))
        return PINTLE_ERR_MEMORY;
#define SET(option, value) code = code == CURLE_OK ? curl_easy_setopt(easy, option, value) : code
    SET(CURLOPT_SSL_CTX_FUNCTION, pti_curl_context);
    SET(CURLOPT_SSL_CTX_DATA, easy);
    SET(CURLOPT_PREREQFUNCTION, pti_curl_request);
    SET(CURLOPT_PREREQDATA, easy);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROTOCOLS_STR, protocols());
#undef SET
    if (code != CURLE_OK)
        pti_curl_handle_remove(easy);
    return status_of(code);
}

enum pintle_status pintle_curl_set_host(CURL *easy, const char *host)
{
    struct pti_curl_handle *handle;
    enum pintle_status status;
    bool ip;

    if (easy == NULL || host == NULL || (handle = pti_curl_handle_get(easy)) == NULL)
        return PINTLE_ERR_MISUSE;
    handle->limited = true;
    status = pintle_host_normalise(host, handle->limit, &ip);
    pti_curl_begin(handle);
    pti_curl_handle_free(handle);
    return status;
}

enum pintle_status pintle_curl_verdict(CURL *easy, struct pintle_verdict *verdict)
{
    struct pti_curl_handle *handle;

    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    handle = pti_curl_handle_get(easy);
    if (handle != NULL)
        *verdict = pti_curl_noted(handle);
    else
        pti_tls_reject(verdict, PINTLE_REASON_UNDECIDED, "");
    pti_curl_handle_free(handle);
    return verdict->status;
}

void pintle_curl_release(CURL *easy)
{
    pti_curl_handle_remove(easy);
}

enum pintle_status pintle_curl_set_ssl_ctx_function(CURL *easy, curl_ssl_ctx_callback function, void *data)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(easy);

    if (handle == NULL)
        return PINTLE_ERR_MISUSE;
    handle->ssl_ctx_function = function;
    handle->ssl_ctx_data = data;
    pti_curl_handle_free(handle);
    return PINTLE_OK;
}

enum pintle_status pintle_curl_set_prereq_function(CURL *easy, curl_prereq_callback function, void *data)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(easy);

    if (handle == NULL)
        return PINTLE_ERR_MISUSE;
    handle->prereq_function = function;
    handle->prereq_data = data;
    pti_curl_handle_free(handle);
    return PINTLE_OK;
}
