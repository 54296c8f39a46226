/* SPDX-License-Identifier: Apache-2.0 */
#include "server/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#define CHUNK_SIZE 65536

static enum pintle_status send_all(int socket, const uint8_t *data, size_t size, struct pti_error *error)
{
    while (size > 0) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return pti_fail(error, PINTLE_ERR_NETWORK, "cannot write to the other process: %s", strerror(errno));
        data += sent;
        size -= (size_t)sent;
    }
    return PINTLE_OK;
}

static enum pintle_status receive_all(int socket, uint8_t *data, size_t size, struct pti_error *error)
{
    while (size > 0) {
        ssize_t received = recv(socket, data, size, 0);

        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return pti_fail(error, PINTLE_ERR_NETWORK, "cannot read from the other process: %s", strerror(errno));
        if (received == 0)
            return pti_fail(error, PINTLE_ERR_NETWORK, "the other process is gone");
        data += received;
        size -= (size_t)received;
    }
    return PINTLE_OK;
}

enum pintle_status pti_frame_write(int socket, struct pintle_bytes message, struct pti_error *error)
{
    uint8_t head[4];
    enum pintle_status status = PINTLE_ERR_INPUT;

    if (message.size > UINT32_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "a message of %zu bytes does not fit", message.size);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(message.size >> (24 - 8 * i));
    status = send_all(socket, head, sizeof head, error);
    return status == PINTLE_OK ? send_all(socket, message.data, message.size, error) : status;
}

enum pintle_status pti_frame_read(int socket, struct pti_buf *out, struct pti_error *error)
{
    uint8_t chunk[CHUNK_SIZE];
    size_t left = 0;
    enum pintle_status status = receive_all(socket, chunk, 4, error);

    if (status != PINTLE_OK)
        return status;
    for (int i = 0; i < 4; i++)
        left = left << 8 | chunk[i];
    if (left > out->max)
        return pti_fail(error, PINTLE_ERR_INPUT, "a message of at most %zu bytes was expected, found %zu", out->max,
                        left);
    /* Memory grows with what has arrived, not with what was announced. */
    while (left > 0) {
        size_t part = left < sizeof chunk ? left : sizeof chunk;

        status = receive_all(socket, chunk, part, error);
        if (status != PINTLE_OK)
            return status;
        pti_buf_append(out, chunk, part);
        left -= part;
    }
    return pti_buf_check(out, error, "a message");
}
