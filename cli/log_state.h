/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `pintle logfeed` remembers between runs, in one file that is replaced atomically: how far each log was read,
 * what was counted and not yet taken by the server, and how often each network counted today.  No address, and no
 * line of a log.
 *
 * A position and what was counted up to it are written together, before anything is sent; so whatever breaks off, a
 * line is counted once: what is unsent goes again, under the same name, and is known there if it had arrived.
 */
#ifndef PTI_CLI_LOG_STATE_H
#define PTI_CLI_LOG_STATE_H

#include "base/buf.h"
#include "base/crypto.h"
#include "report/sources.h"

#define PTI_LOG_HEAD_MAX 256 /* first bytes of a log, which tell it from another one */
#define PTI_LOG_FILES 2      /* the log before, into which late lines may still be written, and the log */
#define PTI_LOG_BATCH_ID_SIZE 33
#define PTI_LOG_ROWS_SIZE_MAX 1000000 /* of a batch's rows in JSON */

struct pti_log_position {
    uint64_t device, inode; /* inode 0: none */
    int64_t offset;         /* behind the last whole line that was read */
    int64_t head_size;      /* of the bytes that head is the SHA-256 of */
    uint8_t head[PINTLE_SHA256_SIZE];
};

struct pti_log_state {
    struct pti_log_position files[PTI_LOG_FILES];
    char batch[PTI_LOG_BATCH_ID_SIZE]; /* "" if everything was taken */
    struct pti_buf rows;               /* of that batch: a JSON array */
    struct pti_sources sources;
};

/* Nothing read, nothing unsent; key is random. */
void pti_log_state_init(struct pti_log_state *state, const uint8_t key[PTI_SOURCES_KEY_SIZE], uint32_t per_day);
void pti_log_state_clear(struct pti_log_state *state);
/* Strict; per_day of *state stays.  On failure *state is as it was.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_log_state_parse(struct pintle_bytes text, struct pti_log_state *state, struct pti_error *error);
void pti_log_state_write(const struct pti_log_state *state, struct pti_buf *out);

#endif
