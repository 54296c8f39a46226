/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new repository: keys, root version 1, an empty charter, one empty zone; signed, verified as a client would, and
 * published as generation 1.
 */
#ifndef PTI_PUBLISH_INIT_H
#define PTI_PUBLISH_INIT_H

#include "publish/repository.h"

#define PTI_OFFLINE_KEYS_MAX 16

struct pti_init_options {
    const char *directory; /* made if missing (its parent must exist) */
    const char *name;      /* x-pintle-repo; NULL: the directory's last component */
    const char *zone;      /* NULL: "main" */
    int offline_keys;      /* for root and for targets, each; 0: 1 */
    int threshold;         /* of each; 0: 1 */
    enum pti_key_kind kind;
    const char *passphrase; /* encrypts root and targets keys; NULL: none.  Online keys are never encrypted. */
    int64_t now;            /* Unix seconds */
};

/*
 * Writes DIR/keys/{root-1..N,targets-1..N,snapshot,timestamp,zone-<zone>}.pem and everything else; nothing is ever
 * overwritten.  PINTLE_ERR_INPUT: options that make no sense.  PINTLE_ERR_STORAGE: a repository is there already.
 */
enum pintle_status pti_init(const struct pti_init_options *options, struct pintle_crypto *crypto,
                            struct pti_error *error);

#endif
