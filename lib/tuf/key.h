/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys and who may sign: the "keys" and "roles" objects of root and delegations (TUF specification 1.0.34, sections
 * 4.2 and 4.3).  A key of unknown type or scheme is kept as unusable, it is no parse error, and so is one
 * that the crypto provider cannot verify.
 */
#ifndef PTI_TUF_KEY_H
#define PTI_TUF_KEY_H

#include "base/crypto.h"
#include "base/json.h"

#define PTI_KEYID_SIZE 64 /* SHA-256 in lower-case hex, without terminator */

struct pti_tuf_key {
    char id[PTI_KEYID_SIZE + 1];
    void *key; /* the provider's form; NULL if this provider cannot use it */
    bool
        identified; /* it is a sound key of a kind that is known; whether this provider can use it is another question */
    enum pti_key_kind kind;               /* if identified */
    uint8_t identity[PINTLE_SHA256_SIZE]; /* of the public key itself; if identified */
};

struct pti_tuf_keys {
    struct pintle_crypto *crypto; /* a reference */
    struct pti_tuf_key *items;
    size_t count;
};

/* Who may sign one role: indices into a pti_tuf_keys, and how many distinct public keys must. */
struct pti_tuf_signers {
    uint16_t *keys;
    size_t count;
    size_t threshold; /* at least 1 */
};

/* How a repository names its keys.  Thresholds count public keys, so a name that means nothing can double none. */
enum pti_tuf_keyids {
    PTI_TUF_KEYIDS_HASH, /* SHA-256 of the canonical key object, unknown fields included: the rule, and what we write */
    PTI_TUF_KEYIDS_ANY   /* any text of at most PTI_KEYID_SIZE bytes: others change a key object and keep its name */
};

/* On failure *keys is empty.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_tuf_keys_parse(const struct pti_json_value *object, enum pti_tuf_keyids keyids,
                                      struct pintle_crypto *crypto, struct pti_tuf_keys *keys, struct pti_error *error);
void pti_tuf_keys_clear(struct pti_tuf_keys *keys);

/* SHA-256 of the canonical form of one key object, as hex. */
enum pintle_status pti_tuf_keyid(const struct pti_json_value *key, struct pintle_crypto *crypto,
                                 char id[PTI_KEYID_SIZE + 1], struct pti_error *error);

/* Reads {"keyids":[...],"threshold":n}.  Duplicate keyids and a threshold below 1 are errors; an unknown keyid is skipped. */
enum pintle_status pti_tuf_signers_parse(const struct pti_json_value *role, const struct pti_tuf_keys *keys,
                                         struct pti_tuf_signers *signers, struct pti_error *error);
void pti_tuf_signers_clear(struct pti_tuf_signers *signers);

/* Distinct public keys that both signer sets hold, those included that this provider cannot use. */
size_t pti_tuf_signers_shared(const struct pti_tuf_signers *a, const struct pti_tuf_keys *a_keys,
                              const struct pti_tuf_signers *b, const struct pti_tuf_keys *b_keys);

#endif
