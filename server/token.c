/* SPDX-License-Identifier: Apache-2.0 */
#include "server/token.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/encode.h"

#define PREFIX "pintle_"
#define PREFIX_LENGTH (sizeof PREFIX - 1)
#define CHECKED_LENGTH (PREFIX_LENGTH + PTI_HEX_SIZE(PTI_TOKEN_RANDOM_SIZE)) /* what the checksum covers */
#define CHECKSUM_SIZE 4
#define TOKEN_LENGTH (PTI_TOKEN_SIZE - 1)

static const char *const scope_names[] = {
    [PTI_SCOPE_NONE] = "none",           [PTI_SCOPE_READER] = "reader", [PTI_SCOPE_OPERATOR] = "operator",
    [PTI_SCOPE_PUBLISHER] = "publisher", [PTI_SCOPE_ADMIN] = "admin",
};

const char *pti_scope_name(enum pti_scope scope)
{
    return scope_names[scope];
}

bool pti_scope_parse(struct pintle_bytes text, enum pti_scope *scope)
{
    for (int i = PTI_SCOPE_READER; i <= PTI_SCOPE_ADMIN; i++) {
        if (pti_bytes_equal_text(text, scope_names[i])) {
            *scope = (enum pti_scope)i;
            return true;
        }
    }
    return false;
}

bool pti_token_name_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strspn(name, allowed);

    return length > 0 && length < PTI_TOKEN_NAME_SIZE && name[length] == '\0' && name[0] != '.' && name[0] != '-';
}

/* The checksum of the first CHECKED_LENGTH characters of token, as CHECKSUM_SIZE bytes in hex, terminated. */
static enum pintle_status checksum(struct pintle_crypto *crypto, const uint8_t *token,
                                   char hex[PTI_HEX_SIZE(CHECKSUM_SIZE) + 1])
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status = pti_sha256(crypto, (struct pintle_bytes){token, CHECKED_LENGTH}, digest);

    if (status == PINTLE_OK)
        pti_hex_encode(digest, CHECKSUM_SIZE, hex);
    return status;
}

enum pintle_status pti_token_write(struct pintle_crypto *crypto, const uint8_t random[PTI_TOKEN_RANDOM_SIZE],
                                   char token[PTI_TOKEN_SIZE])
{
    memcpy(token, PREFIX, PREFIX_LENGTH);
    pti_hex_encode(random, PTI_TOKEN_RANDOM_SIZE, token + PREFIX_LENGTH);
    return checksum(crypto, (const uint8_t *)token, token + CHECKED_LENGTH);
}

bool pti_token_read(struct pintle_crypto *crypto, struct pintle_bytes text, uint8_t hash[PINTLE_SHA256_SIZE],
                    char id[PTI_TOKEN_ID_SIZE])
{
    char sum[PTI_HEX_SIZE(CHECKSUM_SIZE) + 1];
    uint8_t random[PTI_TOKEN_RANDOM_SIZE];

    if (text.size != TOKEN_LENGTH || memcmp(text.data, PREFIX, PREFIX_LENGTH) != 0 ||
        !pti_hex_decode_exact((struct pintle_bytes){text.data + PREFIX_LENGTH, CHECKED_LENGTH - PREFIX_LENGTH}, random,
                              sizeof random) ||
        checksum(crypto, text.data, sum) != PINTLE_OK || memcmp(text.data + CHECKED_LENGTH, sum, sizeof sum - 1) != 0)
        return false;
    if (pti_sha256(crypto, text, hash) != PINTLE_OK)
        return false;
    pti_hex_encode(hash, (PTI_TOKEN_ID_SIZE - 1) / 2, id);
    return true;
}

bool pti_token_hash_equal(const uint8_t a[PINTLE_SHA256_SIZE], const uint8_t b[PINTLE_SHA256_SIZE])
{
    volatile uint8_t difference = 0;

    for (size_t i = 0; i < PINTLE_SHA256_SIZE; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

bool pti_token_of_header(const char *header, struct pintle_bytes *token)
{
    static const char scheme[] = "Bearer ";

    if (strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return false;
    header += sizeof scheme - 1;
    header += strspn(header, " ");
    *token = pti_bytes_text(header);
    return token->size > 0 && strpbrk(header, " \t,") == NULL;
}
