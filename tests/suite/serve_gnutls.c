/* SPDX-License-Identifier: Apache-2.0 */
#include <gnutls/gnutls.h>

#include "server.h"

static gnutls_certificate_credentials_t credentials;
static gnutls_datum_t ticket_key;

static bool start(const char *chain, const char *key)
{
    return gnutls_certificate_allocate_credentials(&credentials) == GNUTLS_E_SUCCESS &&
           gnutls_certificate_set_x509_key_file(credentials, chain, key, GNUTLS_X509_FMT_PEM) >= 0 &&
           gnutls_session_ticket_key_generate(&ticket_key) == GNUTLS_E_SUCCESS;
}

static ssize_t write_some(void *session, const void *bytes, size_t size)
{
    return gnutls_record_send(session, bytes, size);
}

static ssize_t read_some(void *session, void *bytes, size_t size)
{
    return gnutls_record_recv(session, bytes, size);
}

static void serve(int fd)
{
    gnutls_session_t session;
    int result;

    if (gnutls_init(&session, GNUTLS_SERVER) != GNUTLS_E_SUCCESS)
        return;
    (void)gnutls_set_default_priority(session);
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    (void)gnutls_session_ticket_enable_server(session, &ticket_key);
    gnutls_transport_set_int(session, fd);
    do
        result = gnutls_handshake(session);
    while (result < 0 && gnutls_error_is_fatal(result) == 0);
    if (result == GNUTLS_E_SUCCESS) {
        server_exchange(session, write_some, read_some);
        (void)gnutls_bye(session, GNUTLS_SHUT_WR);
    }
    gnutls_deinit(session);
}

const struct server server = {.start = start, .serve = serve};
