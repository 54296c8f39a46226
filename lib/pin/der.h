/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over DER (X.690) to the exact bytes of a certificate's SubjectPublicKeyInfo.  It reads only what lies on the
 * way, allocates nothing and re-encodes nothing.  It refuses what DER forbids on that way: indefinite and non-minimal
 * lengths, lengths past the end, trailing bytes after the certificate, multi-byte tags.
 */
#ifndef PTI_PIN_DER_H
#define PTI_PIN_DER_H

#include <stdbool.h>

#include <pintle/bytes.h>

/* *spki becomes a view into certificate (RFC 5280, section 4.1: TBSCertificate.subjectPublicKeyInfo, tag included). */
bool pti_der_certificate_spki(struct pintle_bytes certificate, struct pintle_bytes *spki);

#endif
