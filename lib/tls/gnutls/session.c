/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that outlive their connection: what GnuTLS writes has no room for evidence, so they travel in an envelope. */
#include <string.h>

#include "tls/envelope.h"
#include "tls/gnutls/state.h"

#define LIBRARY 'G'

enum pintle_status pintle_gnutls_session_get(gnutls_session_t session, gnutls_datum_t *data)
{
    struct pti_gnutls_connection *connection;
    struct pti_tls_envelope envelope = {.library = LIBRARY};
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

enum pintle_status pintle_gnutls_session_set(gnutls_session_t session, const gnutls_datum_t *data)
{
    struct pti_gnutls_connection *connection;
    struct pti_tls_envelope envelope;
    struct pintle_verdict verdict;
    enum pintle_status status;
    unsigned char *copy;

    connection = session != NULL && data != NULL ? pti_gnutls_connection_get(session) : NULL;
    if (connection == NULL || connection->phase != PTI_GNUTLS_IDLE || connection->kept.size > 0 ||
        connection->host[0] == '\0')
        return PINTLE_ERR_MISUSE;
    if (pti_tls_envelope_read((struct pintle_bytes){data->data, data->size}, LIBRARY, &envelope) != PINTLE_OK ||
        strcmp(envelope.host, connection->host) != 0)
        return PINTLE_ERR_INPUT;
    status = pintle_checker_peek(connection->checker, connection->host, &envelope.evidence, &verdict);
    if (status != PINTLE_OK)
        return status;
    copy = gnutls_malloc(envelope.session.size);
    if (copy == NULL)
        return PINTLE_ERR_MEMORY;
    if (gnutls_session_set_data(session, envelope.session.data, envelope.session.size) < 0) {
        gnutls_free(copy);
        return PINTLE_ERR_INPUT;
    }
    memcpy(copy, envelope.session.data, envelope.session.size);
    connection->kept = (gnutls_datum_t){copy, (unsigned)envelope.session.size};
    memcpy(connection->kept_host, envelope.host, sizeof envelope.host);
    connection->kept_evidence = envelope.evidence;
    return PINTLE_OK;
}
