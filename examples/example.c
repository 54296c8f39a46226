/* SPDX-License-Identifier: Apache-2.0 */
/* The client: trust anchor and shipped pins from files, a store for newer ones, one retry after a refresh. */
#include "example.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 10000

int example_dial(const char *address, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1;

    if (getaddrinfo(address, port, &hints, &found) != 0)
        return -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

size_t example_request(const struct example *example, char *text, size_t size)
{
    char manifest[256];
    int length;

    (void)pintle_client_header(example->client, example->host, manifest, sizeof manifest);
    length = snprintf(text, size, "GET / HTTP/1.0\r\nHost: %s\r\n%s%s%s\r\n", example->host,
                      manifest[0] != '\0' ? "Pintle-Manifest: " : "", manifest, manifest[0] != '\0' ? "\r\n" : "");
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

static void on_event(void *ctx, const struct pintle_event *event)
{
    (void)ctx;
    fprintf(stderr, "pins: %s: %s\n", pintle_event_name(event->kind), event->message);
}

static bool configure(struct pintle_config *config, struct pintle_crypto *crypto,
                      const struct pintle_transport *transport, const struct pintle_store *store, const char *url)
{
    return pintle_config_set_crypto(config, crypto) == PINTLE_OK &&
           pintle_config_set_roots_file(config, "roots") == PINTLE_OK &&
           pintle_config_set_shipped_file(config, "shipped") == PINTLE_OK &&
           pintle_config_add_url(config, url) == PINTLE_OK &&
           pintle_config_set_transport(config, transport) == PINTLE_OK &&
           pintle_config_set_store(config, store) == PINTLE_OK &&
           pintle_config_set_events(config, on_event, NULL) == PINTLE_OK;
}

/* A mismatch may only mean that the server's key has changed since the last poll: asking once more is worth it. */
static enum pintle_status get(const struct example *example)
{
    struct pintle_verdict verdict = {.status = PINTLE_ERR_NETWORK};
    char line[512];

    example_get(example, &verdict);
    if (verdict.status == PINTLE_ERR_RETRY &&
        pintle_client_heal(example->client, example->host, DEADLINE_MS) == PINTLE_OK)
        example_get(example, &verdict);
    (void)pintle_verdict_describe(&verdict, line, sizeof line);
    fprintf(stderr, "verdict: %s: %s\n", pintle_reason_name(verdict.reason), line);
    return verdict.status;
}

int main(int argc, char **argv)
{
    struct pintle_transport transport = {0};
    struct pintle_store store = {0};
    struct pintle_crypto *crypto = NULL;
    struct pintle_config *config = NULL;
    struct example example = {0};
    enum pintle_status status = PINTLE_ERR_MISUSE;
    char why[256] = "";
    char *colon = argc == 5 ? strrchr(argv[4], ':') : NULL;

    if (colon == NULL) {
        fprintf(stderr, "usage: %s MANIFEST-URL CA HOST ADDRESS:PORT\n", argv[0]);
        return 64;
    }
    *colon = '\0';
    example = (struct example){.ca = argv[2], .host = argv[3], .address = argv[4], .port = colon + 1};
    if (example_transport(&transport, example.ca) == PINTLE_OK &&
        pintle_store_posix_init(&store, "pintle-store", why, sizeof why) == PINTLE_OK &&
        example_crypto(&crypto) == PINTLE_OK && pintle_config_new(&config) == PINTLE_OK &&
        configure(config, crypto, &transport, &store, argv[1]) &&
        pintle_client_new(config, &example.client) == PINTLE_OK &&
        pintle_client_checker(example.client, &example.checker) == PINTLE_OK)
        status = get(&example);
    else
        fprintf(stderr, "no client: %s\n", config != NULL ? pintle_config_error(config) : why);
    pintle_checker_free(example.checker);
    pintle_client_free(example.client);
    pintle_config_free(config);
    pintle_crypto_free(crypto);
    if (store.free != NULL)
        store.free(store.ctx);
    if (transport.free != NULL)
        transport.free(transport.ctx);
    return status == PINTLE_OK ? 0 : 1;
}
