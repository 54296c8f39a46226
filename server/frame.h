/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over a stream socket: u32 length, big endian, then that many bytes. */
#ifndef PTI_SERVER_FRAME_H
#define PTI_SERVER_FRAME_H

#include "base/buf.h"

/* PINTLE_ERR_NETWORK: the other end is gone, or does not take it. */
enum pintle_status pti_frame_write(int socket, struct pintle_bytes message, struct pti_error *error);
/*
 * Reads one message of at most out->max bytes into out, which is empty before.  PINTLE_ERR_NETWORK: the other end
 * closed or says nothing within the socket's receive timeout.  PINTLE_ERR_INPUT: it announces more than out->max.
 */
enum pintle_status pti_frame_read(int socket, struct pti_buf *out, struct pti_error *error);

#endif
