/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make signing keys share: publish/key_pem.c, and those whose keys lie elsewhere. */
#ifndef PTI_PUBLISH_SIGNING_KEY_INTERNAL_H
#define PTI_PUBLISH_SIGNING_KEY_INTERNAL_H

#include "publish/signing_key.h"

#define PTI_PUBLIC_TEXT_MAX 1024 /* bytes with terminator: hex, or PEM */

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* Where the private half is, and how it signs. */
struct pti_signing_key_ops {
    /* signature may be wrong: pti_signing_key_sign() verifies it.  PINTLE_ERR_MEMORY, and what the place can fail with. */
    enum pintle_status (*sign)(const struct pti_signing_key *key, struct pintle_bytes message,
                               struct pti_signature *signature, struct pti_error *error);
    void (*free)(void *place); /* NULL if there is none */
    const char *blame;         /* for a signature that does not verify: what to look at */
};

struct pti_signing_key {
    struct evp_pkey_st *pkey; /* the pair, or the public half if the private one is elsewhere */
    enum pti_key_kind kind;
    struct pti_public_key public_key;
    char public_text[PTI_PUBLIC_TEXT_MAX]; /* hex or PEM */
    const struct pti_signing_key_ops *ops;
    void *place; /* of ops */
};

/*
 * A key around pkey, which it takes over, whatever happens; place is taken over on success only.  name stands in
 * messages. PINTLE_ERR_INPUT: a kind that does not sign here.  PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_signing_key_new(struct evp_pkey_st *pkey, const struct pti_signing_key_ops *ops, void *place,
                                       const char *name, struct pti_signing_key **out, struct pti_error *error);

void pti_openssl_key_free(struct evp_pkey_st *pkey); /* for those who know nothing else of OpenSSL; NULL is legal */
/* Empties OpenSSL's queue of errors.  Did memory lack?  Then what it refused need not be damaged. */
bool pti_openssl_memory_was_short(void);
/* PINTLE_ERR_MEMORY */
enum pintle_status pti_no_memory_for_key(const char *name, struct pti_error *error);

/* Fills kind, public_key and public_text from key->pkey.  As pti_signing_key_new(). */
enum pintle_status pti_public_half_fill(struct pti_signing_key *key, const char *name, struct pti_error *error);

/* From a public key alone, in DER (SubjectPublicKeyInfo).  pkey is NULL on failure; PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_public_half_from_der(struct pintle_bytes der, const char *name, struct evp_pkey_st **pkey,
                                            struct pti_error *error);

/* The same from PEM with a public key ("PUBLIC KEY") and nothing else. */
enum pintle_status pti_public_half_from_pem(struct pintle_bytes pem, const char *name, struct evp_pkey_st **pkey,
                                            struct pti_error *error);

/*
 * Keys that lie elsewhere, of which the public half is known: pkey, taken over whatever happens.  Nothing is opened or run
 * until they sign.  arguments are borrowed until the key is made.
 */
struct pti_key_access;
enum pintle_status pti_pkcs11_key_with_public(struct pti_key_access *access, const char *uri, struct evp_pkey_st *pkey,
                                              const char *name, struct pti_signing_key **key, struct pti_error *error);
enum pintle_status pti_signer_program_key(struct pti_key_access *access, char *const *arguments, int64_t timeout_s,
                                          struct evp_pkey_st *pkey, const char *name, struct pti_signing_key **key,
                                          struct pti_error *error);

#endif
