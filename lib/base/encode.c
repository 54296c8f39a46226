/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 and hex (RFC 4648, sections 4 and 8). */
#include "base/encode.h"

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_alphabet[] = "0123456789abcdef";

/* Six bits each; -1 for what is not in the alphabet. */
static const int8_t base64_values[256] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
    -1, -1, -1, -1, -1, -1, -1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

static int base64_value(uint8_t c)
{
    return base64_values[c];
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four characters, the last pad of which are '=', into 3 - pad bytes. */
static bool decode_quantum(const uint8_t *in, size_t pad, uint8_t *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - pad ? base64_value(in[i]) : 0;
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
    }
    /* Unused bits that are set would give one value two spellings (RFC 4648, section 3.5). */
    if ((bits & ((UINT32_C(1) << 8 * pad) - 1)) != 0) {
        return false;
    }
    for (size_t i = 0; i < 3 - pad; i++) {
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    }
    return true;
}

bool pti_base64_decode(struct pintle_bytes text, uint8_t *out, size_t out_max, size_t *out_size)
{
    *out_size = 0;
    if (text.size % 4 != 0) {
        return false;
    }
    if (text.size == 0) {
        return true;
    }
    size_t pad = 0;
    if (text.data[text.size - 1] == '=') {
        pad = text.data[text.size - 2] == '=' ? 2 : 1;
    }
    size_t size = text.size / 4 * 3 - pad;
    if (size > out_max) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        if (!decode_quantum(text.data + i, i + 4 == text.size ? pad : 0, out + i / 4 * 3)) {
            return false;
        }
    }
    *out_size = size;
    return true;
}

bool pti_base64_decode_exact(struct pintle_bytes text, uint8_t *out, size_t out_size)
{
    size_t size = 0;
    return text.size == PTI_BASE64_SIZE(out_size) && pti_base64_decode(text, out, out_size, &size) && size == out_size;
}

void pti_base64_encode(const uint8_t *data, size_t size, char *out)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? data[i + 2] : 0;
        *out++ = base64_alphabet[bits >> 18];
        *out++ = base64_alphabet[bits >> 12 & 63];
        *out++ = left > 1 ? base64_alphabet[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_alphabet[bits & 63] : '=';
    }
    *out = '\0';
}

bool pti_hex_decode(struct pintle_bytes text, uint8_t *out, size_t out_max, size_t *out_size)
{
    *out_size = 0;
    if (text.size % 2 != 0 || text.size / 2 > out_max) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_value(text.data[i]);
        int low = hex_value(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out_size = text.size / 2;
    return true;
}

bool pti_hex_decode_exact(struct pintle_bytes text, uint8_t *out, size_t out_size)
{
    size_t size = 0;
    return pti_hex_decode(text, out, out_size, &size) && size == out_size;
}

void pti_hex_encode(const uint8_t *data, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        *out++ = hex_alphabet[data[i] >> 4];
        *out++ = hex_alphabet[data[i] & 15];
    }
    *out = '\0';
}
