/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of public keys and signatures. */
#include "crypto/public_key.h"

#include <string.h>

#include "base/encode.h"

/*
 * SubjectPublicKeyInfo of a named P-256 key in DER has one spelling up to the point, so it is compared, not parsed:
 * SEQUENCE { SEQUENCE { id-ecPublicKey, secp256r1 }, BIT STRING without unused bits }
 */
#define SPKI_PREFIX(spki_size, bits_size)                                                                              \
    {                                                                                                                  \
        0x30, spki_size, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,     \
            0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, bits_size, 0x00                                                  \
    }
#define SPKI_PREFIX_SIZE 26

static const uint8_t uncompressed_prefix[SPKI_PREFIX_SIZE] = SPKI_PREFIX(0x59, 0x42);
static const uint8_t compressed_prefix[SPKI_PREFIX_SIZE] = SPKI_PREFIX(0x39, 0x22);

static bool skip_text(struct pintle_bytes *rest, const char *text)
{
    size_t length = strlen(text);
    if (rest->size < length || memcmp(rest->data, text, length) != 0) {
        return false;
    }
    rest->data += length;
    rest->size -= length;
    return true;
}

static bool skip_line_end(struct pintle_bytes *rest)
{
    return skip_text(rest, "\n") || skip_text(rest, "\r\n");
}

/* The DER inside the block into der; false unless it is one whole block and at most max bytes. */
static bool decode_pem(struct pintle_bytes pem, uint8_t *der, size_t max, size_t *der_size)
{
    struct pintle_bytes rest = pem;
    uint8_t base64[PTI_BASE64_SIZE(PTI_RSA_SPKI_MAX)];
    size_t used = 0;
    if (!skip_text(&rest, "-----BEGIN PUBLIC KEY-----") || !skip_line_end(&rest)) {
        return false;
    }
    while (rest.size > 0 && rest.data[0] != '-') {
        if (skip_line_end(&rest)) {
            continue;
        }
        if (used == PTI_BASE64_SIZE(max)) {
            return false;
        }
        base64[used++] = rest.data[0];
        rest.data++;
        rest.size--;
    }
    if (!skip_text(&rest, "-----END PUBLIC KEY-----")) {
        return false;
    }
    skip_line_end(&rest);
    return rest.size == 0 && pti_base64_decode((struct pintle_bytes){base64, used}, der, max, der_size);
}

enum pintle_status pti_p256_read_pem(struct pintle_bytes pem, struct pti_p256_point *point, struct pti_error *error)
{
    uint8_t der[SPKI_PREFIX_SIZE + PTI_P256_POINT_SIZE];
    size_t size = 0;
    point->size = 0;
    if (!decode_pem(pem, der, sizeof der, &size)) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected one PEM block \"PUBLIC KEY\" with a P-256 key, found %zu bytes of something else",
                        pem.size);
    }
    const uint8_t *start = der + SPKI_PREFIX_SIZE;
    bool uncompressed = size == SPKI_PREFIX_SIZE + PTI_P256_POINT_SIZE &&
                        memcmp(der, uncompressed_prefix, SPKI_PREFIX_SIZE) == 0 && start[0] == 4;
    bool compressed = size == SPKI_PREFIX_SIZE + PTI_P256_COMPRESSED_SIZE &&
                      memcmp(der, compressed_prefix, SPKI_PREFIX_SIZE) == 0 && (start[0] == 2 || start[0] == 3);
    if (!uncompressed && !compressed) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected an ECDSA key on the named curve P-256, found another kind of key or curve");
    }
    point->size = size - SPKI_PREFIX_SIZE;
    memcpy(point->bytes, start, point->size);
    return PINTLE_OK;
}

/* One INTEGER in DER: positive, minimal, at most 256 bits. */
static bool take_number(struct pintle_bytes *rest, uint8_t number[PTI_P256_NUMBER_SIZE])
{
    if (rest->size < 3 || rest->data[0] != 0x02) {
        return false;
    }
    const uint8_t *content = rest->data + 2;
    size_t size = rest->data[1];
    if (size == 0 || size > 33 || size > rest->size - 2 || content[0] >= 0x80) {
        return false;
    }
    /* A leading zero stands only where the next bit would read as a sign; zero itself is not positive. */
    if (content[0] == 0 ? size == 1 || content[1] < 0x80 : size == 33) {
        return false;
    }
    rest->data += 2 + size;
    rest->size -= 2 + size;
    if (size == 33) {
        content++;
        size--;
    }
    memset(number, 0, PTI_P256_NUMBER_SIZE - size);
    memcpy(number + PTI_P256_NUMBER_SIZE - size, content, size);
    return true;
}

bool pti_p256_signature_read(struct pintle_bytes der, struct pti_p256_signature *signature)
{
    if (der.size < 2 || der.data[0] != 0x30 || der.data[1] != der.size - 2) {
        return false;
    }
    struct pintle_bytes rest = {der.data + 2, der.size - 2};
    bool r = take_number(&rest, signature->r);
    bool s = r && take_number(&rest, signature->s);
    return s && rest.size == 0;
}

/* One element of DER with this tag, of less than 64 KB: rest is what follows it. */
static bool take(struct pintle_bytes *rest, uint8_t tag, struct pintle_bytes *content)
{
    size_t header = 2, size;

    if (rest->size < 2 || rest->data[0] != tag)
        return false;
    size = rest->data[1];
    if (size >= 0x80) {
        header += size - 0x80;
        if (header < 3 || header > 4 || rest->size < header)
            return false;
        size = header == 3 ? rest->data[2] : (size_t)rest->data[2] << 8 | rest->data[3];
        if (size < (header == 3 ? 0x80u : 0x100u)) /* it would fit into fewer bytes */
            return false;
    }
    if (size > rest->size - header)
        return false;
    *content = (struct pintle_bytes){rest->data + header, size};
    rest->data += header + size;
    rest->size -= header + size;
    return true;
}

/* A positive INTEGER in its one spelling, without the zero that may lead it. */
static bool take_positive(struct pintle_bytes *rest, struct pintle_bytes *number)
{
    if (!take(rest, 0x02, number) || number->size == 0 || number->data[0] >= 0x80)
        return false;
    if (number->data[0] == 0) {
        if (number->size == 1 || number->data[1] < 0x80)
            return false;
        number->data++;
        number->size--;
    }
    return true;
}

static size_t count_bits(struct pintle_bytes number)
{
    size_t bits = number.size * 8;

    for (unsigned top = 0x80; (number.data[0] & top) == 0; top >>= 1)
        bits--;
    return bits;
}

static bool is_odd(struct pintle_bytes number)
{
    return (number.data[number.size - 1] & 1) != 0;
}

/* SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { modulus, exponent } } } */
static bool read_rsa_spki(struct pti_rsa_key *key)
{
    static const uint8_t rsa_encryption[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                             0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    struct pintle_bytes der = {key->der, key->size}, spki, algorithm, string, numbers;

    if (!take(&der, 0x30, &spki) || der.size != 0 || !take(&spki, 0x30, &algorithm) ||
        algorithm.size != sizeof rsa_encryption || memcmp(algorithm.data, rsa_encryption, sizeof rsa_encryption) != 0 ||
        !take(&spki, 0x03, &string) || spki.size != 0 || string.size == 0 || string.data[0] != 0)
        return false;
    string.data++;
    string.size--;
    return take(&string, 0x30, &numbers) && string.size == 0 && take_positive(&numbers, &key->modulus) &&
           take_positive(&numbers, &key->exponent) && numbers.size == 0;
}

enum pintle_status pti_rsa_read_pem(struct pintle_bytes pem, struct pti_rsa_key *key, struct pti_error *error)
{
    key->size = 0;
    if (!decode_pem(pem, key->der, sizeof key->der, &key->size) || !read_rsa_spki(key))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected one PEM block \"PUBLIC KEY\" with an RSA key, found %zu bytes of something else",
                        pem.size);
    key->bits = count_bits(key->modulus);
    if (key->bits < PTI_RSA_BITS_MIN || key->bits > PTI_RSA_BITS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an RSA key of %d to %d bits, found one of %zu",
                        PTI_RSA_BITS_MIN, PTI_RSA_BITS_MAX, key->bits);
    if (!is_odd(key->modulus) || !is_odd(key->exponent) || count_bits(key->exponent) < 2 ||
        count_bits(key->exponent) > PTI_RSA_EXPONENT_BITS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected an RSA key with an odd modulus and an odd exponent of 2 to %d bits, found another",
                        PTI_RSA_EXPONENT_BITS_MAX);
    return PINTLE_OK;
}

/* y of the points of order 1, 2, 4 and 8, little endian; x may have either sign. */
static const uint8_t small_order[][PTI_ED25519_KEY_SIZE] = {
    {0x01}, /* the neutral element */
    {0x00}, /* order 4 */
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* -1: order 2 */
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y >= 2^255-19 is a second spelling of y - (2^255-19) (RFC 8032, section 5.1.3). */
static bool is_reduced(const uint8_t y[PTI_ED25519_KEY_SIZE])
{
    if (y[0] < 0xed || y[PTI_ED25519_KEY_SIZE - 1] != 0x7f) {
        return true;
    }
    for (size_t i = 1; i < PTI_ED25519_KEY_SIZE - 1; i++) {
        if (y[i] != 0xff) {
            return true;
        }
    }
    return false;
}

enum pintle_status pti_ed25519_check(struct pintle_bytes raw, struct pti_error *error)
{
    if (raw.size != PTI_ED25519_KEY_SIZE) {
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an Ed25519 key of %d bytes, found %zu bytes",
                        PTI_ED25519_KEY_SIZE, raw.size);
    }
    uint8_t y[PTI_ED25519_KEY_SIZE];
    memcpy(y, raw.data, sizeof y);
    y[sizeof y - 1] &= 0x7f; /* the sign of x */
    if (!is_reduced(y)) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected the one encoding of an Ed25519 key, found a number that is not reduced");
    }
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++) {
        if (memcmp(y, small_order[i], sizeof y) == 0) {
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "expected an Ed25519 key, found a point of small order, for which everybody can sign");
        }
    }
    return PINTLE_OK;
}
