/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/gnutls/state.h"

#include <stdlib.h>

#include "tls/verdict.h"

/* Never sent: it holds a place.  From the range for private use (RFC 8446, section 11). */
#define GUARD_EXTENSION 0xff9e

static void free_connection(gnutls_ext_priv_data_t data)
{
    struct pti_gnutls_connection *connection = data;

    if (connection == NULL)
        return;
    pintle_checker_free(connection->checker);
    gnutls_free(connection->kept.data);
    free(connection);
}

struct pti_gnutls_connection *pti_gnutls_connection_get(gnutls_session_t session)
{
    gnutls_ext_priv_data_t data = NULL;

    return gnutls_ext_get_data(session, GUARD_EXTENSION, &data) == 0 ? data : NULL;
}

enum pintle_status pti_gnutls_connection_new(gnutls_session_t session, struct pintle_checker *checker,
                                             int (*at_hello)(gnutls_session_t, gnutls_buffer_t))
{
    struct pti_gnutls_connection *connection = calloc(1, sizeof *connection);
    int error;

    if (connection == NULL)
        return PINTLE_ERR_MEMORY;
    error = gnutls_session_ext_register(session, "pintle", GUARD_EXTENSION, GNUTLS_EXT_MANDATORY, NULL, at_hello,
                                        free_connection, NULL, NULL,
                                        GNUTLS_EXT_FLAG_TLS | GNUTLS_EXT_FLAG_CLIENT_HELLO);
    if (error < 0) {
        free(connection);
        return error == GNUTLS_E_ALREADY_REGISTERED ? PINTLE_ERR_MISUSE : PINTLE_ERR_MEMORY;
    }
    connection->checker = pintle_checker_ref(checker);
    pti_tls_reject(&connection->verdict, PINTLE_REASON_UNDECIDED, "");
    gnutls_ext_set_data(session, GUARD_EXTENSION, connection);
    return PINTLE_OK;
}
