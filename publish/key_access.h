/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys whose private half lies elsewhere: in a token, which a PKCS#11 module speaks to, or behind a program.
 *
 * A module and a program are code that whoever runs us has chosen, and runs with his rights.  What they answer is bounded,
 * and a signature counts only once it verifies with the public half.  One thread at a time.
 *
 * These keys sign with PINTLE_ERR_STORAGE: the module, the token or the program failed, and which error it gave;
 * PINTLE_ERR_INPUT: no PIN, a wrong PIN, no such token or key; PINTLE_ERR_TRUST: the signature is not by this key.
 */
#ifndef PTI_PUBLISH_KEY_ACCESS_H
#define PTI_PUBLISH_KEY_ACCESS_H

#include "publish/signing_key.h"

#define PTI_SIGNER_SUFFIX ".signer"   /* of signer files in a directory of keys */
#define PTI_PIN_MAX 256               /* bytes */
#define PTI_SIGNER_ARGUMENTS_MAX 32   /* the program itself included */
#define PTI_SIGNER_TIMEOUT_DEFAULT 60 /* seconds */
#define PTI_SIGNER_TIMEOUT_MOST 3600

/* What is asked of whoever has the PIN. */
struct pti_pin_request {
    const char *token;  /* its label, printable */
    const char *source; /* the file that the URI names, or NULL */
    bool last_try;      /* a wrong one locks the token */
};

struct pti_key_access_calls {
    /* Writes the PIN, terminated, to pin (PTI_PIN_MAX + 1 bytes).  Asked once for each token, again for keys that want it. */
    enum pintle_status (*pin)(void *ctx, const struct pti_pin_request *request, char *pin, struct pti_error *error);
    /* What a program writes to its standard error, as it comes; NULL: nobody wants it. */
    void (*said)(void *ctx, struct pintle_bytes text);
    void *ctx;
};

/* The modules and tokens that are open, so that each is opened, and logged into, once. */
struct pti_key_access;

enum pintle_status pti_key_access_new(const struct pti_key_access_calls *calls, struct pti_key_access **access,
                                      struct pti_error *error);
/* Logs out and closes everything; after the keys that use it.  NULL is legal. */
void pti_key_access_free(struct pti_key_access *access);

/*
 * A key in a token; text is its URI (publish/pkcs11_uri.h).  Its public half is read now, without a PIN where the token
 * allows; the rest happens when it signs.  access is borrowed for the life of the key.
 */
enum pintle_status pti_pkcs11_key_open(struct pti_key_access *access, const char *text, struct pti_signing_key **key,
                                       struct pti_error *error);
/*
 * Makes a pair of keys in the token that text, a URI, names, under its object, and its id or a new one.  The private half
 * stays there.
 */
enum pintle_status pti_pkcs11_key_generate(struct pti_key_access *access, const char *text, enum pti_key_kind kind,
                                           struct pti_signing_key **key, struct pti_error *error);

/* What stands for a key that lies elsewhere, on the disk: its public half, and either of two places. */
struct pti_signer_file {
    char *public_pem;
    char *uri;        /* a token; or NULL */
    char **arguments; /* a program, absolute path first, NULL at the end; or NULL */
    int64_t timeout_s;
};

/*
 * Its text, JSON (pintle-signer(5)).  On failure *file is empty.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY; name stands in
 * messages.
 */
enum pintle_status pti_signer_file_parse(struct pintle_bytes text, const char *name, struct pti_signer_file *file,
                                         struct pti_error *error);
void pti_signer_file_write(const struct pti_signer_file *file, struct pti_buf *out);
void pti_signer_file_clear(struct pti_signer_file *file);
/* Whether text is meant to be one, and no PEM: the first byte that is no white space is '{'. */
bool pti_signer_file_is(struct pintle_bytes text);
/*
 * Whoever can write such a file makes us run what he likes: PINTLE_ERR_TRUST if it is no regular file, belongs to neither
 * us nor root, or others may write it.
 */
enum pintle_status pti_signer_file_check_place(const char *path, struct pti_error *error);
/* The public half that it holds, from its text; as pti_public_key_parse(). */
enum pintle_status pti_signer_file_public(struct pintle_bytes text, const char *name, struct pti_public_key *key,
                                          struct pti_error *error);
/* The key that it stands for.  Nothing is opened or run until it signs. */
enum pintle_status pti_signer_file_key(const struct pti_signer_file *file, const char *name,
                                       struct pti_key_access *access, struct pti_signing_key **key,
                                       struct pti_error *error);

/* The same from the file, its place checked. */
enum pintle_status pti_signer_file_load(const char *path, struct pti_key_access *access, struct pti_signing_key **key,
                                        struct pti_error *error);

#endif
