/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/delegation.h"

#include <string.h>

#include "base/encode.h"

enum pintle_status pti_target_path_init(struct pti_target_path *target, struct pintle_bytes path,
                                        struct pintle_crypto *crypto, struct pti_error *error)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status;

    *target = (struct pti_target_path){.path = path};
    if (path.size == 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a target path, found an empty text");
    status = pti_sha256(crypto, path, digest);
    if (status != PINTLE_OK)
        return pti_fail(error, status, "a target path cannot be hashed");
    pti_hex_encode(digest, sizeof digest, target->hash);
    return PINTLE_OK;
}

/*
 * One '*' is tried at a time: after a mismatch the last one takes a character more, so that the time is at most the
 * product of both lengths.  A '*' never takes a '/', and a mismatch at one is final for it.
 */
bool pti_target_path_matches(struct pintle_bytes pattern, struct pintle_bytes path)
{
    size_t p = 0, t = 0;    /* positions */
    size_t star = SIZE_MAX; /* behind the last '*' of this part */
    size_t taken = 0;       /* up to where it has taken characters of path */

    while (t < path.size) {
        bool literal = p < pattern.size && pattern.data[p] != '*';

        if (literal && (pattern.data[p] == path.data[t] || (pattern.data[p] == '?' && path.data[t] != '/'))) {
            if (path.data[t] == '/')
                star = SIZE_MAX;
            p++;
            t++;
        } else if (p < pattern.size && pattern.data[p] == '*') {
            star = ++p;
            taken = t;
        } else if (star != SIZE_MAX && path.data[taken] != '/') {
            p = star;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

bool pti_tuf_delegation_covers(const struct pti_tuf_delegation *delegation, const struct pti_target_path *target)
{
    const struct pti_json_value *array = delegation->paths != NULL ? delegation->paths : delegation->path_hash_prefixes;
    struct pintle_bytes text;

    for (const struct pti_json_value *item = pti_json_first(array); item != NULL; item = pti_json_next(item)) {
        if (!pti_json_as_string(item, &text))
            continue;
        if (delegation->paths != NULL
                ? pti_target_path_matches(text, target->path)
                : text.size <= sizeof target->hash - 1 && memcmp(text.data, target->hash, text.size) == 0)
            return true;
    }
    return false;
}
