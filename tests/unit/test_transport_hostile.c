/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libcurl transport against a server that means harm, over real sockets: whatever arrives, and however it ends, the
 * transfer ends in bounded time and memory with a message, and the next one is answered as if nothing had been.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <pintle/curl_transport.h>

#include "base/buf.h"

enum ending {
    GO_ON,  /* answer the next request on the same connection */
    CLOSE,  /* in order */
    RESET,  /* the peer sees ECONNRESET */
    SILENCE /* until the peer gives up */
};

struct script {
    const char *name;
    bool at_once;      /* before any request */
    const char *first; /* what is sent; */
    size_t first_size; /* 0: up to its terminator */
    const char *again; /* then this, as often as the peer takes it; NULL: not at all */
    enum ending ending;
    bool https; /* what the client takes it for */
    int timeout_ms;
    enum pintle_status status;
    int http;
    const char *body;
    const char *detail;
};

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define X16 "xxxxxxxxxxxxxxxx"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define X2048 X256 X256 X256 X256 X256 X256 X256 X256
#define SHORT 300 /* ms; for what ends only so */
#define LONG 20000
#define REFUSED PINTLE_ERR_NETWORK, 0, ""
#define MAX_RESPONSE 100
#define TOO_LARGE "larger than its reader takes (at most 100 bytes)"
#define TOO_MANY_HEADERS "headers are larger than"

/* clang-format off */
#define ENCODING "expected no Content-Encoding but gzip"
/* gzip members, written with Python's zlib */
#define GZ_HELLO "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00"
#define GZ_CUT "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00"
#define GZ_WRONG_SUM "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x87\xa6\x10\x36\x05\x00\x00\x00"
#define GZ_WRONG_SIZE "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x06\x00\x00\x00"
#define GZ_101 "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xab\xa8\xa0\x03\x00\x00\x6f\x86\x85\xf1\x65\x00\x00\x00"
#define GZ_FRAME "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
#define GZ_NAME "\x1f\x8b\x08\x08\x00\x00\x00\x00\x02\xff"
/* 64 KB of nothing as a block of deflate, to be repeated */
static const char gz_block[] = "\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x6a\x00\x00\x00\xff\xff";
#define ZLIB_HELLO "\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15"
static const char gz_empty_block[] = "\x00\x00\x00\xff\xff";
#define BOMB "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xa8\x18\x1e\x00\x00\xa6\x6b\xcb\x7e\xc8\x00\x00\x00"
static const struct script scripts[] = {
    /* bodies without an end, or with another one than announced */
    {"endless body until close", false, OK_HEAD "\r\n", 0, X2048, CLOSE, false, LONG, REFUSED, TOO_LARGE},
    {"endless chunked body", false, CHUNKED, 0, "800\r\n" X2048 "\r\n", CLOSE, false, LONG, REFUSED, TOO_LARGE},
    {"endless chunks of one byte", false, CHUNKED, 0, "1\r\nx\r\n", CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, TOO_LARGE},
    {"endless error page", false, "HTTP/1.1 500 No\r\n\r\n", 0, X2048, CLOSE, false, LONG, PINTLE_OK, 500, "", ""},
    {"length beyond the bound", false, OK_HEAD "Content-Length: 101\r\n\r\n", 0, NULL, SILENCE, false, LONG, REFUSED, TOO_LARGE},
    {"length of 2^63", false, OK_HEAD "Content-Length: 9223372036854775808\r\n\r\n", 0, NULL, SILENCE, false, SHORT, REFUSED, ""},
    {"length of 2^64+5", false, OK_HEAD "Content-Length: 18446744073709551621\r\n\r\nhello", 0, NULL, SILENCE, false, SHORT, REFUSED, ""},
    {"negative length", false, OK_HEAD "Content-Length: -5\r\n\r\nhello", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"two lengths", false, OK_HEAD "Content-Length: 5\r\nContent-Length: 9\r\n\r\nhelloworld", 0, NULL, CLOSE, false, LONG, PINTLE_OK, 200, NULL, ""},
    {"fewer bytes than announced", false, OK_HEAD "Content-Length: 50\r\n\r\nhello", 0, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, "hello", "closed"},
    {"more bytes than announced", false, OK_HEAD "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"endlessly more than announced", false, OK_HEAD "Content-Length: 5\r\n\r\nhello", 0, X2048, CLOSE, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"a second answer unasked", false, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 404, "", ""},
    {"chunks cut before the last", false, CHUNKED "5\r\nhello\r\n", 0, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, "hello", "closed"},
    {"chunk cut within", false, CHUNKED "10\r\nhello", 0, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, "hello", "closed"},
    {"chunk size that is none", false, CHUNKED "zz\r\nhello\r\n0\r\n\r\n", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"chunk size of 2^64", false, CHUNKED "10000000000000000\r\nhello", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"negative chunk size", false, CHUNKED "-5\r\nhello\r\n0\r\n\r\n", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"endless trailers", false, CHUNKED "5\r\nhello\r\n0\r\n", 0, "X: " X256 "\r\n", CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, "hello", ""},
    /* one gzip member is undone, within both bounds; any other encoding is refused */
    {"gzip", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO) - 1, NULL, CLOSE, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"gzip by its names", false, OK_HEAD "content-encoding:X-GZip \r\n\r\n" GZ_HELLO, sizeof(OK_HEAD "content-encoding:X-GZip \r\n\r\n" GZ_HELLO) - 1, NULL, CLOSE, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"gzip in chunks", false, OK_HEAD "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" "1\r\n\x1f" "\r\n18\r\n\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00\r\n0\r\n\r\n", sizeof(OK_HEAD "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" "1\r\n\x1f" "\r\n18\r\n\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00\r\n0\r\n\r\n") - 1, NULL, CLOSE, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"no encoding, by name", false, OK_HEAD "Content-Encoding: identity\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: identity\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"a list of none", false, OK_HEAD "Content-Encoding: ,, \r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: ,, \r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, PINTLE_OK, 200, "hello", ""},
    {"br", false, OK_HEAD "Content-Encoding: br\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: br\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"deflate", false, OK_HEAD "Content-Encoding: deflate\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: deflate\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"zstd", false, OK_HEAD "Content-Encoding: zstd\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: zstd\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"compress", false, OK_HEAD "Content-Encoding: compress\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: compress\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"x-unknown", false, OK_HEAD "Content-Encoding: x-unknown\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: x-unknown\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"gzip twice", false, OK_HEAD "Content-Encoding: gzip, gzip\r\n\r\n" GZ_HELLO, sizeof(OK_HEAD "Content-Encoding: gzip, gzip\r\n\r\n" GZ_HELLO) - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"gzip in two lines", false, OK_HEAD "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n" GZ_HELLO, sizeof(OK_HEAD "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n" GZ_HELLO) - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"identity twice", false, OK_HEAD "Content-Encoding: identity, identity\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: identity, identity\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"gzip and br", false, OK_HEAD "Content-Encoding: gzip,br\r\n\r\n" GZ_HELLO, sizeof(OK_HEAD "Content-Encoding: gzip,br\r\n\r\n" GZ_HELLO) - 1, NULL, CLOSE, false, LONG, REFUSED, ENCODING},
    {"gzip that is none", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" "hello", sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" "hello") - 1, NULL, CLOSE, false, LONG, REFUSED, "damaged"},
    {"zlib's own format", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" ZLIB_HELLO, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" ZLIB_HELLO) - 1, NULL, CLOSE, false, LONG, REFUSED, "damaged"},
    {"gzip of nothing", false, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n" "", sizeof(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n" "") - 1, NULL, CLOSE, false, LONG, REFUSED, "cut short"},
    {"gzip cut short", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_CUT, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_CUT) - 1, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, "cut short"},
    {"gzip with a wrong checksum", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_WRONG_SUM, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_WRONG_SUM) - 1, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, "damaged"},
    {"gzip with a wrong length", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_WRONG_SIZE, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_WRONG_SIZE) - 1, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, "damaged"},
    {"something behind gzip", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO "x", sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO "x") - 1, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, "follows the end"},
    {"two members of gzip", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO GZ_HELLO, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO GZ_HELLO) - 1, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, "follows the end"},
    {"gzip of one byte too many", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_101, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_101) - 1, NULL, CLOSE, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, TOO_LARGE},
    {"endless name in gzip", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_NAME, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_NAME) - 1, X2048, CLOSE, false, LONG, REFUSED, TOO_LARGE},
    {"an error page in an unknown encoding", false, "HTTP/1.1 500 No\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 500, "", ""},
    {"more than the bound, less than gzip might add", false, OK_HEAD "Content-Length: 256\r\n\r\n" X256, 0, NULL, CLOSE, false, LONG, REFUSED, TOO_LARGE},
    {"gzip as transfer encoding, which libcurl undoes", false, OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"bomb in it, 200 bytes of 24", false, OK_HEAD "Transfer-Encoding: gzip\r\n\r\n" BOMB, sizeof(OK_HEAD "Transfer-Encoding: gzip\r\n\r\n" BOMB) - 1, NULL, CLOSE, false, LONG, REFUSED, TOO_LARGE},
    /* headers */
    {"endless headers", false, OK_HEAD, 0, "X: " X256 "\r\n", CLOSE, false, LONG, REFUSED, TOO_MANY_HEADERS},
    {"one endless header", false, OK_HEAD "X: ", 0, X2048, CLOSE, false, LONG, REFUSED, ""},
    {"an endless status line", false, "HTTP/1.1 200 ", 0, X2048, CLOSE, false, LONG, REFUSED, ""},
    {"endless 100 Continue", false, "", 0, "HTTP/1.1 100 Continue\r\n\r\n", CLOSE, false, LONG, REFUSED, TOO_MANY_HEADERS},
    {"endless 103 Early Hints", false, "", 0, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", CLOSE, false, LONG, REFUSED, TOO_MANY_HEADERS},
    {"a 100 and silence", false, "HTTP/1.1 100 Continue\r\n\r\n", 0, NULL, SILENCE, false, SHORT, REFUSED, "timed out"},
    {"a NUL in a header", false, OK_HEAD "X: a\0b\r\nContent-Length: 5\r\n\r\nhello", sizeof(OK_HEAD "X: a\0b\r\nContent-Length: 5\r\n\r\nhello") - 1, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"headers cut: nothing, which nobody takes for a manifest", false, OK_HEAD "Content-Len", 0, NULL, CLOSE, false, LONG, PINTLE_OK, 200, "", ""},
    {"HTTP/0.9", false, "hello, I am from 1991", 0, NULL, CLOSE, false, LONG, REFUSED, "HTTP/0.9"},
    {"HTTP/9.9", false, "HTTP/9.9 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"no HTTP at all", false, "220 mail.example ESMTP\r\n", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    /* statuses: told as they are, and with a body only if it was asked for */
    {"204 with a body", false, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 204, "", ""},
    {"206 that nobody asked for", false, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/50\r\nContent-Length: 5\r\n\r\nhello", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 206, "hello", ""},
    {"304 that nobody asked for", false, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 304, "", ""},
    {"101 that nobody asked for", false, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 0, NULL, SILENCE, false, SHORT, REFUSED, ""},
    {"401 that asks for credentials", false, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 401, "", ""},
    {"407 that asks for credentials", false, "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 407, "", ""},
    {"status 999", false, "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 999, "", ""},
    {"redirect to another host", false, "HTTP/1.1 302 Found\r\nLocation: http://manifest.invalid/\r\nContent-Length: 0\r\n\r\n", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 302, "", ""},
    {"redirect to a file", false, "HTTP/1.1 307 No\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", 0, NULL, GO_ON, false, LONG, PINTLE_OK, 307, "", ""},
    /* connections that end, at each stage */
    {"closed at once", true, "", 0, NULL, CLOSE, false, LONG, REFUSED, ""},
    {"reset at once", true, "", 0, NULL, RESET, false, LONG, REFUSED, ""},
    {"closed after the request", false, "", 0, NULL, CLOSE, false, LONG, REFUSED, "Empty reply"},
    {"reset after the request", false, "", 0, NULL, RESET, false, LONG, REFUSED, ""},
    {"reset within the headers", false, OK_HEAD "Content-", 0, NULL, RESET, false, LONG, REFUSED, ""},
    {"reset within the body", false, OK_HEAD "Content-Length: 50\r\n\r\nhello", 0, NULL, RESET, false, LONG, PINTLE_ERR_NETWORK, 0, NULL, ""},
    {"silence at once", true, "", 0, NULL, SILENCE, false, SHORT, REFUSED, "timed out"},
    {"silence after the request", false, "", 0, NULL, SILENCE, false, SHORT, REFUSED, "timed out"},
    {"silence within the headers", false, OK_HEAD "Content-", 0, NULL, SILENCE, false, SHORT, REFUSED, "timed out"},
    {"silence within the body", false, OK_HEAD "Content-Length: 50\r\n\r\nhello", 0, NULL, SILENCE, false, SHORT, PINTLE_ERR_NETWORK, 0, NULL, "timed out"},
    /* instead of TLS */
    {"TLS: closed at once", true, "", 0, NULL, CLOSE, true, LONG, REFUSED, "SSL"},
    {"TLS: reset at once", true, "", 0, NULL, RESET, true, LONG, REFUSED, ""},
    {"TLS: silence", true, "", 0, NULL, SILENCE, true, SHORT, REFUSED, "time"},
    {"TLS: plain HTTP", true, OK_HEAD "Content-Length: 5\r\n\r\nhello", 0, NULL, CLOSE, true, LONG, REFUSED, "SSL"},
    {"TLS: endless garbage", true, "", 0, X2048, CLOSE, true, LONG, REFUSED, "SSL"},
    {"TLS: a record of garbage", true, "\x16\x03\x03\x00\x04\x02\xff\xff\xff", 9, NULL, SILENCE, true, SHORT, REFUSED, ""},
    {"TLS: endless empty records", true, "", 0, "\x16\x03\x03", CLOSE, true, LONG, REFUSED, ""},
    {"TLS: endless alerts", true, "", 0, "\x15\x03\x03\x01\x02\x01\x5a", CLOSE, true, LONG, REFUSED, ""},
    {"endless gzip bomb", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_FRAME, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_FRAME) - 1, gz_block, CLOSE, false, LONG, REFUSED, TOO_LARGE},
    {"endless gzip of nothing", false, OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_FRAME, sizeof(OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_FRAME) - 1, gz_empty_block, CLOSE, false, LONG, REFUSED, TOO_LARGE},
};
/* clang-format on */

/* ---- the server ---- */

static struct {
    _Atomic(const struct script *) script; /* for the next connection; NULL: answers as it should */
    atomic_size_t sent;
    int listener, port;
    pthread_t thread;
    char heard[256]; /* before the peer gave up; read it after the transfer */
} server;

static bool send_all(int fd, const char *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t put = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        sent += (size_t)put;
        atomic_fetch_add(&server.sent, (size_t)put);
    }
    return true;
}

static bool read_request(int fd)
{
    char request[4096];
    size_t size = 0;

    while (size < sizeof(request) - 1) {
        ssize_t got = recv(fd, request + size, sizeof(request) - 1 - size, 0);
        if (got <= 0)
            return false;
        size += (size_t)got;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void wait_for_peer(int fd)
{
    char more[256];
    size_t size = 0;
    ssize_t got;

    while ((got = recv(fd, more, sizeof(more), 0)) > 0) {
        if (size + (size_t)got <= sizeof(server.heard))
            memcpy(server.heard + size, more, (size_t)got);
        size += (size_t)got;
    }
}

/* These two hold zeros. */
static size_t repeated_size(const char *again)
{
    return again == gz_block         ? sizeof(gz_block) - 1
           : again == gz_empty_block ? sizeof(gz_empty_block) - 1
                                     : strlen(again);
}

static void play(int fd, const struct script *script)
{
    static const char good[] = OK_HEAD "Content-Length: 5\r\n\r\nagain";
    struct linger at_once = {1, 0};

    if (script != NULL && (script->at_once || read_request(fd))) {
        size_t size = script->first_size > 0 ? script->first_size : strlen(script->first);
        bool open = send_all(fd, script->first, size);
        while (open && script->again != NULL)
            open = send_all(fd, script->again, repeated_size(script->again));
        if (script->ending == SILENCE)
            wait_for_peer(fd);
        if (script->ending == RESET)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        if (script->ending != GO_ON)
            return;
    }
    while (read_request(fd) && send_all(fd, good, sizeof(good) - 1))
        ;
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        play(fd, atomic_load(&server.script));
        close(fd);
    }
}

static int start(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    (void)state;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server.listener, 16), 0);
    assert_int_equal(getsockname(server.listener, (struct sockaddr *)&address, &size), 0);
    server.port = ntohs(address.sin_port);
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
    (void)state;
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    return close(server.listener);
}

/* ---- the client ---- */

struct outcome {
    enum pintle_status status;
    int http;
    char body[MAX_RESPONSE + 1];
    char detail[256];
    int64_t took_ms;
};

static int64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct outcome ask(const char *method, struct pintle_transport *transport, bool https, int timeout_ms,
                          uint32_t rate)
{
    char url[64];
    struct pintle_request request = {.size = sizeof(request),
                                     .method = method,
                                     .url = url,
                                     .max_response = MAX_RESPONSE,
                                     .timeout_ms = timeout_ms,
                                     .min_bytes_per_second = rate};
    struct pintle_response response = {.size = sizeof(response)};
    struct outcome outcome = {.took_ms = -now_ms()};
    struct pti_buf buf;
    struct pintle_sink sink;

    pti_buf_init(&buf, MAX_RESPONSE);
    sink = pti_buf_sink(&buf);
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d/head/1", https ? "https" : "http", server.port);
    outcome.status = transport->perform(transport->ctx, &request, &sink, &response, outcome.detail,
                                        sizeof(outcome.detail));
    outcome.http = response.status;
    outcome.took_ms += now_ms();
    snprintf(outcome.body, sizeof(outcome.body), "%s", buf.size > 0 ? pti_buf_cstr(&buf) : "");
    pti_buf_clear(&buf);
    return outcome;
}

static struct outcome get(struct pintle_transport *transport, bool https, int timeout_ms, uint32_t rate)
{
    return ask("GET", transport, https, timeout_ms, rate);
}

#define SENT_MAX ((size_t)32 << 20) /* what the sockets of both ends may hold, by far */

static void check(const struct script *script, struct pintle_transport *transport)
{
    struct outcome outcome, next;

    atomic_store(&server.sent, 0);
    atomic_store(&server.script, script);
    outcome = get(transport, script->https, script->timeout_ms, 0);
    atomic_store(&server.script, NULL);
    if (outcome.status != script->status || outcome.http != script->http ||
        (script->body != NULL && strcmp(outcome.body, script->body) != 0) ||
        strstr(outcome.detail, script->detail) == NULL || (outcome.status != PINTLE_OK) != (outcome.detail[0] != '\0'))
        fail_msg("%s: status %d, http %d, body \"%s\", \"%s\"", script->name, (int)outcome.status, outcome.http,
                 outcome.body, outcome.detail);
    if (outcome.took_ms > 10000 || atomic_load(&server.sent) > SENT_MAX)
        fail_msg("%s: %lld ms, %zu bytes", script->name, (long long)outcome.took_ms, atomic_load(&server.sent));
    next = get(transport, false, LONG, 0);
    /* What is sent unasked behind an answer may spoil the next transfer over that connection, but never one more. */
    if (next.status != PINTLE_OK && outcome.status == PINTLE_OK && script->again != NULL)
        next = get(transport, false, LONG, 0);
    if (next.status != PINTLE_OK || next.http != 200 || strcmp(next.body, "again") != 0)
        fail_msg("%s: and then: status %d, http %d, body \"%s\", \"%s\"", script->name, (int)next.status, next.http,
                 next.body, next.detail);
}

static void each_harm_is_bounded_and_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct pintle_transport transport;

        assert_int_equal(pintle_curl_transport_init(&transport, NULL), PINTLE_OK);
        check(&scripts[i], &transport);
        transport.free(transport.ctx);
    }
}

/* A report's answer: nobody asked for gzip. */
static void gzip_that_was_not_asked_for_is_refused(void **state)
{
    static const char answer[] = OK_HEAD "Content-Encoding: gzip\r\n\r\n" GZ_HELLO;
    static const struct script unasked = {.first = answer, .first_size = sizeof(answer) - 1, .ending = CLOSE};
    struct pintle_transport transport;
    struct outcome outcome;

    (void)state;
    assert_int_equal(pintle_curl_transport_init(&transport, NULL), PINTLE_OK);
    atomic_store(&server.script, &unasked);
    outcome = ask("POST", &transport, false, LONG, 0);
    atomic_store(&server.script, NULL);
    assert_int_equal(outcome.status, PINTLE_ERR_NETWORK);
    assert_non_null(strstr(outcome.detail, ENCODING));
    transport.free(transport.ctx);
}

static bool heard(const char *word)
{
    for (size_t i = 0; i + strlen(word) <= sizeof(server.heard); i++)
        if (memcmp(server.heard + i, word, strlen(word)) == 0)
            return true;
    return false;
}

static void a_socks_proxy_gets_no_password(void **state)
{
    static const struct script demand = {.at_once = true, .first = "\x05\x02", .ending = SILENCE};
    struct pintle_transport transport;
    char proxy[80];

    assert_int_equal(pintle_curl_transport_init(&transport, NULL), PINTLE_OK);
    snprintf(proxy, sizeof(proxy), "socks5h://user:secret@127.0.0.1:%d", server.port);
    atomic_store(&server.script, &demand);
    setenv("all_proxy", proxy, 1);
    assert_int_equal(get(&transport, false, SHORT, 0).status, PINTLE_ERR_NETWORK);
    unsetenv("all_proxy");
    atomic_store(&server.script, NULL);
    transport.free(transport.ctx);
    stop(state); /* the server has heard all there is */
    assert_true(heard("\x05"));
    assert_false(heard("secret"));
    start(state);
}

/* The rate is libcurl's to measure, over ten seconds: too long for every run. */
static void a_drip_below_the_rate_ends_before_the_deadline(void **state)
{
    static const struct script drip = {.first = OK_HEAD "Content-Length: 50\r\n\r\nhello", .ending = SILENCE};
    struct pintle_transport transport;
    struct outcome outcome;

    (void)state;
    if (getenv("PINTLE_LONG") == NULL)
        skip();
    assert_int_equal(pintle_curl_transport_init(&transport, NULL), PINTLE_OK);
    atomic_store(&server.script, &drip);
    outcome = get(&transport, false, 60000, 100);
    atomic_store(&server.script, NULL);
    assert_int_equal(outcome.status, PINTLE_ERR_NETWORK);
    assert_non_null(strstr(outcome.detail, "too slow"));
    assert_in_range(outcome.took_ms, 5000, 30000);
    transport.free(transport.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_harm_is_bounded_and_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(gzip_that_was_not_asked_for_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(a_socks_proxy_gets_no_password, start, stop),
        cmocka_unit_test_setup_teardown(a_drip_below_the_rate_ends_before_the_deadline, start, stop),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
