/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned request over GnuTLS. */
#include <stdio.h>
#include <unistd.h>

#include <pintle/gnutls.h>

#include "example.h"

/* There is no provider over GnuTLS: a small one beside it. */
enum pintle_status example_crypto(struct pintle_crypto **crypto)
{
    return pintle_crypto_mbedtls_new(crypto);
}

/* The trusted certificates stay the application's; the one call is pintle_gnutls_attach(). */
static bool pin(gnutls_session_t session, gnutls_certificate_credentials_t trusted, const struct example *example)
{
    return gnutls_set_default_priority(session) == 0 &&
           gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trusted) == 0 &&
           pintle_gnutls_attach(session, example->checker) == PINTLE_OK &&
           pintle_gnutls_set_host(session, example->host) == PINTLE_OK;
}

static bool shake_hands(gnutls_session_t session, int fd)
{
    int code;

    gnutls_transport_set_int(session, fd);
    do
        code = gnutls_handshake(session);
    while (code < 0 && !gnutls_error_is_fatal(code));
    return code == 0;
}

static void get_page(const struct example *example, gnutls_session_t session)
{
    char text[1024];
    ssize_t size = (ssize_t)example_request(example, text, sizeof text);

    if (gnutls_record_send(session, text, (size_t)size) != size)
        return;
    while ((size = gnutls_record_recv(session, text, sizeof text)) > 0 || size == GNUTLS_E_AGAIN)
        fwrite(text, 1, size > 0 ? (size_t)size : 0, stdout);
}

void example_get(const struct example *example, struct pintle_verdict *verdict)
{
    gnutls_certificate_credentials_t trusted = NULL;
    gnutls_session_t session = NULL;
    int fd = example_dial(example->address, example->port);

    if (fd >= 0 && gnutls_certificate_allocate_credentials(&trusted) == 0 &&
        gnutls_certificate_set_x509_trust_file(trusted, example->ca, GNUTLS_X509_FMT_PEM) > 0 &&
        gnutls_init(&session, GNUTLS_CLIENT) == 0 && pin(session, trusted, example) && shake_hands(session, fd))
        get_page(example, session);
    (void)pintle_gnutls_verdict(session, verdict);
    if (session != NULL)
        gnutls_deinit(session);
    if (trusted != NULL)
        gnutls_certificate_free_credentials(trusted);
    if (fd >= 0)
        close(fd);
}
