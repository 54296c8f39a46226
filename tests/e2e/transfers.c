/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application over libcurl's multi interface, HTTP/2 where the server has it.  Usage: transfers ROOTS URL CA STORE; then
 * one command a line on standard input, an answer each:
 *   refresh                 "refresh STATUS"
 *   to HOST:PORT:HOST:PORT  where connections go (CURLOPT_CONNECT_TO), for all handles from now on; "ok"
 *   bare N URL              N transfers at once without pins
 *   get N URL               N attached transfers at once, each again while pintle_curl_again() says so
 *   perform DEADLINE URL    one, by pintle_curl_perform() with this deadline in milliseconds
 * The last three: "codes=C,.. reasons=R,.. connects=K http=V": results and verdicts, each kind once; new connections; version.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/curl_client.h>
#include <pintle/curl_transport.h>
#include <pintle/pintle.h>
#include <pintle/store.h>

#define MANY 16
#define HEAL_MS 20000

struct app {
    struct pintle_transport transport;
    struct pintle_store store;
    struct pintle_client *client;
    struct pintle_checker *checker;
    const char *ca;
    CURLM *multi;
    struct curl_slist *to;
};

struct answer {
    char codes[128], reasons[256];
    long connects, version;
};

static bool start(struct app *app, char **argv)
{
    struct pintle_config *config = NULL;
    struct pintle_crypto *crypto = NULL;
    char detail[256];
    bool started = pintle_config_new(&config) == PINTLE_OK && pintle_crypto_openssl_new(&crypto) == PINTLE_OK &&
                   pintle_curl_transport_init(&app->transport, argv[3]) == PINTLE_OK &&
                   pintle_store_posix_init(&app->store, argv[4], detail, sizeof detail) == PINTLE_OK &&
                   pintle_config_set_crypto(config, crypto) == PINTLE_OK &&
                   pintle_config_set_roots_file(config, argv[1]) == PINTLE_OK &&
                   pintle_config_add_url(config, argv[2]) == PINTLE_OK &&
                   pintle_config_set_transport(config, &app->transport) == PINTLE_OK &&
                   pintle_config_set_store(config, &app->store) == PINTLE_OK &&
                   pintle_client_new(config, &app->client) == PINTLE_OK &&
                   pintle_client_checker(app->client, &app->checker) == PINTLE_OK;

    pintle_crypto_free(crypto);
    pintle_config_free(config);
    app->ca = argv[3];
    app->multi = curl_multi_init();
    return started;
}

static void stop(struct app *app)
{
    curl_multi_cleanup(app->multi);
    curl_slist_free_all(app->to);
    pintle_checker_free(app->checker);
    pintle_client_free(app->client);
    if (app->store.free != NULL)
        app->store.free(app->store.ctx);
    if (app->transport.free != NULL)
        app->transport.free(app->transport.ctx);
}

static size_t discard(char *data, size_t one, size_t size, void *arg)
{
    (void)data, (void)one, (void)arg;
    return size;
}

static CURL *handle_of(const struct app *app, const char *url, bool pinned)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, app->ca);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, app->to);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    if (pinned && (pintle_curl_attach(easy, app->checker) != PINTLE_OK ||
                   pintle_curl_header(easy, app->client, NULL) != PINTLE_OK))
        exit(2);
    return easy;
}

static void add_once(char *list, size_t size, const char *word)
{
    if (strstr(list, word) == NULL)
        (void)snprintf(list + strlen(list), size - strlen(list), "%s%s", list[0] != '\0' ? "," : "", word);
}

static void note(struct answer *answer, CURL *easy, CURLcode code, bool pinned)
{
    struct pintle_verdict verdict;
    long connects = 0;
    char text[16];

    (void)snprintf(text, sizeof text, "%d", (int)code);
    add_once(answer->codes, sizeof answer->codes, text);
    (void)pintle_curl_verdict(easy, &verdict);
    add_once(answer->reasons, sizeof answer->reasons, pinned ? pintle_reason_name(verdict.reason) : "none");
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &answer->version);
    answer->connects += connects;
}

static void settle(struct app *app, struct answer *answer, bool pinned, int *left)
{
    const CURLMsg *message;
    int queued;

    while ((message = curl_multi_info_read(app->multi, &queued)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;

        curl_multi_remove_handle(app->multi, easy);
        if (pinned && pintle_curl_again(easy, code, app->client, HEAL_MS)) {
            curl_multi_add_handle(app->multi, easy);
            continue;
        }
        note(answer, easy, code, pinned);
        pintle_curl_release(easy);
        curl_easy_cleanup(easy);
        --*left;
    }
}

static void get(struct app *app, struct answer *answer, int count, const char *url, bool pinned)
{
    int left = 0, running;

    for (; left < count && left < MANY; left++)
        curl_multi_add_handle(app->multi, handle_of(app, url, pinned));
    while (left > 0) {
        curl_multi_perform(app->multi, &running);
        settle(app, answer, pinned, &left);
        if (left > 0)
            curl_multi_poll(app->multi, NULL, 0, 100, NULL);
    }
}

static void perform(struct app *app, struct answer *answer, int deadline_ms, const char *url)
{
    CURL *easy = handle_of(app, url, true);

    note(answer, easy, pintle_curl_perform(easy, app->client, deadline_ms), true);
    pintle_curl_release(easy);
    curl_easy_cleanup(easy);
}

static void obey(struct app *app, const char *line)
{
    struct answer answer = {.connects = 0};
    char command[16] = "", word[300] = "", url[300] = "";

    (void)sscanf(line, "%15s %299s %299s", command, word, url);
    if (strcmp(command, "refresh") == 0) {
        printf("refresh %s\n", pintle_status_name(pintle_client_refresh(app->client, HEAL_MS)));
        return;
    }
    if (strcmp(command, "to") == 0) {
        app->to = curl_slist_append(app->to, word);
        puts("ok");
        return;
    }
    if (strcmp(command, "perform") == 0)
        perform(app, &answer, atoi(word), url);
    else
        get(app, &answer, atoi(word), url, strcmp(command, "get") == 0);
    printf("codes=%s reasons=%s connects=%ld http=%ld\n", answer.codes, answer.reasons, answer.connects,
           answer.version == CURL_HTTP_VERSION_2_0 ? 2L : 1L);
}

int main(int argc, char **argv)
{
    struct app app = {.client = NULL};
    char line[700];

    if (argc != 5 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !start(&app, argv))
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(&app, line);
    stop(&app);
    curl_global_cleanup();
    return 0;
}
