/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface between those who need digests (lib/pin) and signatures (lib/tuf) and the providers in lib/crypto, one
 * folder and one library each.  A provider and its keys are safe in all threads, whatever the library below them needs for that.
 */
#ifndef PTI_BASE_CRYPTO_H
#define PTI_BASE_CRYPTO_H

#include <stdatomic.h>

#include <pintle/bytes.h>
#include <pintle/crypto.h>

#include "base/error.h"

enum pti_key_kind {
    PTI_KEY_ED25519,    /* public: 32 raw bytes; signature: 64 bytes (RFC 8032) */
    PTI_KEY_ECDSA_P256, /* public: SubjectPublicKeyInfo in PEM; signature: DER Ecdsa-Sig-Value over SHA-256 (RFC 5480) */
    /* public: SubjectPublicKeyInfo in PEM, 2048 to 16384 bits; RSASSA-PSS with SHA-256 and any salt (RFC 8017, 8.1) */
    PTI_KEY_RSA_PSS
};
#define PTI_KEY_KINDS (PTI_KEY_RSA_PSS + 1)

struct pti_crypto_ops {
    const char *name; /* "openssl" */
    /* Hashes count parts, each on its own.  Allocates nothing. */
    enum pintle_status (*sha256)(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                 uint8_t (*digests)[PINTLE_SHA256_SIZE]);
    /*
     * Reads a public key.  identity becomes SHA-256 over the kind (one byte) and the one canonical encoding of the key
     * (32 raw bytes, the uncompressed point, or the SubjectPublicKeyInfo in DER), so that two texts of one key have one
     * identity with every provider; it is set with PINTLE_ERR_UNSUPPORTED too.  On failure *key is NULL.  PINTLE_ERR_INPUT (malformed, wrong curve or size, point not
     * on the curve or of small order), PINTLE_ERR_UNSUPPORTED (sound, but this provider cannot verify that kind or size),
     * PINTLE_ERR_MEMORY.
     */
    enum pintle_status (*key_new)(struct pintle_crypto *crypto, enum pti_key_kind kind, struct pintle_bytes public_key,
                                  void **key, uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error);
    void (*key_free)(struct pintle_crypto *crypto, void *key);
    /*
     * PINTLE_OK: the signature is right.  PINTLE_ERR_TRUST: it is not (of RSA over OpenSSL: or memory ran out twice in the
     * midst of it, which it does not tell).  PINTLE_ERR_MEMORY.
     */
    enum pintle_status (*verify)(struct pintle_crypto *crypto, void *key, struct pintle_bytes message,
                                 struct pintle_bytes signature);
    void (*destroy)(struct pintle_crypto *crypto);
};

/* First member of every provider's own struct. */
struct pintle_crypto {
    const struct pti_crypto_ops *ops;
    atomic_size_t references;
};

struct pintle_crypto *pti_crypto_ref(struct pintle_crypto *crypto);
enum pintle_status pti_sha256(struct pintle_crypto *crypto, struct pintle_bytes data,
                              uint8_t digest[PINTLE_SHA256_SIZE]);

#endif
