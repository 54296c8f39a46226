/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and handshakes in memory; over OpenSSL or over BoringSSL, whichever this is compiled with. */
#include "tls_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

EVP_PKEY *tls_fixture_key_new(void)
{
#ifdef OPENSSL_IS_BORINGSSL
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *made = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);

    assert_int_equal(EC_KEY_generate_key(made), 1);
    assert_int_equal(EVP_PKEY_assign_EC_KEY(key, made), 1);
#else
    EVP_PKEY *key = EVP_EC_gen("P-256");
#endif
    assert_non_null(key);
    return key;
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct tls_fixture_cert tls_fixture_cert_new(const struct tls_fixture_spec *spec)
{
    static uint64_t serial = 1000;
    struct tls_fixture_cert cert = {X509_new(), spec->key};
    X509 *read;
    bool dated = spec->from_s != 0 || spec->until_s != 0;
    X509 *issuer;
    X509_NAME *name;

    if (cert.key != NULL)
        EVP_PKEY_up_ref(cert.key);
    else
        cert.key = tls_fixture_key_new();
    assert_non_null(cert.x509);
    issuer = spec->issuer != NULL ? spec->issuer->x509 : cert.x509;
    X509_set_version(cert.x509, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert.x509), dated ? spec->from_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert.x509), dated ? spec->until_s : 86400);
    name = X509_get_subject_name(cert.x509);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->name, -1, -1, 0), 1);
    X509_set_issuer_name(cert.x509, X509_get_subject_name(issuer));
    X509_set_pubkey(cert.x509, cert.key);
    add_extension(cert.x509, issuer, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (spec->ca)
        add_extension(cert.x509, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (spec->purpose != NULL)
        add_extension(cert.x509, issuer, NID_ext_key_usage, spec->purpose);
    if (spec->san != NULL)
        add_extension(cert.x509, issuer, NID_subject_alt_name, spec->san);
    if (!spec->without_key_ids) {
        add_extension(cert.x509, issuer, NID_subject_key_identifier, "hash");
        add_extension(cert.x509, issuer, NID_authority_key_identifier, "keyid");
    }
    assert_true(X509_sign(cert.x509, spec->issuer != NULL ? spec->issuer->key : cert.key, EVP_sha256()) > 0);
    read = X509_dup(
        cert.x509); /* as certificates are that came from a file: only those keep the bytes they were read from */
    assert_non_null(read);
    X509_free(cert.x509);
    cert.x509 = read;
    return cert;
}

void tls_fixture_cert_clear(struct tls_fixture_cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    memset(cert, 0, sizeof(*cert));
}

static void hash(unsigned char *der, int size, char pin[TLS_FIXTURE_PIN_SIZE])
{
    unsigned char digest[32];

    assert_true(size > 0);
    assert_int_equal(EVP_Digest(der, (size_t)size, digest, NULL, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock((unsigned char *)pin, digest, sizeof(digest));
    OPENSSL_free(der);
}

void tls_fixture_spki_pin(const X509 *x509, char pin[TLS_FIXTURE_PIN_SIZE])
{
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);

    hash(der, size, pin);
}

void tls_fixture_cert_pin(const X509 *x509, char pin[TLS_FIXTURE_PIN_SIZE])
{
    unsigned char *der = NULL;
    int size = i2d_X509((X509 *)x509, &der);

    hash(der, size, pin);
}

void tls_fixture_write(const char *path, X509 *const *certificates, size_t count, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(PEM_write_X509(file, certificates[i]), 1);
    if (key != NULL)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

SSL_CTX *tls_fixture_server_new(const struct tls_fixture_cert *leaf, X509 *const *others, size_t count, int version)
{
    static const unsigned char id[] = "fixture";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    assert_non_null(ctx);
    SSL_CTX_set_min_proto_version(ctx, (uint16_t)version);
    SSL_CTX_set_max_proto_version(ctx, (uint16_t)version);
    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
    if (leaf != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, leaf->x509), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, leaf->key), 1);
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(SSL_CTX_add1_chain_cert(ctx, others[i]), 1);
    return ctx;
}

#ifdef OPENSSL_IS_BORINGSSL
/* BoringSSL hands out what can be resumed in TLS 1.3 only here. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION_free(SSL_get_app_data(ssl)); /* NULL is legal */
    SSL_set_app_data(ssl, session);
    return 1;
}
#endif

SSL_SESSION *tls_fixture_session(const SSL *client)
{
#ifdef OPENSSL_IS_BORINGSSL
    SSL_SESSION *session = SSL_get_app_data(client);

    if (session != NULL) {
        SSL_set_app_data((SSL *)client, NULL);
        return session;
    }
#endif
    return SSL_get1_session((SSL *)client);
}

SSL_CTX *tls_fixture_client_new(X509 *root, int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    assert_non_null(ctx);
    SSL_CTX_set_min_proto_version(ctx, (uint16_t)version);
    SSL_CTX_set_max_proto_version(ctx, (uint16_t)version);
#ifdef OPENSSL_IS_BORINGSSL
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
#endif
    if (root != NULL)
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root), 1);
    return ctx;
}

struct tls_fixture_pair tls_fixture_pair_new(SSL_CTX *client, SSL_CTX *server, size_t buffer)
{
    struct tls_fixture_pair pair = {SSL_new(client), SSL_new(server)};
    BIO *a, *b;

    assert_non_null(pair.client);
    assert_non_null(pair.server);
    assert_int_equal(BIO_new_bio_pair(&a, buffer, &b, buffer), 1);
    SSL_set_bio(pair.client, a, a);
    SSL_set_bio(pair.server, b, b);
    SSL_set_connect_state(pair.client);
    SSL_set_accept_state(pair.server);
    return pair;
}

void tls_fixture_pair_clear(struct tls_fixture_pair *pair)
{
#ifdef OPENSSL_IS_BORINGSSL
    SSL_SESSION_free(SSL_get_app_data(pair->client));
#endif
    SSL_free(pair->client);
    SSL_free(pair->server);
    memset(pair, 0, sizeof(*pair));
    ERR_clear_error();
}

static bool may_go_on(SSL *ssl, int result)
{
    int error = SSL_get_error(ssl, result);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static enum tls_fixture_progress openssl_shake(void *ctx, int *error)
{
    SSL *ssl = ctx;
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(ssl);
    if (result == 1)
        return TLS_FIXTURE_DONE;
    if (may_go_on(ssl, result))
        return TLS_FIXTURE_AGAIN;
    *error = ERR_GET_REASON(ERR_peek_error());
    return TLS_FIXTURE_FAILED;
}

static int openssl_write(void *ctx, const char *data, size_t size)
{
    int result = SSL_write(ctx, data, (int)size);

    return result > 0 ? result : may_go_on(ctx, result) ? 0 : -1;
}

static int openssl_read(void *ctx, char *out, size_t size)
{
    int result = SSL_read(ctx, out, (int)size);

    return result > 0 ? result : may_go_on(ctx, result) ? 0 : -1;
}

static const struct tls_fixture_end_ops openssl_end = {openssl_shake, openssl_write, openssl_read};

/* One step of a handshake; *error keeps the first reason of a failure. */
static bool shake(const struct tls_fixture_end *end, bool *done, int *error)
{
    enum tls_fixture_progress progress;
    int reason = 0;

    if (*done)
        return false;
    progress = end->ops->shake(end->ctx, &reason);
    *done = progress != TLS_FIXTURE_AGAIN;
    if (progress == TLS_FIXTURE_FAILED && *error == 0)
        *error = reason != 0 ? reason : -1;
    return *done;
}

/* Rises with every byte that either end reads or writes. */
static uint64_t traffic(const struct tls_fixture_end *client, const struct tls_fixture_end *server)
{
    return BIO_number_read(client->wire) + BIO_number_written(client->wire) + BIO_number_read(server->wire) +
           BIO_number_written(server->wire);
}

bool tls_fixture_step(struct tls_fixture_pair *pair)
{
    struct tls_fixture_end client = tls_fixture_end(pair->client), server = tls_fixture_end(pair->server);
    bool client_done = SSL_is_init_finished(pair->client), server_done = SSL_is_init_finished(pair->server);
    uint64_t before = traffic(&client, &server);
    int error = 0;

    shake(&client, &client_done, &error);
    shake(&server, &server_done, &error);
    return traffic(&client, &server) != before;
}

/* Reads what is there and says how much it was. */
static size_t drain(const struct tls_fixture_end *end, char *out, size_t size)
{
    size_t total = 0;
    int got;

    while (total < size && (got = end->ops->read(end->ctx, out + total, size - total)) > 0)
        total += (size_t)got;
    return total;
}

struct tls_fixture_end tls_fixture_end(SSL *ssl)
{
    return (struct tls_fixture_end){&openssl_end, ssl, SSL_get_rbio(ssl)};
}

struct tls_fixture_outcome tls_fixture_run(struct tls_fixture_pair *pair)
{
    struct tls_fixture_end client = tls_fixture_end(pair->client), server = tls_fixture_end(pair->server);

    return tls_fixture_run_ends(&client, &server);
}

struct tls_fixture_outcome tls_fixture_run_ends(const struct tls_fixture_end *client,
                                                const struct tls_fixture_end *server)
{
    struct tls_fixture_outcome outcome = {0};
    bool client_done = false, server_done = false, wrote = false, answered = false;
    char from_client[64], from_server[64];
    uint64_t before = 0;
    size_t page = 0;

    /* The last rounds let what was written arrive; the limit only ends a test that would hang. */
    for (int idle = 0, round = 0; idle < 3 && round < 200000; round++) {
        bool moved = shake(client, &client_done, &outcome.client_error);

        moved |= shake(server, &server_done, &outcome.server_error);
        if (client_done && !wrote) {
            outcome.connected = outcome.client_error == 0;
            outcome.wrote = client->ops->write(client->ctx, "secret", 6);
            wrote = outcome.wrote != 0;
            moved = true;
        }
        if (server_done) {
            size_t got = drain(server, from_client, sizeof(from_client));

            outcome.server_read += got;
            moved |= got > 0;
            if (outcome.server_read >= 6 && !answered) {
                answered = server->ops->write(server->ctx, "page", 4) != 0;
                moved = true;
            }
        }
        if (client_done && page < sizeof(from_server)) { /* tickets too: a server may wait until they are taken */
            size_t got = drain(client, from_server + page, sizeof(from_server) - page);

            page += got;
            moved |= got > 0;
        }
        idle = moved || traffic(client, server) != before ? 0 : idle + 1;
        before = traffic(client, server);
    }
    outcome.accepted = server_done && outcome.server_error == 0;
    outcome.answered = page == 4 && memcmp(from_server, "page", 4) == 0;
    ERR_clear_error();
    return outcome;
}
