/* SPDX-License-Identifier: Apache-2.0 */
/* What the server settles with the kernel for its whole process: signals, descriptors, and what it can reach. */
#ifndef PTI_SERVER_PROCESS_H
#define PTI_SERVER_PROCESS_H

#include <signal.h>

#include "server/options.h"
#include "server/served.h"

/*
 * Before threads: signals that would end the process for nothing are ignored, those in *signals, which tell it
 * something, are blocked in all threads until one waits for them, and look-ups of names are kept short.
 */
void pti_process_prepare(sigset_t *signals);

/* Returns as many connections as are wanted, or as few as the process may have descriptors for; then it warns. */
unsigned pti_process_allow_connections(int64_t wanted);

/*
 * From here on the key files are out of reach of this process, and system calls that it never makes fail, where the
 * kernel can do that; where it cannot, that is logged.  The repositories' signers run already.
 */
void pti_process_confine(const struct pti_server_options *options, const struct pti_served *served, size_t count);

#endif
