/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "cli/ca_file.h"
#include "cli/given_file.h"
#include "cli/url.h"

#define URL_MAX 1024
#define TIMEOUT_DEFAULT_S 30

static enum pintle_status check_server(struct pti_cli *cli, const char *server)
{
    struct pti_endpoint host;
    bool secure = strncmp(server, "https://", 8) == 0;

    if (!secure && strncmp(server, "http://", 7) != 0)
        return pti_cli_usage(cli, "--server needs a URL such as http://127.0.0.1:8441, found \"%.100s\"", server);
    if (strlen(server) > URL_MAX / 2 ||
        strcspn(strstr(server, "://") + 3, "/?#@ ") != strlen(strstr(server, "://") + 3))
        return pti_cli_usage(cli, "--server needs scheme, host and port alone, found \"%.100s\"", server);
    if (pti_url_host(server, &host, &cli->error) != PINTLE_OK)
        return pti_error_prefix(&cli->error, "--server %.100s", server);
    if (!secure && !pti_host_is_loopback(host.host))
        return pti_fail(
            &cli->error, PINTLE_ERR_INPUT,
            "expected https in --server %.100s, as it is not on this machine and everybody on the way could "
            "read the token",
            server);
    return PINTLE_OK;
}

static enum pintle_status take_token(struct pti_cli *cli, struct pintle_bytes text, const char *from, char *token)
{
    size_t size = text.size;

    while (size > 0 && (text.data[size - 1] == '\n' || text.data[size - 1] == '\r'))
        size--;
    if (size == 0 || size > PTI_API_TOKEN_MAX)
        return pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected a token in %.300s, found %s", from,
                        size == 0 ? "nothing" : "more than one");
    for (size_t i = 0; i < size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected one token alone in %.300s, found other characters",
                            from);
    memcpy(token, text.data, size);
    token[size] = '\0';
    return PINTLE_OK;
}

static enum pintle_status read_token(struct pti_cli *cli, char *token)
{
    const char *path = pti_cli_text(cli, "token-file"), *given = getenv("PINTLE_TOKEN");
    struct pintle_bytes text = {NULL, 0};
    enum pintle_status status;

    if (!path && (!given || !*given))
        return pti_cli_usage(cli, "--token-file FILE is missing, and PINTLE_TOKEN is not set");
    if (!path)
        return take_token(cli, pti_bytes_text(given), "PINTLE_TOKEN", token);
    status = pti_given_file_read(path, PTI_API_TOKEN_MAX + 2, &text, &cli->error);
    if (status == PINTLE_OK)
        status = take_token(cli, text, path, token);
    pti_given_file_clear(&text);
    return status;
}

enum pintle_status pti_api_open(struct pti_cli *cli, struct pti_api *api)
{
    int64_t timeout_s = TIMEOUT_DEFAULT_S;
    enum pintle_status status;

    memset(api, 0, sizeof *api);
    api->server = pti_cli_text(cli, "server");
    if (!api->server)
        return pti_cli_usage(cli, "--server URL is missing: where the administrative listener of pintled is");
    status = check_server(cli, api->server);
    if (status == PINTLE_OK)
        status = pti_cli_number(cli, "timeout", 1, 3600, &timeout_s);
    if (status == PINTLE_OK)
        status = pti_cli_ca_file(cli, &api->ca_file);
    if (status == PINTLE_OK)
        status = read_token(cli, api->token);
    api->timeout_ms = timeout_s * 1000;
    return status;
}

void pti_api_clear(struct pti_api *api)
{
    OPENSSL_cleanse(api->token, sizeof api->token);
}

static size_t write_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct pti_buf *answer = ctx;

    pti_buf_append(answer, data, size * count);
    return answer->status == PINTLE_OK ? size * count : 0;
}

static void set_options(CURL *easy, const struct pti_api *api, const char *url, struct curl_slist *headers,
                        struct pintle_bytes body, struct pti_buf *answer, char *detail)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "pintle");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* it would get the token where there is no TLS */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)api->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)body.data);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    if (api->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, api->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static struct curl_slist *make_headers(const struct pti_api *api)
{
    char authorization[PTI_API_TOKEN_MAX + 32];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *longer;

    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", api->token);
    longer = headers ? curl_slist_append(headers, authorization) : NULL;
    OPENSSL_cleanse(authorization, sizeof authorization);
    if (!longer)
        curl_slist_free_all(headers);
    return longer;
}

enum pintle_status pti_api_post(const struct pti_api *api, const char *path, struct pintle_bytes body, long *code,
                                struct pti_buf *answer, struct pti_error *error)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = make_headers(api);
    char url[URL_MAX], detail[CURL_ERROR_SIZE] = "";
    enum pintle_status status = PINTLE_ERR_MEMORY;
    CURLcode result = CURLE_OK;

    *code = 0;
    (void)snprintf(url, sizeof url, "%s%s", api->server, path);
    if (!easy || !headers) {
        (void)pti_fail(error, status, "no memory for a connection");
        goto done;
    }
    set_options(easy, api, url, headers, body, answer, detail);
    result = curl_easy_perform(easy);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, code);
    status = PINTLE_OK;
    if (result != CURLE_OK)
        status = pti_fail(error, PINTLE_ERR_NETWORK, "%s: %s; check that pintled runs and listens there", api->server,
                          *detail ? detail : curl_easy_strerror(result));
done:
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return status;
}
