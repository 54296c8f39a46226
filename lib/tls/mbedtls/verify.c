/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of the server's certificate.  mbedTLS has built and checked the chain before it calls, for each certificate
 * from the anchor (highest depth) down to the leaf (0), with the flags that it found; the bytes are those received.
 * Nothing is allocated here.
 */
#include <string.h>

#include <mbedtls/oid.h>

#include "tls/mbedtls/hooks.h"
#include "tls/verdict.h"

/* mbedTLS would waive MBEDTLS_ERR_X509_CERT_VERIFY_FAILED under VERIFY_OPTIONAL, but not this. */
#define REFUSED MBEDTLS_ERR_X509_FATAL_ERROR

int pti_mbedtls_refuse(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    (void)ctx, (void)certificate, (void)depth, (void)flags;
    return REFUSED;
}

int pti_mbedtls_random(void *ctx, unsigned char *out, size_t size)
{
    const struct pti_mbedtls_context *context = ctx;

    if (PTI_FIELD(context->conf, authmode) != MBEDTLS_SSL_VERIFY_REQUIRED ||
        PTI_FIELD(context->conf, f_vrfy) != pti_mbedtls_refuse)
        return MBEDTLS_ERR_SSL_BAD_CONFIG;
    return context->random(context->random_ctx, out, size);
}

static int refuse(struct pti_mbedtls_connection *connection, enum pintle_reason reason)
{
    pti_tls_reject(&connection->verdict, reason, connection->host);
    connection->phase = PTI_MBEDTLS_DECIDED;
    connection->next_depth = -1;
    return REFUSED;
}

/* Asks the application's callback, which may set flags, but not clear any. */
static int ask(const struct pti_mbedtls_connection *connection, mbedtls_x509_crt *certificate, int depth,
               uint32_t *flags)
{
    uint32_t its = *flags;
    int code;

    if (connection->verify == NULL)
        return 0;
    code = connection->verify(connection->verify_ctx, certificate, depth, &its);
    *flags |= its;
    return code;
}

static void decide(struct pti_mbedtls_connection *connection)
{
    struct pintle_checker *checker = connection->context->checker;
    enum pintle_status status = pintle_checker_evidence(checker, connection->chain, connection->chain_size,
                                                        &connection->evidence);

    connection->evidence.adapter = PINTLE_ADAPTER_MBEDTLS;
    connection->phase = PTI_MBEDTLS_DECIDED;
    if (status != PINTLE_OK && status != PINTLE_ERR_INPUT) {
        pti_tls_reject(&connection->verdict, PINTLE_REASON_CHAIN_UNUSABLE, connection->host);
        connection->verdict.status = status;
        return;
    }
    /* Evidence of an unusable chain is empty: what that means for this host is for the policy to say. */
    (void)pintle_checker_check(checker, connection->host, &connection->evidence, &connection->verdict);
}

/* mbedTLS looks at the leaf's extended key usage only after its callbacks: pins would be asked about an invalid one. */
static void check_usage(const mbedtls_x509_crt *leaf, uint32_t *flags)
{
    if (mbedtls_x509_crt_check_extended_key_usage(leaf, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
        *flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
}

/*
 * False: this handshake has its decision.  mbedTLS goes on if it is called again after a refusal, and takes what the
 * server then sends as its certificate.
 */
static bool begin_chain(struct pti_mbedtls_connection *connection, int depth)
{
    if (PTI_FIELD(connection->ssl, f_send) != pti_mbedtls_send) {
        pti_mbedtls_wire_take(connection);
        pti_mbedtls_forget(connection); /* a new wire, whose ClientHello we did not see */
    }
    if (connection->phase == PTI_MBEDTLS_DECIDED)
        return false;
    connection->failed = false;
    connection->next_depth = depth;
    /* One that is too long is no chain: pintle_checker_evidence() finds nothing in it. */
    connection->chain_size = (size_t)depth < PINTLE_CHAIN_MAX ? (size_t)depth + 1 : 0;
    return true;
}

int pti_mbedtls_verify(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct pti_mbedtls_connection *connection = ctx;
    enum pintle_reason reason;
    int code;

    if (connection->next_depth < 0 && !begin_chain(connection, depth))
        return REFUSED;
    if (depth == 0)
        check_usage(certificate, flags);
    code = ask(connection, certificate, depth, flags);
    if (code != 0) {
        (void)refuse(connection, PINTLE_REASON_VALIDATION_FAILED);
        return code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? REFUSED : code;
    }
    if (depth != connection->next_depth--) /* not as mbedTLS goes through a chain */
        return refuse(connection, PINTLE_REASON_CHAIN_UNUSABLE);
    connection->failed |= *flags != 0;
    if ((size_t)depth < connection->chain_size)
        connection->chain[depth] = (struct pintle_bytes){certificate->raw.p, certificate->raw.len};
    if (depth > 0)
        return 0;
    reason = pti_mbedtls_validation(connection);
    if (reason != PINTLE_REASON_UNDECIDED)
        return refuse(connection, reason);
    if (connection->failed) { /* under VERIFY_REQUIRED mbedTLS refuses by itself, with the alert that fits */
        (void)refuse(connection, PINTLE_REASON_VALIDATION_FAILED);
        return 0;
    }
    decide(connection);
    return connection->verdict.status == PINTLE_OK ? 0 : REFUSED;
}
