/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a measure of HTTP servers:
 *
 *   bench_http serve FILE PATH...       the floor: one thread, one epoll loop, answers made before the first request;
 *                                       prints its port, ends when its standard input does
 *   bench_http load PORT PATH N OPEN    N requests over OPEN connections that are kept
 *   bench_http tls PORT PATH N OPEN     N connections over TLS, one request each, OPEN at a time
 *
 * The floor answers each PATH with the content of the FILE before it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define EVENTS 256
#define PATHS_MAX 8
#define ANSWER_MAX (64 << 10)
#define REQUEST_MAX 4096

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void watch(int epoll, int socket, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0)
        die("epoll_ctl");
}

/* ---- the floor ---- */

struct answer {
    const char *path;
    char *text;
    size_t size;
};

struct peer {
    int socket;
    size_t size;
    char request[REQUEST_MAX];
};

static struct answer answers[PATHS_MAX];
static size_t answer_count;

static void prepare(const char *path, const char *file)
{
    struct answer *answer = &answers[answer_count++];
    char *body = malloc(ANSWER_MAX);
    FILE *stream = fopen(file, "rb");
    size_t size = stream && body ? fread(body, 1, ANSWER_MAX, stream) : 0;

    answer->path = path;
    answer->text = malloc(ANSWER_MAX + 256);
    if (!stream || !body || !answer->text)
        die(file);
    answer->size = (size_t)snprintf(
        answer->text, 256,
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nCache-Control: public, "
        "max-age=60\r\nContent-Length: %zu\r\n\r\n",
        size);
    memcpy(answer->text + answer->size, body, size);
    answer->size += size;
    fclose(stream);
    free(body);
}

/* Whether the connection goes on. */
static bool serve_peer(struct peer *peer)
{
    ssize_t got = read(peer->socket, peer->request + peer->size, sizeof peer->request - 1 - peer->size);

    if (got <= 0)
        return false;
    peer->size += (size_t)got;
    peer->request[peer->size] = '\0';
    if (!strstr(peer->request, "\r\n\r\n"))
        return peer->size < sizeof peer->request - 1;
    peer->size = 0;
    for (size_t i = 0; i < answer_count; i++) {
        size_t length = strlen(answers[i].path);

        if (strncmp(peer->request + 4, answers[i].path, length) == 0 && peer->request[4 + length] == ' ')
            return write(peer->socket, answers[i].text, answers[i].size) == (ssize_t)answers[i].size;
    }
    return false;
}

static void accept_peer(int epoll, int listener)
{
    struct peer *peer = calloc(1, sizeof *peer);
    const int on = 1;

    if (!peer)
        die("calloc");
    peer->socket = accept(listener, NULL, NULL);
    if (peer->socket < 0)
        die("accept");
    setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, peer->socket, peer);
}

static int serve(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    static int listening, ending; /* what events of the two that are no peers point to */

    if (listener < 0 || epoll < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 1024) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    watch(epoll, listener, &listening);
    watch(epoll, STDIN_FILENO, &ending);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &ending)
                return EXIT_SUCCESS;
            if (events[i].data.ptr == &listening) {
                accept_peer(epoll, listener);
            } else if (!serve_peer(events[i].data.ptr)) {
                struct peer *peer = events[i].data.ptr;

                close(peer->socket);
                free(peer);
            }
        }
    }
}

/* ---- the load ---- */

struct asking {
    int socket;
    size_t size, whole; /* of the answer so far, and in all; 0 while that is not known */
    char answer[ANSWER_MAX];
};

static int port;
static const char *path;

static int connect_to_server(void)
{
    struct sockaddr_in address = loopback(port);
    int made = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;

    if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
}

static size_t request_of(char text[REQUEST_MAX])
{
    return (size_t)snprintf(text, REQUEST_MAX, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n\r\n", path);
}

static void ask(struct asking *asking)
{
    char text[REQUEST_MAX];
    size_t size = request_of(text);

    asking->size = asking->whole = 0;
    if (write(asking->socket, text, size) != (ssize_t)size)
        die("write");
}

/* The size of a whole answer that begins with text; 0 if its head is not there yet. */
static size_t whole_size(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");

    if (!end)
        return 0;
    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || !length) {
        fprintf(stderr, "unexpected answer: %.100s\n", text);
        exit(EXIT_FAILURE);
    }
    return (size_t)(end - text) + 4 + strtoul(length + 16, NULL, 10);
}

static bool take(struct asking *asking)
{
    ssize_t got = read(asking->socket, asking->answer + asking->size, sizeof asking->answer - 1 - asking->size);

    if (got <= 0)
        die("read");
    asking->size += (size_t)got;
    asking->answer[asking->size] = '\0';
    if (asking->whole == 0)
        asking->whole = whole_size(asking->answer);
    return asking->whole > 0 && asking->size >= asking->whole;
}

static int load(long requests, int open)
{
    struct asking *all = calloc((size_t)open, sizeof *all);
    long asked = open, answered = 0;
    int epoll = epoll_create1(0);

    if (!all || epoll < 0)
        die("epoll");
    for (int i = 0; i < open; i++) {
        all[i].socket = connect_to_server();
        watch(epoll, all[i].socket, &all[i]);
        ask(&all[i]);
    }
    while (answered < requests) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (!take(events[i].data.ptr))
                continue;
            answered++;
            if (asked++ < requests)
                ask(events[i].data.ptr);
        }
    }
    return EXIT_SUCCESS;
}

static atomic_long left;

static void *shake_hands(void *context)
{
    static const char bye[] = "unexpected answer over TLS\n";

    while (atomic_fetch_sub(&left, 1) > 0) {
        int socket = connect_to_server();
        SSL *tls = SSL_new(context);
        char request[REQUEST_MAX], *answer = malloc(ANSWER_MAX);
        size_t size = request_of(request), got = 0, whole = 0;

        if (!tls || !answer || SSL_set_fd(tls, socket) != 1 || SSL_connect(tls) != 1 ||
            SSL_write(tls, request, (int)size) != (int)size)
            die("TLS");
        while (whole == 0 || got < whole) {
            int part = SSL_read(tls, answer + got, (int)(ANSWER_MAX - 1 - got));

            if (part <= 0) {
                fputs(bye, stderr);
                exit(EXIT_FAILURE);
            }
            got += (size_t)part;
            answer[got] = '\0';
            whole = whole_size(answer);
        }
        SSL_shutdown(tls);
        SSL_free(tls);
        close(socket);
        free(answer);
    }
    return NULL;
}

static int load_tls(long requests, int open)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    pthread_t threads[64];

    if (!context || open > 64)
        die("threads");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    atomic_store(&left, requests);
    for (int i = 0; i < open; i++)
        if (pthread_create(&threads[i], NULL, shake_hands, context) != 0)
            die("threads");
    for (int i = 0; i < open; i++)
        pthread_join(threads[i], NULL);
    SSL_CTX_free(context);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "serve") == 0) {
        for (int i = 2; i + 1 < argc && answer_count < PATHS_MAX; i += 2)
            prepare(argv[i + 1], argv[i]);
        return serve();
    }
    if (argc != 6) {
        fputs("usage: bench_http serve FILE PATH... | load|tls PORT PATH N OPEN\n", stderr);
        return EXIT_FAILURE;
    }
    port = atoi(argv[2]);
    path = argv[3];
    return strcmp(argv[1], "tls") == 0 ? load_tls(atol(argv[4]), atoi(argv[5])) : load(atol(argv[4]), atoi(argv[5]));
}
