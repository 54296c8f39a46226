/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a key in a token is named: "pkcs11:token=pins;object=root-1?module-path=/usr/lib/libx.so" (RFC 7512).  Pure.
 *
 * Understood are token, manufacturer, serial, model, slot-id, object, id and type in the path, module-path and pin-source
 * in the query.  Everything else is refused: what is not understood would narrow down which key is meant, or, as pin-value
 * does, put a secret where others read it.
 */
#ifndef PTI_PUBLISH_PKCS11_URI_H
#define PTI_PUBLISH_PKCS11_URI_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define PTI_PKCS11_URI_MAX 4096  /* characters */
#define PTI_PKCS11_TEXT_MAX 256  /* bytes of a decoded value, with terminator */
#define PTI_PKCS11_PATH_MAX 1024 /* bytes of a path, with terminator */
#define PTI_PKCS11_ID_MAX 64     /* bytes of CKA_ID */

/* Decoded; "" and 0 stand for what is not named. */
struct pti_pkcs11_uri {
    char token[PTI_PKCS11_TEXT_MAX];
    char manufacturer[PTI_PKCS11_TEXT_MAX];
    char serial[PTI_PKCS11_TEXT_MAX];
    char model[PTI_PKCS11_TEXT_MAX];
    char object[PTI_PKCS11_TEXT_MAX];
    uint8_t id[PTI_PKCS11_ID_MAX];
    size_t id_size;
    bool has_slot;
    unsigned long slot;
    char module_path[PTI_PKCS11_PATH_MAX]; /* absolute */
    char pin_source[PTI_PKCS11_PATH_MAX];  /* an absolute path: the "file:" is taken off */
};

/* Whether text is meant to be one: it starts with "pkcs11:". */
bool pti_pkcs11_uri_is(const char *text);
/* PINTLE_ERR_INPUT, and the message holds no value that might be a PIN. */
enum pintle_status pti_pkcs11_uri_parse(const char *text, struct pti_pkcs11_uri *uri, struct pti_error *error);
/* Appends "name=value" as it stands in a URI, everything but A-Z, a-z, 0-9 and -._~ percent-encoded. */
void pti_pkcs11_uri_put(struct pti_buf *out, const char *name, struct pintle_bytes value);

#endif
