/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes, and where a callee pours bytes that it produces. */
#ifndef PINTLE_BYTES_H
#define PINTLE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256 output, in bytes (FIPS 180-4). */
#define PINTLE_SHA256_SIZE 32

/* A view: whoever made it says how long it lives. data may be NULL only if size is 0. */
struct pintle_bytes {
    const uint8_t *data;
    size_t size;
};

/*
 * The owner of a sink bounds it: write returns false when it has had enough (limit reached or out of memory), and the
 * producer must stop and fail.
 */
struct pintle_sink {
    bool (*write)(void *ctx, const uint8_t *data, size_t size);
    void *ctx;
};

#endif
