/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/verify.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"

/* Longest signature of any kind that is understood: that of RSA with 16384 bits. */
#define SIGNATURE_SIZE_MAX 2048

static const struct pti_tuf_key *signer_of(const struct pti_tuf_signature *signature,
                                           const struct pti_tuf_signers *signers, const struct pti_tuf_keys *keys)
{
    for (size_t i = 0; i < signers->count; i++) {
        const struct pti_tuf_key *key = &keys->items[signers->keys[i]];
        if (key->key != NULL && pti_bytes_equal_text(signature->keyid, key->id))
            return key;
    }
    return NULL;
}

static bool counted(const struct pti_tuf_key *const *done, size_t count, const struct pti_tuf_key *key)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(done[i]->identity, key->identity, sizeof key->identity) == 0)
            return true;
    return false;
}

static enum pintle_status verify_one(const struct pti_tuf_metadata *metadata, const struct pti_tuf_signature *signature,
                                     const struct pti_tuf_key *key, struct pintle_crypto *crypto)
{
    uint8_t raw[SIGNATURE_SIZE_MAX];
    size_t size = 0;

    if (!pti_hex_decode(signature->hex, raw, sizeof raw, &size) || size == 0)
        return PINTLE_ERR_TRUST;
    return crypto->ops->verify(crypto, key->key, pti_buf_bytes(&metadata->canonical), (struct pintle_bytes){raw, size});
}

/* The keys of signers that cannot be used: those that the provider cannot verify, by kind, and all others. */
struct unusable {
    size_t unsupported[PTI_KEY_KINDS];
    size_t others;
};

static struct unusable count_unusable(const struct pti_tuf_signers *signers, const struct pti_tuf_keys *keys)
{
    struct unusable unusable = {{0}, 0};

    for (size_t i = 0; i < signers->count; i++) {
        const struct pti_tuf_key *key = &keys->items[signers->keys[i]];

        if (key->key == NULL && key->identified)
            unusable.unsupported[key->kind]++;
        else if (key->key == NULL)
            unusable.others++;
    }
    return unusable;
}

/* Says why, when it is not the signatures alone: whoever cannot use a key cannot see that it has signed. */
static enum pintle_status too_few(const struct pti_tuf_signers *signers, const struct pti_tuf_keys *keys,
                                  const char *who, size_t count, struct pti_error *error)
{
    static const char *const kinds[PTI_KEY_KINDS] = {[PTI_KEY_ED25519] = "Ed25519, which",
                                                     [PTI_KEY_ECDSA_P256] = "ECDSA P-256, which",
                                                     [PTI_KEY_RSA_PSS] = "RSA keys of a size that"};
    struct unusable unusable = count_unusable(signers, keys);

    for (size_t kind = 0; kind < PTI_KEY_KINDS; kind++)
        if (unusable.unsupported[kind] > 0)
            return pti_fail(error, PINTLE_ERR_TRUST,
                            "%s: %zu of %zu required signatures verify; %zu of its %zu keys are %s the provider %s "
                            "cannot verify; sign with ECDSA P-256 keys, or use another provider",
                            who, count, signers->threshold, unusable.unsupported[kind], signers->count, kinds[kind],
                            keys->crypto->ops->name);
    if (unusable.others > 0)
        return pti_fail(
            error, PINTLE_ERR_TRUST,
            "%s: %zu of %zu required signatures verify; %zu of its %zu keys are malformed or of a kind that "
            "this version cannot use",
            who, count, signers->threshold, unusable.others, signers->count);
    return pti_fail(error, PINTLE_ERR_TRUST, "%s: %zu of %zu required signatures verify", who, count,
                    signers->threshold);
}

enum pintle_status pti_tuf_verify(const struct pti_tuf_metadata *metadata, const struct pti_tuf_signers *signers,
                                  const struct pti_tuf_keys *keys, const char *who, struct pti_error *error)
{
    const struct pti_tuf_key *done[PTI_SIGNATURES_MAX]; /* public keys whose signature verified */
    size_t count = 0;

    for (size_t i = 0; i < metadata->signature_count && count < signers->threshold; i++) {
        const struct pti_tuf_key *key = signer_of(&metadata->signatures[i], signers, keys);
        enum pintle_status status;

        if (key == NULL || counted(done, count, key))
            continue;
        status = verify_one(metadata, &metadata->signatures[i], key, keys->crypto);
        if (status == PINTLE_OK)
            done[count++] = key;
        else if (status != PINTLE_ERR_TRUST)
            return pti_fail(error, status, "%s: a signature could not be verified: %s", who,
                            pintle_status_name(status));
    }
    return count >= signers->threshold ? PINTLE_OK : too_few(signers, keys, who, count, error);
}

enum pintle_status pti_tuf_root_verifies_itself(const struct pti_tuf_metadata *root, struct pti_error *error)
{
    return pti_tuf_verify(root, &root->roles[PTI_TUF_ROOT], &root->keys, "root", error);
}

enum pintle_status pti_tuf_root_succeeds(const struct pti_tuf_metadata *previous, const struct pti_tuf_metadata *next,
                                         struct pti_error *error)
{
    enum pintle_status status;

    if (next->version != previous->version + 1)
        return pti_fail(error, PINTLE_ERR_TRUST, "root: expected version %" PRId64 ", found %" PRId64,
                        previous->version + 1, next->version);
    status = pti_tuf_verify(next, &previous->roles[PTI_TUF_ROOT], &previous->keys, "root (by its predecessor)", error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_bytes_equal(previous->repository, next->repository))
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "root: version %" PRId64 " belongs to repository \"%.*s\", expected \"%.*s\"", next->version,
                        (int)next->repository.size, (const char *)next->repository.data, (int)previous->repository.size,
                        (const char *)previous->repository.data);
    return pti_tuf_root_verifies_itself(next, error);
}

static bool lists(const struct pti_tuf_metadata *root, const struct pti_tuf_signers *signers, const char *id)
{
    for (size_t i = 0; i < signers->count; i++)
        if (strcmp(root->keys.items[signers->keys[i]].id, id) == 0)
            return true;
    return false;
}

bool pti_tuf_same_signers(const struct pti_tuf_metadata *a, const struct pti_tuf_metadata *b, enum pti_tuf_type type)
{
    if (a->roles[type].count != b->roles[type].count)
        return false;
    for (size_t i = 0; i < a->roles[type].count; i++) /* keyids are distinct within a role */
        if (!lists(b, &b->roles[type], a->keys.items[a->roles[type].keys[i]].id))
            return false;
    return true;
}

enum pintle_status pti_tuf_verify_file(struct pintle_bytes bytes, const struct pti_tuf_file *expected,
                                       struct pintle_crypto *crypto, struct pti_error *error)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status;

    if (expected->length >= 0 && (uint64_t)expected->length != bytes.size)
        return pti_fail(error, PINTLE_ERR_TRUST, "%.*s: %zu bytes, the signed length is %" PRId64,
                        (int)expected->name.size, (const char *)expected->name.data, bytes.size, expected->length);
    if (expected->has_other_hash)
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED,
                        "%.*s: no hash of it that is signed is a sha256, and no other can be checked here",
                        (int)expected->name.size, (const char *)expected->name.data);
    if (!expected->has_sha256)
        return PINTLE_OK;
    status = pti_sha256(crypto, bytes, digest);
    if (status != PINTLE_OK)
        return pti_fail(error, status, "%.*s: cannot be hashed", (int)expected->name.size,
                        (const char *)expected->name.data);
    if (memcmp(digest, expected->sha256, sizeof digest) != 0)
        return pti_fail(error, PINTLE_ERR_TRUST, "%.*s: the bytes do not have the signed hash",
                        (int)expected->name.size, (const char *)expected->name.data);
    return PINTLE_OK;
}

enum pintle_status pti_tuf_timestamp_succeeds(const struct pti_tuf_metadata *previous,
                                              const struct pti_tuf_metadata *next, struct pti_error *error)
{
    int64_t had = previous->files.items[0].version, has = next->files.items[0].version;

    if (next->version < previous->version)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "timestamp: version %" PRId64 " is older than version %" PRId64
                        " which was accepted (rollback)",
                        next->version, previous->version);
    if (has < had)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "timestamp: names snapshot version %" PRId64 ", older than version %" PRId64
                        " which was accepted (rollback)",
                        has, had);
    return PINTLE_OK;
}

enum pintle_status pti_tuf_snapshot_succeeds(const struct pti_tuf_metadata *previous,
                                             const struct pti_tuf_metadata *next, struct pti_error *error)
{
    if (next->version < previous->version)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "snapshot: version %" PRId64 " is older than version %" PRId64 " which was accepted (rollback)",
                        next->version, previous->version);
    for (size_t i = 0; i < previous->files.count; i++) {
        const struct pti_tuf_file *had = &previous->files.items[i];
        const struct pti_tuf_file *has = pti_tuf_file_find(&next->files, had->name);

        if (has == NULL)
            return pti_fail(error, PINTLE_ERR_TRUST, "snapshot: no longer lists %.*s, which must never vanish",
                            (int)had->name.size, (const char *)had->name.data);
        if (has->version < had->version)
            return pti_fail(error, PINTLE_ERR_TRUST,
                            "snapshot: %.*s goes back from version %" PRId64 " to %" PRId64 " (rollback)",
                            (int)had->name.size, (const char *)had->name.data, had->version, has->version);
    }
    return PINTLE_OK;
}
