/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-256 signatures in the two forms that signers give: DER (Ecdsa-Sig-Value, RFC 3279), and r and s one after another. */
#ifndef PTI_PUBLISH_ECDSA_SIGNATURE_H
#define PTI_PUBLISH_ECDSA_SIGNATURE_H

#include "publish/signing_key.h"

#define PTI_ECDSA_RAW_SIZE 64 /* bytes */

/* r and s, 32 bytes each, big end first (PKCS#11, IEEE 1363), as DER.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_ecdsa_signature_from_raw(const uint8_t raw[PTI_ECDSA_RAW_SIZE], struct pti_signature *signature,
                                                struct pti_error *error);
/* Whether data is DER of one signature and nothing else. */
bool pti_ecdsa_signature_is_der(struct pintle_bytes data);

#endif
