/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of der.h: a tag-length-value reader and the path through RFC 5280, section 4.1.  It runs at every handshake. */
#include "pin/der.h"

enum {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_SEQUENCE = 0x30,
    TAG_VERSION = 0xa0 /* [0] EXPLICIT */
};

/* An element's content and where it ends, which is where the next one starts.  content is NULL if there is none. */
struct element {
    const uint8_t *content;
    const uint8_t *end;
};

static const struct element none = {NULL, NULL};

/*
 * X.690, 8.1.3 and 10.1: definite, in as few octets as possible.  at stands behind the first octet, which is 0x80 or
 * more.
 */
static struct element long_element(const uint8_t *at, const uint8_t *end, uint8_t first)
{
    size_t octets = first & 0x7f;
    uint32_t length = 0;

    /* Zero octets is the indefinite form.  Four reach 4 GiB: beyond that there is no certificate. */
    if (octets == 0 || octets > 4 || octets > (size_t)(end - at) || at[0] == 0)
        return none;
    for (size_t i = 0; i < octets; i++)
        length = (length << 8) | *at++;
    if (length < 0x80 || length > (size_t)(end - at))
        return none;
    return (struct element){at, at + length};
}

/* The element at `at`, which must have this tag and lie before end.  By value: it stays in registers. */
static inline struct element take(const uint8_t *at, const uint8_t *end, uint8_t tag)
{
    if (end - at < 2 || at[0] != tag)
        return none;
    uint8_t first = at[1];
    at += 2;
    if (first == 0x82 && end - at >= 2 && at[0] != 0) { /* most certificates */
        size_t length = (size_t)at[0] << 8 | at[1];
        return length <= (size_t)(end - at) - 2 ? (struct element){at + 2, at + 2 + length} : none;
    }
    if (first >= 0x80)
        return long_element(at, end, first);
    if (first > end - at)
        return none;
    return (struct element){at, at + first};
}

/* SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } */
static inline struct element take_spki(const uint8_t *at, const uint8_t *end)
{
    struct element spki = take(at, end, TAG_SEQUENCE);
    if (spki.content == NULL)
        return none;
    struct element algorithm = take(spki.content, spki.end, TAG_SEQUENCE);
    if (algorithm.content == NULL)
        return none;
    struct element key = take(algorithm.end, spki.end, TAG_BIT_STRING);
    return key.content != NULL && key.end == spki.end ? spki : none;
}

bool pti_der_certificate_spki(struct pintle_bytes certificate, struct pintle_bytes *spki)
{
    static const uint8_t before_spki[] = {
        TAG_INTEGER,  /* serialNumber */
        TAG_SEQUENCE, /* signature */
        TAG_SEQUENCE, /* issuer */
        TAG_SEQUENCE, /* validity */
        TAG_SEQUENCE  /* subject */
    };

    *spki = (struct pintle_bytes){NULL, 0};
    if (certificate.size == 0)
        return false;
    const uint8_t *end = certificate.data + certificate.size;
    struct element whole = take(certificate.data, end, TAG_SEQUENCE);
    if (whole.content == NULL || whole.end != end)
        return false;
    struct element tbs = take(whole.content, whole.end, TAG_SEQUENCE);
    if (tbs.content == NULL)
        return false;
    struct element field = {tbs.content, tbs.content};
    if (tbs.content < tbs.end && tbs.content[0] == TAG_VERSION) { /* absent in version 1 */
        field = take(tbs.content, tbs.end, TAG_VERSION);
        if (field.content == NULL)
            return false;
    }
    for (size_t i = 0; i < sizeof before_spki; i++) {
        field = take(field.end, tbs.end, before_spki[i]);
        if (field.content == NULL)
            return false;
    }
    struct element found = take_spki(field.end, tbs.end);
    if (found.content == NULL)
        return false;
    *spki = (struct pintle_bytes){field.end, (size_t)(found.end - field.end)};
    return true;
}
