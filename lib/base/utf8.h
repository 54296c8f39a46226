/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): no overlong form, no surrogate, nothing past U+10FFFF. */
#ifndef PTI_BASE_UTF8_H
#define PTI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the well-formed sequence that starts at text (size bytes, at least 1); 0 if there is none. */
size_t pti_utf8_length(const uint8_t *text, size_t size);

/* Writes a scalar value (no surrogate, at most 0x10FFFF) and returns how many bytes it took. */
size_t pti_utf8_encode(uint32_t scalar, uint8_t out[4]);

#endif
