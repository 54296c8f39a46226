/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application that links the shared libraries as a stranger would.  It keeps one SSL_CTX and offers its last session
 * at every connection.  Usage: stranger ROOTS URL CA STORE HOST PORT; then one command a line on standard input:
 *   refresh    fetch the manifest; prints "refresh STATUS"
 *   connect    a handshake and one request; prints "connect REASON reused=0|1 protocol=P answer=LINE"
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pintle/curl_transport.h>
#include <pintle/openssl.h>
#include <pintle/pintle.h>
#include <pintle/store.h>

struct stranger {
    struct pintle_crypto *crypto;
    struct pintle_config *config;
    struct pintle_client *client;
    struct pintle_checker *checker;
    SSL_CTX *ctx;
    SSL_SESSION *session;
    const char *host;
    int port;
};

static void die(const char *what, enum pintle_status status)
{
    fprintf(stderr, "%s: %s\n", what, pintle_status_name(status));
    exit(1);
}

static void must(const char *what, enum pintle_status status)
{
    if (status != PINTLE_OK)
        die(what, status);
}

/* Keeps the newest session; TLS 1.3 tickets arrive after the handshake. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct stranger *stranger = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(stranger->session);
    stranger->session = session;
    return 1;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        die("connect", PINTLE_ERR_NETWORK);
    return fd;
}

/* The first line of the answer; reads to the end, so that tickets are seen. */
static void request(SSL *ssl, const char *host, char *line, size_t size)
{
    char text[512], answer[4096];
    size_t used = 0;
    int count = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);

    line[0] = '\0';
    if (SSL_write(ssl, text, count) != count)
        return;
    while (used + 1 < sizeof answer && (count = SSL_read(ssl, answer + used, (int)(sizeof answer - used - 1))) > 0)
        used += (size_t)count;
    answer[used] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    snprintf(line, size, "%s", answer);
}

static void handshake(struct stranger *stranger)
{
    SSL *ssl = SSL_new(stranger->ctx);
    int fd = dial(stranger->port);
    struct pintle_verdict verdict;
    char line[128] = "";

    must("set_host", pintle_openssl_set_host(ssl, stranger->host));
    SSL_set_fd(ssl, fd);
    if (stranger->session && SSL_set_session(ssl, stranger->session) != 1)
        die("SSL_set_session", PINTLE_ERR_MISUSE);
    if (SSL_connect(ssl) == 1)
        request(ssl, stranger->host, line, sizeof line);
    ERR_clear_error();
    (void)pintle_openssl_verdict(ssl, &verdict);
    printf("connect %s reused=%d protocol=%s answer=%s\n", pintle_reason_name(verdict.reason), SSL_session_reused(ssl),
           SSL_get_version(ssl), line);
    if (line[0] != '\0')
        SSL_shutdown(ssl); /* or OpenSSL calls the session bad */
    SSL_free(ssl);
    close(fd);
}

int main(int argc, char **argv)
{
    struct stranger stranger = {.config = NULL};
    struct pintle_transport transport;
    struct pintle_store store;
    char command[32], detail[256];

    if (argc != 7)
        return 64;
    stranger.host = argv[5];
    stranger.port = (int)strtol(argv[6], NULL, 10);
    must("transport", pintle_curl_transport_init(&transport, NULL));
    must("store", pintle_store_posix_init(&store, argv[4], detail, sizeof detail));
    must("crypto", pintle_crypto_openssl_new(&stranger.crypto));
    must("config", pintle_config_new(&stranger.config));
    must("crypto", pintle_config_set_crypto(stranger.config, stranger.crypto));
    must("roots", pintle_config_set_roots_file(stranger.config, argv[1]));
    must("url", pintle_config_add_url(stranger.config, argv[2]));
    must("require", pintle_config_require_host(stranger.config, stranger.host));
    must("transport", pintle_config_set_transport(stranger.config, &transport));
    must("store", pintle_config_set_store(stranger.config, &store));
    must("client", pintle_client_new(stranger.config, &stranger.client));
    must("checker", pintle_client_checker(stranger.client, &stranger.checker));
    stranger.ctx = SSL_CTX_new(TLS_client_method());
    if (!stranger.ctx || SSL_CTX_load_verify_file(stranger.ctx, argv[3]) != 1)
        die("SSL_CTX", PINTLE_ERR_INPUT);
    must("attach", pintle_openssl_attach(stranger.ctx, stranger.checker));
    SSL_CTX_set_app_data(stranger.ctx, &stranger);
    SSL_CTX_set_session_cache_mode(stranger.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(stranger.ctx, keep_session);

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(command, sizeof command, stdin)) {
        if (strcmp(command, "refresh\n") == 0)
            printf("refresh %s\n", pintle_status_name(pintle_client_refresh(stranger.client, 5000)));
        else
            handshake(&stranger);
    }

    SSL_SESSION_free(stranger.session);
    SSL_CTX_free(stranger.ctx);
    pintle_checker_free(stranger.checker);
    pintle_client_free(stranger.client);
    pintle_config_free(stranger.config);
    pintle_crypto_free(stranger.crypto);
    transport.free(transport.ctx);
    store.free(store.ctx);
    return 0;
}
