/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only some kernels have, for giving up rights.  Each function does what is possible here and says in words what
 * was not, so that the log is true on every machine.
 */
#ifndef PTI_SERVER_CONFINE_H
#define PTI_SERVER_CONFINE_H

#include "base/error.h"

/*
 * The signer, once it has read all it needs: closes every descriptor but 2 and keep (0 and 1 become /dev/null), no core
 * dump and no tracing by the same user, no new privileges, no file may be written, and, where there is seccomp, no
 * system call but those for reading and writing what is open, memory and time.
 * PINTLE_ERR_UNSUPPORTED: seccomp is missing, the rest is done; PINTLE_ERR_STORAGE: something that must work failed.
 */
enum pintle_status pti_confine_signer(int keep, struct pti_error *error);

/*
 * The server, after its signer was started: with Landlock, files are out of its reach but those below readable and
 * writable (each ends with NULL; paths that are absent are left out).  So it cannot read the key files, though they
 * belong to the same user.  Holds for threads started afterwards.  PINTLE_ERR_UNSUPPORTED: there is no Landlock here.
 */
enum pintle_status pti_confine_server(const char *const *readable, const char *const *writable,
                                      struct pti_error *error);

/*
 * The server likewise: system calls that it never makes fail: other programs and processes, other users and mounts,
 * memory that is both written and executed, sockets but of IP, Unix and routing, and what administers the machine.
 * PINTLE_ERR_UNSUPPORTED: there is no seccomp here.
 */
enum pintle_status pti_confine_calls(struct pti_error *error);

#endif
