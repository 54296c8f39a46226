/* SPDX-License-Identifier: Apache-2.0 */
/* Strict base64 (RFC 4648, section 4: padded, canonical, no white space) and lower-case hex (section 8). */
#ifndef PTI_BASE_ENCODE_H
#define PTI_BASE_ENCODE_H

#include <stdbool.h>

#include <pintle/bytes.h>

/* Characters that size bytes encode to, without terminator. */
#define PTI_BASE64_SIZE(size) (((size) + 2) / 3 * 4)
#define PTI_HEX_SIZE(size) (2 * (size))

/* Decodes exactly out_size bytes; false for anything else, unused trailing bits that are set included. */
bool pti_base64_decode_exact(struct pintle_bytes text, uint8_t *out, size_t out_size);
/* Decodes at most out_max bytes into out; *out_size receives how many. */
bool pti_base64_decode(struct pintle_bytes text, uint8_t *out, size_t out_max, size_t *out_size);
/* out has PTI_BASE64_SIZE(size) + 1 bytes; terminated. */
void pti_base64_encode(const uint8_t *data, size_t size, char *out);

bool pti_hex_decode_exact(struct pintle_bytes text, uint8_t *out, size_t out_size);
bool pti_hex_decode(struct pintle_bytes text, uint8_t *out, size_t out_max, size_t *out_size);
/* out has PTI_HEX_SIZE(size) + 1 bytes; terminated. */
void pti_hex_encode(const uint8_t *data, size_t size, char *out);

#endif
