/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names as pins know them: lower-case A-labels (RFC 5890) without trailing dot, or an IP literal in canonical text
 * form (RFC 5952 for IPv6, dotted quad for IPv4).
 */
#ifndef PTI_PIN_HOST_H
#define PTI_PIN_HOST_H

#include <stdbool.h>

#include <pintle/verdict.h>

#include "base/error.h"

struct pti_host {
    char name[PINTLE_HOST_MAX + 1];
    size_t size; /* bytes of name, without terminator */
    bool ip;
    uint32_t hash; /* of name */
};

/*
 * Bernstein's hash, from the first character to the last, for the index of a pinset: it is taken while a name is read, when
 * it costs nothing.
 */
#define PTI_HOST_HASH_SEED UINT32_C(5381)
static inline uint32_t pti_host_hash_add(uint32_t hash, char c)
{
    return (hash << 5) + hash + (uint8_t)c;
}
static inline uint32_t pti_host_hash(const char *name, size_t size)
{
    uint32_t hash = PTI_HOST_HASH_SEED;

    for (size_t i = 0; i < size; i++)
        hash = pti_host_hash_add(hash, name[i]);
    return hash;
}

/*
 * Normalises what a caller or a URL names: upper case becomes lower, one trailing dot goes, brackets around IPv6 go.
 * PINTLE_ERR_INPUT for everything else that is no name: empty, a port, white space, non-ASCII (U-labels and U+3002
 * included: the message says to convert to A-labels), empty or over-long labels, an IPv4 address in any form but four
 * decimal numbers (a last label that is a decimal or hexadecimal number makes one), IPv6 zone ids, wildcards.
 */
enum pintle_status pti_host_parse(const char *text, struct pti_host *host, struct pti_error *error);

/* True if text is exactly what pti_host_parse() would make of it: what charter and zone files must hold. */
bool pti_host_is_normal(const char *text);
/* The same, with the reason: PINTLE_ERR_INPUT says which form was expected. */
enum pintle_status pti_host_check_normal(const char *text, struct pti_error *error);

/* The name after the first label ("api.example.com" -> "example.com"); NULL at the end.  Never for IP literals. */
const char *pti_host_parent(const char *name);

#endif
