/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository that is being served: its public files, the signer process that holds its online keys, what keeps it
 * fresh, and what is known of it.  Nothing that goes wrong with one of them is felt by the others.
 */
#ifndef PTI_SERVER_SERVED_H
#define PTI_SERVER_SERVED_H

#include "publish/file.h"
#include "server/options.h"
#include "server/resign.h"

struct pti_served {
    char name[PTI_SERVED_NAME_MAX + 1]; /* below which path, and in rows and labels; "" is at the root */
    const char *directory;              /* borrowed */
    char keys[PTI_PATH_MAX];
    int public_directory; /* a descriptor; -1: it cannot be served, and is answered with 503 */
    struct pti_signer signer;
    struct pti_status_board board;
    struct pti_resigner resigner;
    atomic_bool refresh; /* somebody wants it looked at, at the next tick */
};

/* In the order of a server's start.  options is borrowed. */
void pti_served_init(struct pti_served *served, const struct pti_served_options *options);
/* Opens the public files.  PINTLE_ERR_STORAGE: the directory is no repository, or cannot be read. */
enum pintle_status pti_served_open(struct pti_served *served, struct pti_error *error);
/*
 * Before threads and descriptors, which a signer must not inherit.  Without it the repository is served all the same.
 */
void pti_served_start_signer(struct pti_served *served);
/* The first look at what is published.  crypto, storage, census and checks are borrowed. */
void pti_served_begin(struct pti_served *served, struct pintle_crypto *crypto, struct pti_database *storage,
                      struct pti_census *census, struct pti_checks *checks, int64_t every_s, int64_t now);
/* Once a second: renews what is due, and notices a dead signer; force looks at once. */
void pti_served_tick(struct pti_served *served, int64_t now, bool force);
void pti_served_clear(struct pti_served *served); /* legal at any time after _init */

#endif
