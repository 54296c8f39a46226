/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pin from what an operator has at hand: a certificate, a key (private or public) or a certificate request, in PEM or
 * DER.  A request is believed only after its self-signature verified (RFC 2986: proof of possession).
 */
#ifndef PTI_PUBLISH_KEY_SOURCE_H
#define PTI_PUBLISH_KEY_SOURCE_H

#include <pintle/evidence.h>

#include "base/crypto.h"
#include "base/error.h"

#define PTI_KEY_SOURCE_SIZE_MAX 1000000 /* bytes */

enum pti_key_source { PTI_KEY_SOURCE_CERTIFICATE, PTI_KEY_SOURCE_KEY, PTI_KEY_SOURCE_CSR };

/*
 * The hash to pin: of the key (PINTLE_OF_SPKI) or of the whole certificate (PINTLE_OF_CERT, certificates only).
 * From PEM with several certificates the first counts.  passphrase may be NULL.  name stands in messages.
 * PINTLE_ERR_INPUT: not what source says, an encrypted key without passphrase, a request whose self-signature is wrong,
 * OF_CERT of something that is no certificate.
 */
enum pintle_status pti_key_source_pin(enum pti_key_source source, struct pintle_bytes data, const char *name,
                                      const char *passphrase, enum pintle_of of, struct pintle_crypto *crypto,
                                      uint8_t sha256[PINTLE_SHA256_SIZE], struct pti_error *error);

#endif
