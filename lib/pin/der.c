/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of der.h: a tag-length-value reader and the path through RFC 5280, section 4.1.  It runs at every handshake. */
#include "pin/der.h"

enum {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_SEQUENCE = 0x30,
    TAG_VERSION = 0xa0 /* [0] EXPLICIT */
};

/* What is left of the content that is being walked. */
struct walk {
    const uint8_t *at;
    const uint8_t *end;
};

static inline size_t left(const struct walk *walk)
{
    return (size_t)(walk->end - walk->at);
}

/* X.690, 8.1.3 and 10.1: definite, in as few octets as possible.  at stands behind the first octet, which is 0x80 or more. */
static bool read_long_length(struct walk *walk, uint8_t first, size_t *length)
{
    size_t octets = first & 0x7f;
    uint32_t value = 0;

    /* Zero octets is the indefinite form.  Four reach 4 GiB: beyond that there is no certificate. */
    if (octets == 0 || octets > 4 || octets > left(walk) || walk->at[0] == 0)
        return false;
    for (size_t i = 0; i < octets; i++)
        value = (value << 8) | *walk->at++;
    *length = value;
    return value >= 0x80;
}

/* Takes the header of the next element, which must have this tag and lie within what is left. */
static inline bool header(struct walk *walk, uint8_t tag, size_t *length)
{
    if (left(walk) < 2 || walk->at[0] != tag)
        return false;
    uint8_t first = walk->at[1];
    walk->at += 2;
    *length = first;
    return (first < 0x80 || read_long_length(walk, first, length)) && *length <= left(walk);
}

static inline bool skip(struct walk *walk, uint8_t tag)
{
    size_t length;
    if (!header(walk, tag, &length))
        return false;
    walk->at += length;
    return true;
}

/* Takes the next element and walks its content. */
static inline bool enter(struct walk *walk, uint8_t tag, struct walk *content)
{
    size_t length;
    if (!header(walk, tag, &length))
        return false;
    *content = (struct walk){walk->at, walk->at + length};
    walk->at += length;
    return true;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } */
static bool skip_spki(struct walk *walk)
{
    struct walk content;
    return enter(walk, TAG_SEQUENCE, &content) && skip(&content, TAG_SEQUENCE) && skip(&content, TAG_BIT_STRING) &&
           left(&content) == 0;
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
    struct walk input, content, tbs;

    *spki = (struct pintle_bytes){NULL, 0};
    if (certificate.size == 0)
        return false;
    input = (struct walk){certificate.data, certificate.data + certificate.size};
    if (!enter(&input, TAG_SEQUENCE, &content) || left(&input) != 0 || !enter(&content, TAG_SEQUENCE, &tbs))
        return false;
    if (left(&tbs) > 0 && tbs.at[0] == TAG_VERSION && !skip(&tbs, TAG_VERSION)) /* absent in version 1 */
        return false;
    for (size_t i = 0; i < sizeof before_spki; i++) {
        if (!skip(&tbs, before_spki[i]))
            return false;
    }
    const uint8_t *start = tbs.at;
    if (!skip_spki(&tbs))
        return false;
    *spki = (struct pintle_bytes){start, (size_t)(tbs.at - start)};
    return true;
}
