/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people call the keys: the file names in DIR/keys without ".pem", ".pub" or ".signer".  For display alone: nothing is signed or
 * verified by a name, and whoever can write keys/, or a stage file, can give any.
 */
#ifndef PTI_PUBLISH_KEY_NAMES_H
#define PTI_PUBLISH_KEY_NAMES_H

#include "base/buf.h"
#include "publish/signing_key.h"

#define PTI_KEY_NAME_MAX 63
#define PTI_KEY_NAMES_MAX 1024
#define PTI_KEY_NAMES_SIZE_MAX 200000 /* bytes, as text */

struct pti_key_name {
    char id[PTI_KEYID_SIZE + 1];
    char name[PTI_KEY_NAME_MAX + 1];
};

struct pti_key_names {
    struct pti_key_name *items; /* by id */
    size_t count;
};

/* Every public key, and every private one that is not encrypted, in directory; files that are no keys are passed over. */
enum pintle_status pti_key_names_load(const char *directory, struct pti_key_names *names, struct pti_error *error);
/* {"<key id>":"<name>",...}.  PINTLE_ERR_INPUT: malformed. */
enum pintle_status pti_key_names_parse(struct pintle_bytes text, struct pti_key_names *names, struct pti_error *error);
void pti_key_names_write(const struct pti_key_names *names, struct pti_buf *out);
void pti_key_names_clear(struct pti_key_names *names);

const char *pti_key_names_find(const struct pti_key_names *names, const char *id); /* or NULL */

/* "alice (P-256 1a2b3c4d)", or "P-256 1a2b3c4d" of a key without a name. */
#define PTI_KEY_DESCRIPTION_SIZE (PTI_KEY_NAME_MAX + 64)
void pti_key_names_describe(const struct pti_key_names *names, const struct pti_public_key *key,
                            char out[PTI_KEY_DESCRIPTION_SIZE]);
/* "P-256", "Ed25519", or the scheme as the key object has it. */
void pti_key_scheme(const struct pti_public_key *key, char *out, size_t size);

#endif
