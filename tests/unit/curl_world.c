/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of curl_world.h: pages, redirects, and a proxy that tunnels. */
#include "curl_world.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/pem.h>

#define OK_PAGE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static ssize_t receive(const struct http_fixture_connection *connection, char *data, size_t size)
{
    return connection->ssl != NULL ? SSL_read(connection->ssl, data, (int)size) : read(connection->fd, data, size);
}

/* Bytes to and fro, until one of both ends. */
static void splice(struct http_fixture_connection *connection, int fd)
{
    char data[16384];
    ssize_t size = 1;

    while (size > 0) {
        struct pollfd both[2] = {{.fd = connection->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

        if (connection->ssl != NULL && SSL_pending(connection->ssl) > 0)
            both[0].revents = POLLIN;
        else if (poll(both, 2, -1) <= 0)
            return;
        if (both[0].revents != 0) {
            size = receive(connection, data, sizeof(data));
            if (size > 0 && write(fd, data, (size_t)size) != size)
                return;
        } else {
            size = read(fd, data, sizeof(data));
            if (size > 0 && !http_fixture_send(connection, data, (size_t)size))
                return;
        }
    }
}

/* "CONNECT host:port": CURLOPT_CONNECT_TO has made a port of ours of it. */
static bool tunnel(struct http_fixture_connection *connection, const char *request)
{
    const char *port = strchr(request, ':');
    int fd = port != NULL ? dial((int)strtol(port + 1, NULL, 10)) : -1;

    if (fd < 0)
        return http_fixture_text(connection, "HTTP/1.1 502 Nobody there\r\nContent-Length: 0\r\n\r\n");
    if (http_fixture_text(connection, "HTTP/1.1 200 Connected\r\n\r\n"))
        splice(connection, fd);
    close(fd);
    return false;
}

static bool answer(struct http_fixture_connection *connection, const char *request)
{
    static const char go[] = "GET /go?";
    char page[512];
    const char *end;

    if (strncmp(request, "CONNECT ", 8) == 0)
        return tunnel(connection, request);
    if (strncmp(request, go, sizeof(go) - 1) != 0)
        return http_fixture_text(connection, OK_PAGE);
    request += sizeof(go) - 1;
    end = strchr(request, ' ');
    snprintf(page, sizeof(page), "HTTP/1.1 302 Found\r\nLocation: %.*s\r\nContent-Length: 0\r\n\r\n",
             end != NULL ? (int)(end - request) : 0, request);
    return http_fixture_text(connection, page);
}

static char *pem_of(X509 *x509)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long size;

    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    size = BIO_get_mem_data(bio, &data);
    text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    memcpy(text, data, (size_t)size);
    BIO_free(bio);
    return text;
}

static void add_host(struct curl_world *world, const char *host, int port, const struct http_fixture *server)
{
    char line[128];

    snprintf(line, sizeof(line), "%s:%d:127.0.0.1:%d", host, port, server->port);
    world->hosts = curl_slist_append(world->hosts, line);
    assert_non_null(world->hosts);
}

int curl_world_setup(void **state)
{
    struct curl_world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    tls_world_setup(state);
    world->tls = *state;
    world->other_tls = tls_fixture_server_new(&world->tls->other, &world->tls->intermediate.x509, 1,
                                              world->tls->version);
    http_fixture_start(&world->server, answer, world->tls->server);
    http_fixture_start(&world->other, answer, world->other_tls);
    http_fixture_start(&world->plain, answer, NULL);
    http_fixture_start(&world->proxy, answer, world->other_tls);
    world->ca = pem_of(world->tls->root.x509);
    add_host(world, TLS_WORLD_HOST, 443, &world->server);
    add_host(world, TLS_WORLD_HOST ".", 443, &world->server);
    add_host(world, CURL_WORLD_OTHER, 443, &world->other);
    add_host(world, "", 80, &world->plain);
    *state = world;
    return 0;
}

int curl_world_teardown(void **state)
{
    struct curl_world *world = *state;
    int requests, other, plain;

    http_fixture_stop(&world->server);
    http_fixture_stop(&world->other);
    http_fixture_stop(&world->plain);
    http_fixture_stop(&world->proxy);
    requests = atomic_load(&world->server.requests);
    other = atomic_load(&world->other.requests);
    plain = atomic_load(&world->plain.requests);
    if (requests != world->requests || other != world->other_requests || plain != world->plain_requests)
        print_error("%d requests arrived, %d at the other server, %d in the clear; expected %d, %d, %d\n", requests,
                    other, plain, world->requests, world->other_requests, world->plain_requests);
    requests = requests == world->requests && other == world->other_requests && plain == world->plain_requests ? 0 : -1;
    SSL_CTX_free(world->other_tls);
    curl_slist_free_all(world->hosts);
    free(world->ca);
    *state = world->tls;
    free(world);
    tls_world_teardown(state);
    return requests;
}

static size_t discard(char *data, size_t one, size_t size, void *arg)
{
    (void)data, (void)one, (void)arg;
    return size;
}

CURL *curl_world_handle(struct curl_world *world, const char *url)
{
    struct curl_blob ca = {world->ca, strlen(world->ca), CURL_BLOB_COPY};
    CURL *easy = curl_easy_init();

    assert_non_null(easy);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL), CURLE_OK);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, world->hosts);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    return easy;
}

CURL *curl_world_pinned(struct curl_world *world, const char *url)
{
    CURL *easy = curl_world_handle(world, url);

    assert_int_equal(pintle_curl_attach(easy, world->tls->checker), PINTLE_OK);
    return easy;
}

void curl_world_close(CURL *easy)
{
    pintle_curl_release(easy);
    curl_easy_cleanup(easy);
}

CURLcode curl_world_get(CURL *easy, CURLM *multi)
{
    CURLcode code = CURLE_FAILED_INIT;
    CURLMsg *message;
    int running = 1, left;

    if (multi == NULL)
        return curl_easy_perform(easy);
    assert_int_equal(curl_multi_add_handle(multi, easy), CURLM_OK);
    while (running > 0) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        if (running > 0)
            assert_int_equal(curl_multi_poll(multi, NULL, 0, 1000, NULL), CURLM_OK);
    }
    while ((message = curl_multi_info_read(multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            code = message->data.result;
    curl_multi_remove_handle(multi, easy);
    return code;
}

void curl_world_expect(CURL *easy, CURLM *multi, CURLcode code, enum pintle_reason reason)
{
    CURLcode found = curl_world_get(easy, multi);
    struct pintle_verdict verdict;
    enum pintle_status status = pintle_curl_verdict(easy, &verdict);

    assert_string_equal(pintle_reason_name(verdict.reason), pintle_reason_name(reason));
    if (found != code)
        fail_msg("%s: expected %s, found %s", pintle_reason_name(reason), curl_easy_strerror(code),
                 curl_easy_strerror(found));
    assert_int_equal(status, verdict.status);
    assert_int_equal(status == PINTLE_OK, code == CURLE_OK);
}

void curl_world_withdraw(struct curl_world *world)
{
    tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_LEAF);
}

void curl_world_pin(struct curl_world *world, enum pintle_unlisted unlisted)
{
    char hash[TLS_FIXTURE_PIN_SIZE];
    struct pintle_static_pin pin = {TLS_WORLD_HOST, hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};

    tls_fixture_spki_pin(world->tls->leaf.x509, hash);
    tls_world_pin(world->tls, &pin, 1, unlisted);
}
