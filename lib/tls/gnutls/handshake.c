/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/gnutls/handshake.h"

#include <errno.h>
#include <string.h>

#include <gnutls/x509.h>

#include "tls/gnutls/chain.h"
#include "tls/verdict.h"

/* What GnuTLS's own verification returns. */
#define REFUSED GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR

#define EARLY_DATA_EXTENSION 42 /* RFC 8446, section 4.2 */

static int reject(struct pti_gnutls_connection *connection, enum pintle_reason reason)
{
    connection->phase = PTI_GNUTLS_DECIDED;
    pti_tls_reject(&connection->verdict, reason, connection->host);
    return REFUSED;
}

static ssize_t push_nothing(gnutls_transport_ptr_t wire, const void *bytes, size_t size)
{
    (void)wire, (void)bytes, (void)size;
    return -1;
}

static ssize_t pull_nothing(gnutls_transport_ptr_t wire, void *bytes, size_t size)
{
    (void)wire, (void)bytes, (void)size;
    return -1;
}

static int aborted(gnutls_transport_ptr_t wire)
{
    (void)wire;
    return ECONNABORTED;
}

/*
 * Where returning an error is not enough.  Before ClientHello has left GnuTLS 3.7 forgets it over early data, which it then
 * sends, and called again it waits for an answer to what it has not said; and a renegotiation that fails leaves the
 * connection as it was before.
 */
static int hang_up(gnutls_session_t session)
{
    gnutls_transport_set_push_function(session, push_nothing);
    gnutls_transport_set_pull_function(session, pull_nothing);
    gnutls_transport_set_errno_function(session, aborted);
    return REFUSED;
}

static int refuse(gnutls_session_t session, const struct pti_gnutls_connection *connection)
{
    return connection->established ? hang_up(session) : REFUSED;
}

/* Was validation weakened by flags of the credentials?  That it may be stricter than usual is no concern of ours. */
static bool is_weakened(gnutls_session_t session)
{
    const unsigned weak = GNUTLS_VERIFY_DISABLE_CA_SIGN | GNUTLS_VERIFY_ALLOW_ANY_X509_V1_CA_CRT |
                          GNUTLS_VERIFY_ALLOW_SIGN_RSA_MD2 | GNUTLS_VERIFY_ALLOW_SIGN_RSA_MD5 |
                          GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |
                          GNUTLS_VERIFY_IGNORE_UNKNOWN_CRIT_EXTENSIONS;
    void *credentials = NULL;

    return gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &credentials) < 0 ||
           (gnutls_certificate_get_verify_flags(credentials) & weak) != 0;
}

/*
 * GnuTLS cannot take a session back, so one that is no longer welcome ends the handshake.  Only here is it certain that
 * the session which goes with this ClientHello is the one whose evidence was asked about, and no other that was set since.
 */
static int offer(gnutls_session_t session, struct pti_gnutls_connection *connection)
{
    if (strcmp(connection->kept_host, connection->host) != 0)
        return reject(connection, connection->host[0] == '\0' ? PINTLE_REASON_HOST_MISSING : PINTLE_REASON_UNDECIDED);
    if (is_weakened(session))
        return reject(connection, PINTLE_REASON_VALIDATION_OFF);
    if (pintle_checker_peek(connection->checker, connection->host, &connection->kept_evidence, &connection->verdict) !=
        PINTLE_OK) {
        connection->phase = PTI_GNUTLS_DECIDED;
        return REFUSED;
    }
    if (!connection->given_once && gnutls_session_set_data(session, connection->kept.data, connection->kept.size) < 0)
        return reject(connection, PINTLE_REASON_UNDECIDED);
    connection->given_once = connection->kept_tls13;
    connection->phase = PTI_GNUTLS_OFFERED;
    return 0;
}

int pti_gnutls_hello(gnutls_session_t session, gnutls_buffer_t extensions)
{
    struct pti_gnutls_connection *connection = pti_gnutls_connection_get(session);

    (void)extensions;
    if (connection == NULL)
        return REFUSED;
    connection->phase = PTI_GNUTLS_STARTED;
    pti_tls_reject(&connection->verdict, PINTLE_REASON_UNDECIDED, connection->host);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, pti_gnutls_hook);
    return connection->kept.size == 0 || offer(session, connection) == 0 ? 0 : hang_up(session);
}

/* Asks the pins about a chain that was verified. */
static void ask(struct pti_gnutls_connection *connection, const struct pti_gnutls_chain *chain)
{
    enum pintle_status status = pintle_checker_evidence(connection->checker, chain->der, chain->count,
                                                        &connection->evidence);

    connection->evidence.adapter = PINTLE_ADAPTER_GNUTLS;
    if (status != PINTLE_OK && status != PINTLE_ERR_INPUT) {
        (void)reject(connection, PINTLE_REASON_CHAIN_UNUSABLE);
        connection->verdict.status = status;
        return;
    }
    /* Evidence of an unusable chain is empty: what that means for this host is for the policy to say. */
    (void)pintle_checker_check(connection->checker, connection->host, &connection->evidence, &connection->verdict);
}

static void decide(gnutls_session_t session, struct pti_gnutls_connection *connection)
{
    struct pti_gnutls_chain chain;
    enum pintle_status status;

    if (connection->host[0] == '\0') {
        (void)reject(connection, PINTLE_REASON_HOST_MISSING);
        return;
    }
    /* A raw public key has no certificate around it that could be validated (RFC 7250). */
    if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_SERVER) != GNUTLS_CRT_X509 || is_weakened(session)) {
        (void)reject(connection, PINTLE_REASON_VALIDATION_OFF);
        return;
    }
    status = pti_gnutls_chain_verify(session, connection->host, &chain);
    if (status == PINTLE_OK) {
        ask(connection, &chain);
    } else {
        (void)reject(connection, PINTLE_REASON_VALIDATION_FAILED);
        connection->verdict.status = status;
    }
    pti_gnutls_chain_clear(&chain);
}

int pti_gnutls_verify(gnutls_session_t session)
{
    struct pti_gnutls_connection *connection = pti_gnutls_connection_get(session);

    if (connection == NULL)
        return REFUSED;
    if (connection->phase == PTI_GNUTLS_STARTED || connection->phase == PTI_GNUTLS_OFFERED) {
        connection->phase = PTI_GNUTLS_DECIDED;
        decide(session, connection);
    } else if (connection->phase != PTI_GNUTLS_DECIDED) {
        (void)reject(connection, PINTLE_REASON_VALIDATION_OFF);
    }
    /* gnutls_handshake() called again after a refusal comes here again, and gets the same answer. */
    return connection->verdict.status == PINTLE_OK ? 0 : refuse(session, connection);
}

static int is_early_data(void *found, unsigned id, const unsigned char *data, unsigned size)
{
    (void)data, (void)size;
    if (id == EARLY_DATA_EXTENSION)
        *(bool *)found = true;
    return 0;
}

/* Early data would leave with ClientHello, before any verdict. */
static int let_hello_out(gnutls_session_t session, struct pti_gnutls_connection *connection,
                         const gnutls_datum_t *message)
{
    bool found = false;

    if (gnutls_ext_raw_parse(&found, is_early_data, message, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO) >= 0 && !found)
        return 0;
    (void)reject(connection, PINTLE_REASON_UNDECIDED);
    return hang_up(session);
}

/* A Finished, ours or the server's: the last moment before application data. */
static int let_finished_pass(gnutls_session_t session, struct pti_gnutls_connection *connection)
{
    if (connection->phase == PTI_GNUTLS_OFFERED && gnutls_session_is_resumed(session) != 0) {
        connection->evidence = connection->kept_evidence;
        connection->phase = PTI_GNUTLS_PASSED;
    } else if (connection->phase == PTI_GNUTLS_DECIDED && connection->verdict.status == PINTLE_OK) {
        connection->phase = PTI_GNUTLS_PASSED;
    }
    if (connection->phase == PTI_GNUTLS_PASSED) {
        connection->established = true;
        return 0;
    }
    /* No certificate, another verify function than ours or none, or a session that nobody vouches for. */
    if (connection->phase != PTI_GNUTLS_DECIDED || connection->verdict.status == PINTLE_OK)
        (void)reject(connection, PINTLE_REASON_VALIDATION_OFF);
    return refuse(session, connection);
}

int pti_gnutls_hook(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                    const gnutls_datum_t *message)
{
    struct pti_gnutls_connection *connection = pti_gnutls_connection_get(session);

    (void)when;
    if (connection == NULL)
        return REFUSED;
    if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO && incoming == 0)
        return let_hello_out(session, connection, message);
    /* A full handshake after all; in a renegotiation gnutls_session_is_resumed() does not know. */
    if (type == GNUTLS_HANDSHAKE_SERVER_HELLO_DONE && connection->phase == PTI_GNUTLS_OFFERED)
        connection->phase = PTI_GNUTLS_STARTED;
    if (type == GNUTLS_HANDSHAKE_FINISHED)
        return let_finished_pass(session, connection);
    return 0;
}
