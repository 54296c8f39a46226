/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/probe.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pin/decide.h"
#include "pin/der.h"
#include "pin/host.h"

/* Signature algorithms that only one kind of key can make (RFC 8446, section 4.2.3). */
static const char ecdsa_only[] = "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519";
static const char rsa_only[] = "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
                               "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";
/* Up to TLS 1.2 the cipher suite says the same, and some servers look at nothing else. */
static const char ecdsa_ciphers[] = "aECDSA:!eNULL", rsa_ciphers[] = "aRSA:!eNULL";

static enum pintle_status no_memory(struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for a TLS connection");
}

/* ---- one certificate ---- */

static void copy_name(const X509_NAME *name, char out[PTI_PROBE_NAME_SIZE])
{
    BIO *bio = BIO_new(BIO_s_mem());
    int length = 0;

    /* Escapes control and non-ASCII bytes: certificates are the peer's words and end up on a terminal. */
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        length = BIO_read(bio, out, PTI_PROBE_NAME_SIZE - 1);
    }
    out[length > 0 ? length : 0] = '\0';
    BIO_free(bio);
}

static int64_t unix_seconds(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    int64_t result = 0;

    if (epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1) {
        result = (int64_t)days * 86400 + seconds;
    }
    ASN1_TIME_free(epoch);
    return result;
}

static void describe_key(X509 *certificate, char *out, size_t size)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    char group[32] = "";
    size_t length = 0;

    if (!key) {
        pti_copy_text(out, size, "unknown");
    } else if (EVP_PKEY_is_a(key, "EC")) {
        if (EVP_PKEY_get_group_name(key, group, sizeof group, &length) != 1) {
            pti_copy_text(group, sizeof group, "unknown curve");
        }
        snprintf(out, size, "EC %s",
                 strcmp(group, "prime256v1") == 0  ? "P-256"
                 : strcmp(group, "secp384r1") == 0 ? "P-384"
                                                   : group);
    } else if (EVP_PKEY_is_a(key, "RSA")) {
        snprintf(out, size, "RSA %d", EVP_PKEY_get_bits(key));
    } else {
        const char *name = EVP_PKEY_get0_type_name(key);

        pti_copy_text(out, size, name ? name : "unknown");
    }
}

static enum pintle_status read_certificate(X509 *certificate, struct pti_probe_certificate *out,
                                           struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_INPUT;
    struct pintle_bytes bytes = {NULL, 0}, spki = {NULL, 0};
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);

    memset(out, 0, sizeof *out);
    if (length <= 0) {
        return no_memory(error);
    }
    bytes = (struct pintle_bytes){der, (size_t)length};
    if (!pti_der_certificate_spki(bytes, &spki)) {
        status = pti_fail(error, PINTLE_ERR_INPUT, "the host serves a certificate that is not DER (RFC 5280)");
    } else if (EVP_Digest(bytes.data, bytes.size, out->cert, NULL, EVP_sha256(), NULL) != 1 ||
               EVP_Digest(spki.data, spki.size, out->spki, NULL, EVP_sha256(), NULL) != 1) {
        status = no_memory(error);
    } else {
        copy_name(X509_get_subject_name(certificate), out->subject);
        copy_name(X509_get_issuer_name(certificate), out->issuer);
        out->not_before = unix_seconds(X509_get0_notBefore(certificate));
        out->not_after = unix_seconds(X509_get0_notAfter(certificate));
        describe_key(certificate, out->key, sizeof out->key);
        status = PINTLE_OK;
    }
    OPENSSL_free(der);
    return status;
}

/* ---- the chain ---- */

static int position_in(STACK_OF(X509) * chain, X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (X509_cmp(sk_X509_value(chain, i), certificate) == 0) {
            return i;
        }
    }
    return -1;
}

static enum pintle_status add(X509 *certificate, int sent_at, int chain_at, struct pti_probe_result *result,
                              struct pti_error *error)
{
    struct pti_probe_certificate *next = &result->certificates[result->count];
    enum pintle_status status = read_certificate(certificate, next, error);

    if (status == PINTLE_OK) {
        next->sent_at = sent_at;
        next->chain_at = chain_at;
        result->count++;
    }
    return status;
}

static enum pintle_status read_chain(SSL *ssl, struct pti_probe_result *result, struct pti_error *error)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
    STACK_OF(X509) *verified = result->valid ? SSL_get0_verified_chain(ssl) : NULL;
    enum pintle_status status = PINTLE_OK;

    if (sk_X509_num(sent) <= 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "the host completed a handshake without any certificate");
    }
    if (sk_X509_num(sent) > PINTLE_CHAIN_MAX || sk_X509_num(verified) > PINTLE_CHAIN_MAX) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected at most %d certificates, found %d; no client would accept it", PINTLE_CHAIN_MAX,
                        sk_X509_num(sent));
    }
    for (int i = 0; i < sk_X509_num(verified) && status == PINTLE_OK; i++) {
        X509 *certificate = sk_X509_value(verified, i);

        status = add(certificate, position_in(sent, certificate), i, result, error);
    }
    for (int i = 0; i < sk_X509_num(sent) && status == PINTLE_OK; i++) {
        X509 *certificate = sk_X509_value(sent, i);

        if (!verified || position_in(verified, certificate) < 0) {
            status = add(certificate, i, -1, result, error);
        }
    }
    return status;
}

/* ---- the connection ---- */

static enum pintle_status context_new(const struct pti_probe_request *request, SSL_CTX **ctx, struct pti_error *error)
{
    bool ecdsa = request->key == PTI_PROBE_KEY_ECDSA;

    *ctx = SSL_CTX_new(TLS_client_method());
    if (!*ctx) {
        return no_memory(error);
    }
    /* Look, whatever it is; SSL_get_verify_result() still tells what validation found. */
    SSL_CTX_set_verify(*ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(*ctx, SSL_SESS_CACHE_OFF);
    if (request->key != PTI_PROBE_KEY_ANY &&
        (SSL_CTX_set1_sigalgs_list(*ctx, ecdsa ? ecdsa_only : rsa_only) != 1 ||
         SSL_CTX_set_cipher_list(*ctx, ecdsa ? ecdsa_ciphers : rsa_ciphers) != 1)) {
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this OpenSSL knows not all algorithms asked for");
    }
    if (!request->ca_file) {
        (void)SSL_CTX_set_default_verify_paths(*ctx); /* a machine without a trust store: nothing validates */
    } else if (SSL_CTX_load_verify_file(*ctx, request->ca_file) != 1) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected PEM certificates in %s, found none that can be read",
                        request->ca_file);
    }
    return PINTLE_OK;
}

enum pintle_status pti_probe_check_ca(const char *ca_file, struct pti_error *error)
{
    const struct pti_probe_request request = {.ca_file = ca_file, .key = PTI_PROBE_KEY_ANY};
    SSL_CTX *ctx = NULL;
    enum pintle_status status = context_new(&request, &ctx, error);

    SSL_CTX_free(ctx);
    ERR_clear_error();
    return status;
}

static enum pintle_status connection_new(const struct pti_probe_request *request, SSL_CTX *ctx, SSL **ssl,
                                         struct pti_error *error)
{
    struct pti_host host;
    X509_VERIFY_PARAM *parameters = NULL;

    if (pti_host_parse(request->host.host, &host, error) != PINTLE_OK) {
        return error->status;
    }
    *ssl = SSL_new(ctx);
    if (!*ssl) {
        return no_memory(error);
    }
    parameters = SSL_get0_param(*ssl);
    if (host.ip ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.name) != 1
                : X509_VERIFY_PARAM_set1_host(parameters, host.name, 0) != 1 ||
                      SSL_set_tlsext_host_name(*ssl, host.name) != 1) {
        return no_memory(error);
    }
    return PINTLE_OK;
}

enum pintle_status pti_probe(const struct pti_probe_request *request, struct pti_probe_result *result,
                             struct pti_error *error)
{
    const struct pti_endpoint *where = request->connect ? request->connect : &request->host;
    struct pti_dial_bound bound = pti_dial_bound(request->timeout_ms);
    enum pintle_status status = PINTLE_ERR_MEMORY;
    SSL_CTX *ctx = NULL;
    SSL *ssl = NULL;
    long verified = 0;
    int fd = -1;

    bound.cancelled = request->cancelled;
    memset(result, 0, sizeof *result);
    status = context_new(request, &ctx, error);
    if (status != PINTLE_OK) {
        goto done;
    }
    status = connection_new(request, ctx, &ssl, error);
    if (status != PINTLE_OK) {
        goto done;
    }
    status = pti_dial(where, &bound, &fd, result->address, error);
    if (status != PINTLE_OK) {
        goto done;
    }
    status = pti_dial_handshake(ssl, fd, &bound, error);
    if (status != PINTLE_OK) {
        goto done;
    }
    verified = SSL_get_verify_result(ssl);
    result->valid = verified == X509_V_OK;
    pti_copy_text(result->validation, sizeof result->validation, X509_verify_cert_error_string(verified));
    pti_copy_text(result->protocol, sizeof result->protocol, SSL_get_version(ssl));
    status = read_chain(ssl, result, error);
done:
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* ---- edges ---- */

const char *pti_probe_outcome_name(enum pti_probe_outcome outcome)
{
    switch (outcome) {
    case PTI_PROBE_FAILED:
        return "failed";
    case PTI_PROBE_NOT_SERVED:
        return "not_served";
    case PTI_PROBE_SERVED:
        return "served";
    }
    return "unknown";
}

static bool is_rsa(const struct pti_probe_result *result)
{
    return strncmp(result->certificates[0].key, "RSA", 3) == 0;
}

static bool has_other_kind(const struct pti_probe_request *request, struct pti_probe_result *result)
{
    struct pti_probe_request any = *request;

    any.key = PTI_PROBE_KEY_ANY;
    return pti_probe(&any, result, NULL) == PINTLE_OK && is_rsa(result) != (request->key == PTI_PROBE_KEY_RSA);
}

enum pti_probe_outcome pti_probe_edge(const struct pti_probe_request *request, struct pti_probe_result *result,
                                      struct pti_error *error)
{
    enum pti_probe_outcome outcome = PTI_PROBE_FAILED;

    if (pti_probe(request, result, error) == PINTLE_OK) {
        return PTI_PROBE_SERVED;
    }
    if (request->key != PTI_PROBE_KEY_ANY && result->address[0] && has_other_kind(request, result)) {
        outcome = PTI_PROBE_NOT_SERVED;
        (void)pti_fail(error, PINTLE_ERR_NETWORK, "it serves no %s certificate, only one for a key of kind %s",
                       request->key == PTI_PROBE_KEY_RSA ? "RSA" : "ECDSA", result->certificates[0].key);
    }
    memset(result, 0, sizeof *result);
    return outcome;
}

void pti_probe_evidence(const struct pti_probe_result *result, struct pintle_evidence *evidence)
{
    memset(evidence, 0, sizeof *evidence);
    evidence->of = PINTLE_OF_SPKI | PINTLE_OF_CERT;
    for (size_t i = 0; result->valid && i < result->count; i++) {
        const struct pti_probe_certificate *certificate = &result->certificates[i];

        if (certificate->chain_at >= 0 && certificate->chain_at < PINTLE_CHAIN_MAX) {
            memcpy(evidence->spki[certificate->chain_at], certificate->spki, PINTLE_SHA256_SIZE);
            memcpy(evidence->cert[certificate->chain_at], certificate->cert, PINTLE_SHA256_SIZE);
            evidence->count++;
        }
    }
}

void pti_probe_judge(const struct pti_probe_result *result, const struct pintle_pinset *pinset, const char *host,
                     int64_t now, struct pintle_verdict *verdict)
{
    struct pintle_evidence evidence;

    if (!result->valid) {
        pti_verdict_reject(verdict, PINTLE_REASON_VALIDATION_FAILED, host);
        return;
    }
    pti_probe_evidence(result, &evidence);
    (void)pintle_pinset_check(pinset, host, &evidence, now, verdict);
}
