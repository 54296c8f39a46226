/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classes of failure that a caller can act on.  Every function that can fail returns one of them; the detail (what
 * was expected, what was found, what to do) stands in a fixed buffer on the object, see pintle_config_error() and
 * pintle_client_error().
 */
#ifndef PINTLE_STATUS_H
#define PINTLE_STATUS_H

#include <pintle/export.h>

PINTLE_BEGIN_DECLS

enum pintle_status {
    PINTLE_OK = 0,
    PINTLE_ERR_MISUSE,       /* a call out of order or with arguments that can never be right */
    PINTLE_ERR_INPUT,        /* malformed data: JSON, DER, container, host name, key file */
    PINTLE_ERR_TRUST,        /* well-formed, but not signed, not newer, expired, denied, or no pin is known */
    PINTLE_ERR_PIN_MISMATCH, /* the verified chain holds no key that is pinned for this host; nothing else */
    PINTLE_ERR_RETRY,        /* as PIN_MISMATCH, but a refresh is due: refresh, then connect once more */
    PINTLE_ERR_NETWORK,      /* a transfer failed, was cut short, or ran out of time */
    PINTLE_ERR_STORAGE,      /* the store cannot be read, written or locked */
    PINTLE_ERR_MEMORY,       /* an allocation failed */
    PINTLE_ERR_UNSUPPORTED   /* this build or this TLS adapter cannot evaluate what is asked of it */
};

/*
 * The name of a status in lower case ("pin_mismatch"); "unknown" for a value outside the enumeration.
 * The string is static.  Any thread.
 */
PINTLE_API const char *pintle_status_name(enum pintle_status status);

PINTLE_END_DECLS

#endif
