/* SPDX-License-Identifier: Apache-2.0 */
/* mbedTLS's own form of a session has no room for evidence: it travels in an envelope of ours. */
#include <string.h>

#include "tls/envelope.h"
#include "tls/mbedtls/state.h"

#define LIBRARY 'M'

enum pintle_status pintle_mbedtls_session_get(mbedtls_ssl_context *ssl, uint8_t *out, size_t capacity, size_t *size)
{
    struct pti_mbedtls_connection *connection = ssl != NULL ? pti_mbedtls_connection_get(ssl) : NULL;
    struct pti_tls_envelope envelope = {.library = LIBRARY};
    uint8_t head[PTI_TLS_ENVELOPE_HEAD_MAX];
    mbedtls_ssl_session session;
    size_t head_size, session_size = 0;
    int code;

    if (size == NULL)
        return PINTLE_ERR_MISUSE;
    *size = 0;
    if (connection == NULL || (out == NULL && capacity > 0) || !pti_mbedtls_is_accepted(connection))
        return PINTLE_ERR_MISUSE;
    if (pti_mbedtls_hides_types(ssl))
        return PINTLE_ERR_UNSUPPORTED;
    mbedtls_ssl_session_init(&session);
    memcpy(envelope.host, connection->host, sizeof(envelope.host));
    envelope.evidence = connection->evidence;
    head_size = pti_tls_envelope_head(&envelope, head);
    code = mbedtls_ssl_get_session(ssl, &session);
    if (code == 0) {
        bool fits = head_size < capacity;

        code = mbedtls_ssl_session_save(&session, fits ? out + head_size : NULL, fits ? capacity - head_size : 0,
                                        &session_size);
    }
    mbedtls_ssl_session_free(&session);
    if (code != 0 && code != MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL)
        return PINTLE_ERR_MEMORY;
    *size = head_size + session_size;
    if (code != 0)
        return PINTLE_ERR_MISUSE;
    envelope.session = (struct pintle_bytes){out + head_size, session_size};
    (void)pti_tls_envelope_head(&envelope, head); /* now that the session is there for the checksum */
    memcpy(out, head, head_size);
    return PINTLE_OK;
}

/* Hands the session to mbedTLS, which copies it. */
static enum pintle_status offer(struct pti_mbedtls_connection *connection, struct pintle_bytes serialised)
{
    mbedtls_ssl_session session;
    int code;

    mbedtls_ssl_session_init(&session);
    code = mbedtls_ssl_session_load(&session, serialised.data, serialised.size);
    if (code == 0)
        code = mbedtls_ssl_set_session(connection->ssl, &session);
    if (code == 0) {
        memcpy(connection->master, PTI_FIELD(&session, master), sizeof(connection->master));
        connection->phase = PTI_MBEDTLS_OFFERED;
    }
    mbedtls_ssl_session_free(&session);
    if (code == 0)
        return PINTLE_OK;
    return code == MBEDTLS_ERR_SSL_ALLOC_FAILED ? PINTLE_ERR_MEMORY : PINTLE_ERR_INPUT;
}

enum pintle_status pintle_mbedtls_session_set(mbedtls_ssl_context *ssl, struct pintle_bytes saved)
{
    struct pti_mbedtls_connection *connection = ssl != NULL ? pti_mbedtls_connection_get(ssl) : NULL;
    struct pti_tls_envelope envelope;
    enum pintle_status status;

    if (connection == NULL || saved.data == NULL || connection->host[0] == '\0' || connection->is_address ||
        PTI_FIELD(ssl, state) != MBEDTLS_SSL_HELLO_REQUEST)
        return PINTLE_ERR_MISUSE;
    status = pti_mbedtls_start_over(connection); /* without one that was offered before */
    if (status != PINTLE_OK)
        return status;
    status = pti_tls_envelope_read(saved, LIBRARY, &envelope);
    if (status != PINTLE_OK)
        return status;
    /* The name was checked once, for the host of the full handshake: nobody would check it for another. */
    if (strcmp(envelope.host, connection->host) != 0)
        return PINTLE_ERR_TRUST;
    connection->evidence = envelope.evidence;
    status = pintle_checker_peek(connection->context->checker, connection->host, &connection->evidence,
                                 &connection->verdict);
    if (status == PINTLE_OK)
        status = offer(connection, envelope.session);
    if (status != PINTLE_OK)
        pti_mbedtls_forget(connection);
    return status;
}
