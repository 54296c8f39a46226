/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device without OpenSSL: the core, the provider over mbedTLS, and a transport of its own over plain sockets.
 * Usage: device ROOTS URL STORE HOST; then one command a line on standard input:
 *   refresh    prints "refresh STATUS DETAIL"
 *   FILE       a chain of one certificate in DER: prints "check REASON"
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pintle/pintle.h>

static int dial(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Everything until the peer closes; the size, or 0. */
static size_t exchange(int fd, const char *text, char *answer, size_t size)
{
    size_t used = 0;
    ssize_t count = send(fd, text, strlen(text), MSG_NOSIGNAL);

    while (count > 0 && used + 1 < size) {
        count = recv(fd, answer + used, size - used - 1, 0);
        used += count > 0 ? (size_t)count : 0;
    }
    answer[used] = '\0';
    return used;
}

/* HTTP/1.0, so that nothing comes in chunks and the connection ends with the body. */
static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    static char answer[1 << 20];
    unsigned port = 0;
    char path[512] = "", text[1024];
    const char *body;
    size_t size = 0;
    int fd = -1;

    (void)ctx;
    if (sscanf(request->url, "http://127.0.0.1:%u/%511s", &port, path) >= 1 && (fd = dial(port)) >= 0) {
        (void)snprintf(text, sizeof text, "GET /%s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", path);
        size = exchange(fd, text, answer, sizeof answer);
        close(fd);
    }
    body = size > 0 ? strstr(answer, "\r\n\r\n") : NULL;
    if (body == NULL || sscanf(answer, "HTTP/1.%*c %d", &response->status) != 1) {
        (void)snprintf(detail, detail_size, "no answer from %s", request->url);
        return PINTLE_ERR_NETWORK;
    }
    body += 4;
    response->retry_after_s = -1;
    if (response->status / 100 == 2 && !sink->write(sink->ctx, (const uint8_t *)body, size - (size_t)(body - answer)))
        return PINTLE_ERR_NETWORK;
    return PINTLE_OK;
}

static void check(struct pintle_checker *checker, const char *host, const char *path)
{
    static uint8_t der[8192];
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;
    FILE *file = fopen(path, "rb");
    struct pintle_bytes chain = {der, file != NULL ? fread(der, 1, sizeof der, file) : 0};

    if (file != NULL)
        (void)fclose(file);
    (void)pintle_checker_evidence(checker, &chain, 1, &evidence);
    (void)pintle_checker_check(checker, host, &evidence, &verdict);
    printf("check %s\n", pintle_reason_name(verdict.reason));
}

int main(int argc, char **argv)
{
    struct pintle_transport transport = {.size = sizeof transport, .perform = perform};
    struct pintle_store store = {0};
    struct pintle_crypto *crypto = NULL;
    struct pintle_config *config = NULL;
    struct pintle_client *client = NULL;
    struct pintle_checker *checker = NULL;
    char command[512], detail[512] = "";

    if (argc != 5)
        return 64;
    if (pintle_crypto_mbedtls_new(&crypto) != PINTLE_OK || pintle_config_new(&config) != PINTLE_OK ||
        pintle_store_posix_init(&store, argv[3], detail, sizeof detail) != PINTLE_OK)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (pintle_config_set_crypto(config, crypto) != PINTLE_OK ||
        pintle_config_set_roots_file(config, argv[1]) != PINTLE_OK ||
        pintle_config_add_url(config, argv[2]) != PINTLE_OK ||
        pintle_config_require_host(config, argv[4]) != PINTLE_OK ||
        pintle_config_set_transport(config, &transport) != PINTLE_OK ||
        pintle_config_set_store(config, &store) != PINTLE_OK || pintle_client_new(config, &client) != PINTLE_OK ||
        pintle_client_checker(client, &checker) != PINTLE_OK) {
        printf("start %s\n", pintle_config_error(config));
    } else {
        printf("start ok\n");
        while (fgets(command, sizeof command, stdin)) {
            command[strcspn(command, "\n")] = '\0';
            if (strcmp(command, "refresh") == 0) {
                enum pintle_status status = pintle_client_refresh(client, 5000);

                pintle_client_error(client, detail, sizeof detail);
                printf("refresh %s %s\n", pintle_status_name(status), status == PINTLE_OK ? "" : detail);
            } else {
                check(checker, argv[4], command);
            }
        }
    }
    pintle_checker_free(checker);
    pintle_client_free(client);
    pintle_config_free(config);
    store.free(store.ctx);
    pintle_crypto_free(crypto);
    return 0;
}
