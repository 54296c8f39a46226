/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that outlive their connection: what GnuTLS writes has no room for evidence, so they travel in an envelope. */
#include <string.h>

#include "tls/envelope.h"
#include "tls/gnutls/state.h"

/* Whose envelope it is. */
#define TLS12 'g'
#define TLS13 'G'

enum pintle_status pintle_gnutls_session_get(gnutls_session_t session, gnutls_datum_t *data)
{
    struct pti_gnutls_connection *connection;
    struct pti_tls_envelope envelope = {.library = TLS13};
    uint8_t head[PTI_TLS_ENVELOPE_HEAD_MAX];
    gnutls_datum_t inner = {NULL, 0};
    size_t size;

    if (data == NULL)
        return PINTLE_ERR_MISUSE;
    *data = inner;
    connection = session != NULL ? pti_gnutls_connection_get(session) : NULL;
    if (connection == NULL || connection->phase != PTI_GNUTLS_PASSED)
        return PINTLE_ERR_MISUSE;
    switch (gnutls_session_get_data2(session, &inner)) {
    case GNUTLS_E_SUCCESS:
        break;
    case GNUTLS_E_MEMORY_ERROR:
        return PINTLE_ERR_MEMORY;
    default:
        return PINTLE_ERR_UNSUPPORTED;
    }
    if (gnutls_protocol_get_version(session) != GNUTLS_TLS1_3)
        envelope.library = TLS12;
    memcpy(envelope.host, connection->host, sizeof envelope.host);
    envelope.evidence = connection->evidence;
    envelope.session = (struct pintle_bytes){inner.data, inner.size};
    size = pti_tls_envelope_head(&envelope, head);
    data->data = gnutls_malloc(size + inner.size);
    if (data->data != NULL) {
        data->size = (unsigned)(size + inner.size);
        memcpy(data->data, head, size);
        memcpy(data->data + size, inner.data, inner.size);
    }
    gnutls_free(inner.data);
    return data->data != NULL ? PINTLE_OK : PINTLE_ERR_MEMORY;
}

static bool read_envelope(const gnutls_datum_t *data, struct pti_tls_envelope *envelope)
{
    struct pintle_bytes bytes = {data->data, data->size};

    return pti_tls_envelope_read(bytes, TLS13, envelope) == PINTLE_OK ||
           pti_tls_envelope_read(bytes, TLS12, envelope) == PINTLE_OK;
}

enum pintle_status pintle_gnutls_session_set(gnutls_session_t session, const gnutls_datum_t *data)
{
    struct pti_gnutls_connection *connection;
    struct pti_tls_envelope envelope;
    struct pintle_verdict verdict;
    enum pintle_status status;
    unsigned char *copy;
    int error = 0;

    connection = session != NULL && data != NULL ? pti_gnutls_connection_get(session) : NULL;
    if (connection == NULL || connection->phase != PTI_GNUTLS_IDLE || connection->kept.size > 0 ||
        connection->host[0] == '\0')
        return PINTLE_ERR_MISUSE;
    if (!read_envelope(data, &envelope) || strcmp(envelope.host, connection->host) != 0)
        return PINTLE_ERR_INPUT;
    status = pintle_checker_peek(connection->checker, connection->host, &envelope.evidence, &verdict);
    if (status != PINTLE_OK)
        return status;
    copy = gnutls_malloc(envelope.session.size);
    if (copy == NULL)
        return PINTLE_ERR_MEMORY;
    /* In TLS 1.2 ClientHello begins with the session's id, before pti_gnutls_hello() is called. */
    if (envelope.library == TLS12)
        error = gnutls_session_set_data(session, envelope.session.data, envelope.session.size);
    if (error < 0) {
        gnutls_free(copy);
        return error == GNUTLS_E_MEMORY_ERROR ? PINTLE_ERR_MEMORY : PINTLE_ERR_INPUT;
    }
    memcpy(copy, envelope.session.data, envelope.session.size);
    connection->kept = (gnutls_datum_t){copy, (unsigned)envelope.session.size};
    memcpy(connection->kept_host, envelope.host, sizeof envelope.host);
    connection->kept_evidence = envelope.evidence;
    connection->kept_tls13 = envelope.library == TLS13;
    return PINTLE_OK;
}
