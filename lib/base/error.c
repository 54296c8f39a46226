/* SPDX-License-Identifier: Apache-2.0 */
/* Failure details and the names of statuses. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Details end up in logs and terminals, and often quote what an attacker sent. */
static void sanitise(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c > 0x7e) {
            *text = '?';
        }
    }
}

enum pintle_status pti_fail(struct pti_error *error, enum pintle_status status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    /* Not straight into error: an argument may be the detail that stands there. */
    char detail[PTI_ERROR_DETAIL_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (length < 0) {
        pti_copy_text(detail, sizeof detail, pintle_status_name(status));
    }
    sanitise(detail);
    error->status = status;
    memcpy(error->detail, detail, strlen(detail) + 1);
    return status;
}

enum pintle_status pti_error_prefix(struct pti_error *error, const char *format, ...)
{
    if (error == NULL) {
        return PINTLE_ERR_MISUSE;
    }
    char detail[PTI_ERROR_DETAIL_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (length < 0) {
        detail[0] = '\0';
    }
    size_t used = strlen(detail);
    used += pti_copy_text(detail + used, sizeof detail - used, ": ");
    if (used < sizeof detail) {
        pti_copy_text(detail + used, sizeof detail - used, error->detail);
    }
    sanitise(detail);
    memcpy(error->detail, detail, strlen(detail) + 1);
    return error->status;
}

void pti_error_clear(struct pti_error *error)
{
    error->status = PINTLE_OK;
    error->detail[0] = '\0';
}

size_t pti_copy_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (size > 0) {
        size_t copied = length < size ? length : size - 1;
        memcpy(out, text, copied);
        out[copied] = '\0';
    }
    return length;
}

const char *pintle_status_name(enum pintle_status status)
{
    switch (status) {
    case PINTLE_OK:
        return "ok";
    case PINTLE_ERR_MISUSE:
        return "misuse";
    case PINTLE_ERR_INPUT:
        return "input";
    case PINTLE_ERR_TRUST:
        return "trust";
    case PINTLE_ERR_PIN_MISMATCH:
        return "pin_mismatch";
    case PINTLE_ERR_RETRY:
        return "retry";
    case PINTLE_ERR_NETWORK:
        return "network";
    case PINTLE_ERR_STORAGE:
        return "storage";
    case PINTLE_ERR_MEMORY:
        return "memory";
    case PINTLE_ERR_UNSUPPORTED:
        return "unsupported";
    }
    return "unknown";
}
