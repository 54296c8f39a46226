/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of der.h: a tag-length-value reader and the path through RFC 5280, section 4.1. */
#include "pin/der.h"

enum {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_SEQUENCE = 0x30,
    TAG_VERSION = 0xa0 /* [0] EXPLICIT */
};

struct element {
    uint8_t tag;
    struct pintle_bytes content;
    struct pintle_bytes whole; /* tag and length included */
};

/* X.690, 8.1.3 and 10.1: definite, in as few octets as possible. */
static bool read_length(const struct pintle_bytes *rest, size_t *at, size_t *length)
{
    if (*at >= rest->size)
        return false;
    uint8_t first = rest->data[(*at)++];
    if (first < 0x80) {
        *length = first;
        return true;
    }
    size_t octets = first & 0x7f;
    /* Zero octets is the indefinite form.  Four reach 4 GiB: beyond that there is no certificate. */
    if (octets == 0 || octets > 4 || octets > rest->size - *at || rest->data[*at] == 0)
        return false;
    uint32_t value = 0;
    for (size_t i = 0; i < octets; i++)
        value = (value << 8) | rest->data[(*at)++];
    if (value < 0x80)
        return false;
    *length = value;
    return true;
}

/* Takes the next element off rest.  A multi-byte tag would be misread, but no caller accepts its first byte. */
static bool next(struct pintle_bytes *rest, struct element *element)
{
    if (rest->size < 2)
        return false;
    size_t at = 1;
    size_t length;
    element->tag = rest->data[0];
    if (!read_length(rest, &at, &length) || length > rest->size - at)
        return false;
    element->content = (struct pintle_bytes){rest->data + at, length};
    element->whole = (struct pintle_bytes){rest->data, at + length};
    rest->data += at + length;
    rest->size -= at + length;
    return true;
}

static bool next_is(struct pintle_bytes *rest, uint8_t tag, struct element *element)
{
    return next(rest, element) && element->tag == tag;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } */
static bool is_spki(struct pintle_bytes content)
{
    struct element element;
    return next_is(&content, TAG_SEQUENCE, &element) && next_is(&content, TAG_BIT_STRING, &element) &&
           content.size == 0;
}

bool pti_der_certificate_spki(struct pintle_bytes certificate, struct pintle_bytes *spki)
{
    static const uint8_t after_serial[] = {
        TAG_SEQUENCE, /* signature */
        TAG_SEQUENCE, /* issuer */
        TAG_SEQUENCE, /* validity */
        TAG_SEQUENCE  /* subject */
    };
    struct element element;

    *spki = (struct pintle_bytes){NULL, 0};
    if (!next_is(&certificate, TAG_SEQUENCE, &element) || certificate.size != 0)
        return false;
    struct pintle_bytes rest = element.content;
    if (!next_is(&rest, TAG_SEQUENCE, &element))
        return false;
    rest = element.content;
    if (!next(&rest, &element))
        return false;
    if (element.tag == TAG_VERSION && !next(&rest, &element)) /* absent in version 1 */
        return false;
    if (element.tag != TAG_INTEGER)
        return false;
    for (size_t i = 0; i < sizeof after_serial; i++) {
        if (!next_is(&rest, after_serial[i], &element))
            return false;
    }
    if (!next_is(&rest, TAG_SEQUENCE, &element) || !is_spki(element.content))
        return false;
    *spki = element.whole;
    return true;
}
