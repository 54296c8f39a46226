/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a certificate is a CA's: where in a chain a pin of it can match. */
#ifndef PTI_CLI_CERTIFICATE_KIND_H
#define PTI_CLI_CERTIFICATE_KIND_H

#include <pintle/bytes.h>

enum pti_certificate_kind {
    PTI_CERTIFICATE_UNKNOWN, /* unreadable, or it does not say */
    PTI_CERTIFICATE_END_ENTITY,
    PTI_CERTIFICATE_CA /* basicConstraints CA:TRUE */
};

/* Of the first certificate in PEM or DER. */
enum pti_certificate_kind pti_certificate_kind(struct pintle_bytes data);

#endif
