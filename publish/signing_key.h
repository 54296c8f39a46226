/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key that signs metadata: ECDSA P-256 or Ed25519, kept as PKCS#8 PEM (RFC 5958, RFC 7468).
 *
 * It promises that a key file is private (mode 0600, made with O_EXCL) and never overwritten, and that the public form
 * is what TUF clients read.  It does not hide the key from whoever owns the process.  One thread at a time per key.
 */
#ifndef PTI_PUBLISH_SIGNING_KEY_H
#define PTI_PUBLISH_SIGNING_KEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/error.h"
#include "tuf/key.h"

#define PTI_SIGNATURE_SIZE_MAX 80   /* bytes: 64 for Ed25519, at most 72 for ECDSA P-256 in DER */
#define PTI_KEY_FILE_SIZE_MAX 65536 /* bytes */
#define PTI_PASSPHRASE_MAX 1024     /* bytes */

/* The public half as TUF writes it. */
struct pti_public_key {
    char id[PTI_KEYID_SIZE + 1]; /* SHA-256 of the canonical JSON of the key object, hex */
    char *json;                  /* the key object, compact JSON, NUL-terminated */
};

struct pti_signature {
    uint8_t data[PTI_SIGNATURE_SIZE_MAX];
    size_t size;
};

struct pti_signing_key;

/* "p256" and "ed25519", as the command line spells them. */
const char *pti_key_kind_name(enum pti_key_kind kind);
bool pti_key_kind_parse(const char *text, enum pti_key_kind *kind);

/* On success *key is owned by the caller, on failure it is NULL.  PINTLE_ERR_MEMORY, PINTLE_ERR_UNSUPPORTED. */
enum pintle_status pti_signing_key_generate(enum pti_key_kind kind, struct pti_signing_key **key,
                                            struct pti_error *error);
/*
 * Reads PKCS#8 PEM; passphrase is NUL-terminated text or NULL.  PINTLE_ERR_INPUT: no private key, a kind that cannot
 * sign here, an encrypted key without passphrase, a wrong passphrase; each says which.  name stands in messages.
 */
enum pintle_status pti_signing_key_parse(struct pintle_bytes pem, const char *name, const char *passphrase,
                                         struct pti_signing_key **key, struct pti_error *error);
/* The same from a file.  PINTLE_ERR_STORAGE: it cannot be read. */
enum pintle_status pti_signing_key_load(const char *path, const char *passphrase, struct pti_signing_key **key,
                                        struct pti_error *error);
/*
 * Whether the first PEM block is a private key at all, and whether it is encrypted, so that a caller knows that it has
 * to ask for a passphrase; and the same of a file.
 */
void pti_signing_key_inspect(struct pintle_bytes pem, bool *private_key, bool *encrypted);
enum pintle_status pti_signing_key_look(const char *path, bool *private_key, bool *encrypted, struct pti_error *error);
/* Whether its mode lets others than the owner at the file: worth a warning, as ssh gives one. */
bool pti_signing_key_is_exposed(const char *path);
/*
 * Writes PKCS#8 PEM, encrypted (PBES2, AES-256-CBC) when passphrase is not NULL, to a file that must not exist yet; its
 * mode is 0600.  PINTLE_ERR_STORAGE: it exists, or cannot be written.  PINTLE_ERR_INPUT: an empty passphrase.
 */
enum pintle_status pti_signing_key_save(const struct pti_signing_key *key, const char *path, const char *passphrase,
                                        struct pti_error *error);
/* Frees and wipes.  NULL is legal. */
void pti_signing_key_free(struct pti_signing_key *key);

enum pti_key_kind pti_signing_key_kind(const struct pti_signing_key *key);
const struct pti_public_key *pti_signing_key_public(const struct pti_signing_key *key); /* borrowed from key */
/* The "public" member of the key object as text: PEM for P-256, 64 hex digits for Ed25519; borrowed from key. */
struct pintle_bytes pti_signing_key_public_bytes(const struct pti_signing_key *key);

/*
 * Signs message as TUF does, and verifies the signature with the public half.  PINTLE_ERR_MEMORY; PINTLE_ERR_TRUST: what
 * was made does not verify; and, of a key that lies elsewhere, what publish/key_access.h says.
 */
enum pintle_status pti_signing_key_sign(const struct pti_signing_key *key, struct pintle_bytes message,
                                        struct pti_signature *signature, struct pti_error *error);

/* Some keys, owned. */
struct pti_keyring {
    struct pti_signing_key **keys;
    size_t count;
};

/* Takes key over on success. PINTLE_ERR_MEMORY. A key that is there already is freed and not added twice. */
enum pintle_status pti_keyring_take(struct pti_keyring *ring, struct pti_signing_key *key, struct pti_error *error);
const struct pti_signing_key *pti_keyring_find(const struct pti_keyring *ring, const char *id); /* or NULL */
void pti_keyring_clear(struct pti_keyring *ring);

/* Public keys as values. */
/*
 * The public half from PEM with a public key (SubjectPublicKeyInfo) or a private one: who delegates to a key need not
 * hold it.  On success *key is owned by the caller (pti_public_key_clear).  Fails as pti_signing_key_parse(); and the
 * same from a file, which may be a signer file as well (publish/key_access.h).
 */
enum pintle_status pti_public_key_parse(struct pintle_bytes pem, const char *name, const char *passphrase,
                                        struct pti_public_key *key, struct pti_error *error);
enum pintle_status pti_public_key_load(const char *path, const char *passphrase, struct pti_public_key *key,
                                       struct pti_error *error);
/* Its kind, from the key object.  PINTLE_ERR_INPUT: none that pintle can make. */
enum pintle_status pti_public_key_kind(const struct pti_public_key *key, enum pti_key_kind *kind,
                                       struct pti_error *error);
enum pintle_status pti_public_key_copy(const struct pti_public_key *from, struct pti_public_key *to,
                                       struct pti_error *error);
/* Appends it as PEM (SubjectPublicKeyInfo), whatever form its key object has. */
enum pintle_status pti_public_key_pem(const struct pti_public_key *key, struct pti_buf *out, struct pti_error *error);
void pti_public_key_clear(struct pti_public_key *key);

#endif
