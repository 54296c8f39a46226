/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pkcs11_*.c share: modules, tokens, objects (PKCS#11 2.40 and 3.0).  Everything that a module answers is bounded
 * here and cleaned before it is shown.
 */
#ifndef PTI_PUBLISH_PKCS11_INTERNAL_H
#define PTI_PUBLISH_PKCS11_INTERNAL_H

#include <p11-kit/pkcs11.h>

#include "publish/key_access.h"
#include "publish/pkcs11_uri.h"

#define PTI_PKCS11_OBJECTS_MAX 64      /* looked at, of one kind under one name */
#define PTI_PKCS11_ATTRIBUTE_MAX 65536 /* bytes: a certificate is the largest */
#define PTI_PKCS11_LABEL_MAX 33        /* bytes of a token's label, with terminator */

struct pti_pkcs11_module {
    struct pti_pkcs11_module *next;
    char path[PTI_PKCS11_PATH_MAX];
    void *library;
    CK_FUNCTION_LIST *functions;
    bool initialised; /* by us */
};

struct pti_pkcs11_token {
    struct pti_pkcs11_token *next;
    const struct pti_pkcs11_module *module;
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    const struct pti_key_access_calls *calls;
    char label[PTI_PKCS11_LABEL_MAX]; /* printable */
    bool writable;
    bool logged_in;
    bool refused; /* it did not take a PIN: not tried again, for tokens lock */
};

struct pti_key_access {
    struct pti_key_access_calls calls;
    struct pti_pkcs11_module *modules;
    struct pti_pkcs11_token *tokens;
};

/* Closes and forgets them. */
void pti_pkcs11_tokens_close(struct pti_key_access *access);
void pti_pkcs11_modules_close(struct pti_key_access *access);

/* The module of uri, or p11-kit's proxy, loaded and initialised once. */
enum pintle_status pti_pkcs11_module_open(struct pti_key_access *access, const struct pti_pkcs11_uri *uri,
                                          const struct pti_pkcs11_module **module, struct pti_error *error);
/* PINTLE_ERR_STORAGE (PINTLE_ERR_MEMORY of CKR_HOST_MEMORY): "WHERE: C_SIGN failed with CKR_DEVICE_ERROR". */
enum pintle_status pti_pkcs11_fail(const char *where, const char *call, CK_RV rv, struct pti_error *error);

/*
 * The one token that uri names, with a session.  PINTLE_ERR_INPUT: none or several; the message lists what was found.
 * writable: objects will be made.
 */
enum pintle_status pti_pkcs11_token_open(struct pti_key_access *access, const struct pti_pkcs11_uri *uri, bool writable,
                                         struct pti_pkcs11_token **token, struct pti_error *error);
/* Once; nothing if the token wants no PIN. */
enum pintle_status pti_pkcs11_login(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                    struct pti_error *error);
/* For the one operation that has been begun (CKA_ALWAYS_AUTHENTICATE). */
enum pintle_status pti_pkcs11_login_again(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                          struct pti_error *error);

struct pti_pkcs11_objects {
    CK_OBJECT_HANDLE handles[PTI_PKCS11_OBJECTS_MAX];
    size_t count;
};

/* The objects of a class that have the label and the id, each unless NULL or empty.  PINTLE_ERR_STORAGE. */
enum pintle_status pti_pkcs11_find(const struct pti_pkcs11_token *token, CK_OBJECT_CLASS class, const char *label,
                                   struct pintle_bytes id, struct pti_pkcs11_objects *objects, struct pti_error *error);
/* An attribute of at most max bytes; false if the object has none, or one that is larger. */
bool pti_pkcs11_get(const struct pti_pkcs11_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out,
                    size_t max, size_t *size);
/* The one private key that uri names, logged in.  PINTLE_ERR_INPUT: none or several; the message lists what was found. */
enum pintle_status pti_pkcs11_private_key(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                          CK_OBJECT_HANDLE *object, struct pti_error *error);

/* The public half of what uri names, as a SubjectPublicKeyInfo in DER.  From the public key, or the certificate. */
enum pintle_status pti_pkcs11_public_key(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                         struct pti_buf *spki, struct pti_error *error);
/* Of one object that is a public key. PINTLE_ERR_INPUT: of a kind that does not sign here. */
enum pintle_status pti_pkcs11_public_of(const struct pti_pkcs11_token *token, CK_OBJECT_HANDLE object,
                                        struct pti_buf *spki, struct pti_error *error);

#endif
