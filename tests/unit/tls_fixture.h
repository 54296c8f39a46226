/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates made in memory, and TLS handshakes within one thread of one process, over a BIO pair.  Nothing here
 * knows of pins.  What cannot fail in a sane process fails the test.
 */
#ifndef PTI_TESTS_TLS_FIXTURE_H
#define PTI_TESTS_TLS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#define TLS_FIXTURE_PIN_SIZE 45 /* base64 of SHA-256, with terminator */

struct tls_fixture_cert {
    X509 *x509;
    EVP_PKEY *key;
};

struct tls_fixture_spec {
    const char *name;                      /* common name of the subject */
    const char *san;                       /* "DNS:api.example.test,IP:127.0.0.1"; NULL: none */
    const struct tls_fixture_cert *issuer; /* NULL: self-signed */
    EVP_PKEY *key;                         /* borrowed; NULL: a new P-256 key */
    const char *purpose;                   /* "clientAuth"; NULL: any */
    bool ca;
    bool without_key_ids; /* issuer and subject are then linked by name alone */
    long from_s, until_s; /* relative to now; both 0: an hour ago to a day ahead */
};

struct tls_fixture_cert tls_fixture_cert_new(const struct tls_fixture_spec *spec);
void tls_fixture_cert_clear(struct tls_fixture_cert *cert);
EVP_PKEY *tls_fixture_key_new(void);

/* SHA-256 in base64 of SubjectPublicKeyInfo, and of the whole certificate: by OpenSSL's encoder, not by Pintle's. */
void tls_fixture_spki_pin(const X509 *x509, char pin[TLS_FIXTURE_PIN_SIZE]);
void tls_fixture_cert_pin(const X509 *x509, char pin[TLS_FIXTURE_PIN_SIZE]);

/* PEM files.  key may be NULL. */
void tls_fixture_write(const char *path, X509 *const *certificates, size_t count, EVP_PKEY *key);

/* A server with this leaf that sends count further certificates, in this order, for exactly one version of TLS. */
SSL_CTX *tls_fixture_server_new(const struct tls_fixture_cert *leaf, X509 *const *others, size_t count, int version);
/* A client that trusts root (NULL: nothing so far). */
SSL_CTX *tls_fixture_client_new(X509 *root, int version);
/* The newest session of a client's end that can be resumed, or else its last; once, and the caller frees it. */
SSL_SESSION *tls_fixture_session(const SSL *client);

/* Two ends, not yet shaken. */
struct tls_fixture_pair {
    SSL *client, *server;
};

/* buffer: bytes that the wire holds in each direction; 0 for plenty, 1 makes every step a small one. */
struct tls_fixture_pair tls_fixture_pair_new(SSL_CTX *client, SSL_CTX *server, size_t buffer);
void tls_fixture_pair_clear(struct tls_fixture_pair *pair);

/* What became of a handshake, after which the client wrote "secret" whatever became of it. */
struct tls_fixture_outcome {
    bool connected;     /* SSL_connect() succeeded */
    bool accepted;      /* SSL_accept() succeeded */
    int wrote;          /* what the client's SSL_write() returned */
    size_t server_read; /* application bytes that reached the server, early data included */
    bool answered;      /* the server's "page" reached the client */
    int client_error;   /* reason of the client's first error while shaking hands; 0: none */
    int server_error;   /* reason of the server's first error, such as SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE; 0: none */
};

/* Shakes hands; the client writes, the server answers, the client reads (which also takes in session tickets). */
struct tls_fixture_outcome tls_fixture_run(struct tls_fixture_pair *pair);
/* One step of each end of a handshake; false once neither can go on. */
bool tls_fixture_step(struct tls_fixture_pair *pair);

/* The same with an end of whatever TLS library, over a BIO of a pair. */
enum tls_fixture_progress { TLS_FIXTURE_DONE, TLS_FIXTURE_AGAIN, TLS_FIXTURE_FAILED };

struct tls_fixture_end_ops {
    enum tls_fixture_progress (*shake)(void *ctx, int *error); /* *error: why, if it failed; not 0 */
    int (*write)(void *ctx, const char *data, size_t size);    /* bytes; 0: not now; -1: never */
    int (*read)(void *ctx, char *out, size_t size);            /* the same */
};

struct tls_fixture_end {
    const struct tls_fixture_end_ops *ops;
    void *ctx;
    BIO *wire; /* what this end reads and writes */
};

struct tls_fixture_end tls_fixture_end(SSL *ssl);
struct tls_fixture_outcome tls_fixture_run_ends(const struct tls_fixture_end *client,
                                                const struct tls_fixture_end *server);

#endif
