/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the files of a public/ directory agree with each other: what a client never looks at all at once.  It proves
 * nothing about signatures; a real client does that (see cmd_verify.c).
 */
#ifndef PTI_CLI_AGREEMENT_H
#define PTI_CLI_AGREEMENT_H

#include <pintle/crypto.h>

#include "base/error.h"

struct pti_agreement {
    size_t metadata, targets, heads, bodies; /* files looked at */
};

/*
 * Every metadata file has the version in its name, every target the hash in its name, every body holds the snapshot it
 * is named after; every compressed form undone is the file beside it; the newest body and every head are, byte for byte,
 * what the plain files make.
 * PINTLE_ERR_INPUT, PINTLE_ERR_STORAGE: the first file that is not so, and what to do.
 */
enum pintle_status pti_agreement_check(const char *directory, struct pintle_crypto *crypto,
                                       struct pti_agreement *agreement, struct pti_error *error);

#endif
