/* SPDX-License-Identifier: Apache-2.0 */
/* Growable buffers with a maximum, and bytes as values. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pti_buf_init(struct pti_buf *buf, size_t max)
{
    *buf = (struct pti_buf){.max = max, .status = PINTLE_OK};
}

void pti_buf_clear(struct pti_buf *buf)
{
    free(buf->data);
    pti_buf_init(buf, buf->max);
}

/* Room for extra more bytes and a terminator; the terminator is outside max, so that text may be exactly max long. */
static bool reserve(struct pti_buf *buf, size_t extra)
{
    if (buf->status != PINTLE_OK) {
        return false;
    }
    if (buf->max > SIZE_MAX / 2 || extra > buf->max - buf->size) {
        buf->status = PINTLE_ERR_INPUT;
        return false;
    }
    size_t needed = buf->size + extra + 1;
    if (needed <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
    while (capacity < needed) {
        capacity *= 2; /* cannot wrap: needed <= SIZE_MAX / 2 + 1 */
    }
    if (capacity > buf->max + 1) {
        capacity = buf->max + 1;
    }
    uint8_t *data = realloc(buf->data, capacity);
    if (data == NULL) {
        buf->status = PINTLE_ERR_MEMORY;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void pti_buf_reserve(struct pti_buf *buf, size_t size)
{
    if (buf->status != PINTLE_OK || size > buf->max - buf->size || buf->size + size + 1 <= buf->capacity) {
        return;
    }
    uint8_t *data = realloc(buf->data, buf->size + size + 1);
    if (data != NULL) {
        buf->data = data;
        buf->capacity = buf->size + size + 1;
    }
}

struct pintle_bytes pti_buf_take(struct pti_buf *buf)
{
    uint8_t *fitting = buf->size > 0 ? realloc(buf->data, buf->size) : NULL;
    struct pintle_bytes bytes = {fitting != NULL ? fitting : buf->data, buf->size};
    if (buf->size == 0) {
        free(buf->data);
        bytes.data = NULL;
    }
    pti_buf_init(buf, buf->max);
    return bytes;
}

void pti_buf_append(struct pti_buf *buf, const void *data, size_t size)
{
    if (size > 0 && reserve(buf, size)) {
        memcpy(buf->data + buf->size, data, size);
        buf->size += size;
    }
}

void pti_buf_text(struct pti_buf *buf, const char *text)
{
    pti_buf_append(buf, text, strlen(text));
}

void pti_buf_printf(struct pti_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        if (buf->status == PINTLE_OK) {
            buf->status = PINTLE_ERR_INPUT;
        }
        return;
    }
    if (reserve(buf, (size_t)length)) {
        va_start(args, format);
        vsnprintf((char *)buf->data + buf->size, (size_t)length + 1, format, args);
        va_end(args);
        buf->size += (size_t)length;
    }
}

struct pintle_bytes pti_buf_bytes(const struct pti_buf *buf)
{
    return (struct pintle_bytes){.data = buf->data, .size = buf->size};
}

const char *pti_buf_cstr(struct pti_buf *buf)
{
    if (!reserve(buf, 0)) {
        return NULL;
    }
    buf->data[buf->size] = '\0';
    return (const char *)buf->data;
}

static bool sink_write(void *ctx, const uint8_t *data, size_t size)
{
    struct pti_buf *buf = ctx;
    pti_buf_append(buf, data, size);
    return buf->status == PINTLE_OK;
}

struct pintle_sink pti_buf_sink(struct pti_buf *buf)
{
    return (struct pintle_sink){.write = sink_write, .ctx = buf};
}

enum pintle_status pti_buf_check(const struct pti_buf *buf, struct pti_error *error, const char *what)
{
    if (buf->status == PINTLE_OK) {
        return PINTLE_OK;
    }
    if (buf->status == PINTLE_ERR_MEMORY) {
        return pti_fail(error, PINTLE_ERR_MEMORY, "%s: out of memory", what);
    }
    return pti_fail(error, buf->status, "%s: too large, expected at most %zu bytes", what, buf->max);
}

bool pti_bytes_equal(struct pintle_bytes a, struct pintle_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool pti_bytes_equal_text(struct pintle_bytes a, const char *text)
{
    return pti_bytes_equal(a, pti_bytes_text(text));
}

int pti_bytes_compare(struct pintle_bytes a, struct pintle_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

struct pintle_bytes pti_bytes_text(const char *text)
{
    return (struct pintle_bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

enum pintle_status pti_bytes_copy(struct pintle_bytes bytes, struct pintle_bytes *copy)
{
    *copy = (struct pintle_bytes){.data = NULL, .size = 0};
    if (bytes.size == 0) {
        return PINTLE_OK;
    }
    uint8_t *data = malloc(bytes.size);
    if (data == NULL) {
        return PINTLE_ERR_MEMORY;
    }
    memcpy(data, bytes.data, bytes.size);
    *copy = (struct pintle_bytes){.data = data, .size = bytes.size};
    return PINTLE_OK;
}

char *pti_bytes_strdup(struct pintle_bytes bytes)
{
    if (bytes.size == SIZE_MAX || (bytes.size > 0 && memchr(bytes.data, '\0', bytes.size) != NULL)) {
        return NULL;
    }
    char *text = malloc(bytes.size + 1);
    if (text == NULL) {
        return NULL;
    }
    if (bytes.size > 0) {
        memcpy(text, bytes.data, bytes.size);
    }
    text[bytes.size] = '\0';
    return text;
}

void pti_bytes_free(struct pintle_bytes *owned)
{
    free((void *)(uintptr_t)owned->data); /* the view is const; what it owns is not */
    *owned = (struct pintle_bytes){.data = NULL, .size = 0};
}
