/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping publishers out of a repository for a moment, without writing to it. */
#ifndef PTI_CLI_SHARED_LOCK_H
#define PTI_CLI_SHARED_LOCK_H

/*
 * The lock of a repository, shared with other readers.  -1 if directory is no repository (a copy of public/ alone), if
 * the lock cannot be opened (another user's), or if it is held for too long.
 */
int pti_shared_lock(const char *repository, int wait_ms);
void pti_shared_unlock(int descriptor); /* -1 is legal */

void pti_pause(int milliseconds);

#endif
