/* SPDX-License-Identifier: Apache-2.0 */
/* What the adapters over OpenSSL and over BoringSSL have in common; compiled once over each. */
#ifndef PTI_TLS_LIBSSL_CHAIN_H
#define PTI_TLS_LIBSSL_CHAIN_H

#include <openssl/x509.h>

#include <pintle/checker.h>

/*
 * Evidence of a chain that has been verified, leaf first; statuses as of pintle_checker_evidence(), and
 * PINTLE_ERR_MEMORY.  What is no chain (NULL, empty, too long) is PINTLE_ERR_INPUT.  Fills all of *evidence.
 */
enum pintle_status pti_libssl_evidence(struct pintle_checker *checker, STACK_OF(X509) * chain,
                                       struct pintle_evidence *evidence);

#endif
