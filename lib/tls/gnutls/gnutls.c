/* SPDX-License-Identifier: Apache-2.0 */
/* The three functions of every adapter: attach, set_host, verdict. */
#include <string.h>

#include <pintle/host.h>

#include "tls/gnutls/handshake.h"
#include "tls/verdict.h"

enum pintle_status pintle_gnutls_attach(gnutls_session_t session, struct pintle_checker *checker)
{
    enum pintle_status status;

    if (session == NULL || checker == NULL)
        return PINTLE_ERR_MISUSE;
    status = pti_gnutls_connection_new(session, checker, pti_gnutls_hello);
    if (status != PINTLE_OK)
        return status;
    gnutls_session_set_verify_function(session, pti_gnutls_verify);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, pti_gnutls_hook);
    return PINTLE_OK;
}

enum pintle_status pintle_gnutls_set_host(gnutls_session_t session, const char *host)
{
    struct pti_gnutls_connection *connection = session != NULL ? pti_gnutls_connection_get(session) : NULL;
    char name[PINTLE_HOST_MAX + 1];
    enum pintle_status status;
    bool ip;

    if (connection == NULL || host == NULL)
        return PINTLE_ERR_MISUSE;
    connection->host[0] = '\0'; /* if what follows fails, no host is set, and the handshake fails too */
    status = pintle_host_normalise(host, name, &ip);
    if (status != PINTLE_OK)
        return status;
    /* RFC 6066, section 3: no address in SNI; a length of 0 takes an earlier name away. */
    if (gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, ip ? 0 : strlen(name)) < 0)
        return PINTLE_ERR_MEMORY;
    memcpy(connection->host, name, strlen(name) + 1);
    return PINTLE_OK;
}

/* Is the handshake over?  Only then does GnuTLS describe what it agreed on. */
static bool is_complete(gnutls_session_t session)
{
    char *description = gnutls_session_get_desc(session);
    bool complete = description != NULL;

    gnutls_free(description);
    return complete;
}

enum pintle_status pintle_gnutls_verdict(gnutls_session_t session, struct pintle_verdict *verdict)
{
    const struct pti_gnutls_connection *connection = session != NULL ? pti_gnutls_connection_get(session) : NULL;

    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    if (connection == NULL) {
        pti_tls_reject(verdict, PINTLE_REASON_UNDECIDED, "");
        return verdict->status;
    }
    *verdict = connection->verdict;
    /* An acceptance counts once the handshake is over: before, the server has not proved that the key is its own. */
    if (verdict->status == PINTLE_OK && (connection->phase != PTI_GNUTLS_PASSED || !is_complete(session)))
        pti_tls_reject(verdict, PINTLE_REASON_UNDECIDED, connection->host);
    return verdict->status;
}
