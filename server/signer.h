/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer: a process of its own that holds the online keys, so that the one that faces the network holds none.  It
 * is started before anything else, reads its keys and the publication, gives up every other descriptor and right that
 * it can, and answers requests (server/signer_policy.h) over a socket pair until that closes.
 *
 * It keeps keys out of reach of a fault in the server's memory.  It is no protection from somebody who can read the key
 * files as the same user; server/confine.h closes that way too, where the kernel can.
 */
#ifndef PTI_SERVER_SIGNER_H
#define PTI_SERVER_SIGNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "publish/resign.h"

struct pti_signer {
    pid_t pid;  /* -1 once it has ended and been waited for */
    int socket; /* -1 likewise */
};

/*
 * Forks, so call it while the process has one thread and nothing open that a signer must not have.  Returns once the
 * signer is ready.  On failure there is no process: PINTLE_ERR_STORAGE or _INPUT (keys or publication cannot be read),
 * PINTLE_ERR_TRUST (the publication does not verify, or the keys are not those of its root), PINTLE_ERR_NETWORK (it
 * died).
 */
enum pintle_status pti_signer_start(const char *repository, const char *keys, struct pti_signer *signer,
                                    struct pti_error *error);

/*
 * Whether one could be started, found out in this process, which is to end soon: it reads the keys.  As above; warnings
 * are logged.
 */
enum pintle_status pti_signer_check(const char *repository, const char *keys, struct pti_error *error);

/*
 * Shows it a publication and has it sign the versions that are not 0 (server/signer_policy.h).  PINTLE_ERR_TRUST:
 * refused, with its reason.  PINTLE_ERR_NETWORK: it is dead or does not answer; it has been ended, and
 * pti_signer_alive() is false.
 */
enum pintle_status pti_signer_ask(struct pti_signer *signer, const struct pti_published *published,
                                  int64_t timestamp_version, int64_t snapshot_version, struct pti_resigned *resigned,
                                  struct pti_error *error);

/* Whether it still runs; reaps it if it has just ended. */
bool pti_signer_alive(struct pti_signer *signer);
/* Closes the socket, which ends it, and waits for it.  Legal at any time after pti_signer_start(). */
void pti_signer_stop(struct pti_signer *signer);

/* Internal to the signer: the life of the child process.  Returns its exit status. */
int pti_signer_process(int socket, const char *repository, const char *keys);

#endif
