/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults at will: the n-th call of some kinds fails, is cut short, or is the last thing that the process does.
 *
 *     bool more = true;
 *     for (long n = 0; more; n++) {
 *         ... set the scene ...
 *         faults_arm(FAULTS_CHANGES, n, FAULTS_FAIL, ENOSPC);
 *         status = what_is_tested();
 *         more = faults_disarm();     // false: there were no more than n such calls
 *         ... status, and what it left behind ...
 *     }
 *
 * It reaches the calls that our own objects make (the linker's --wrap, which CMakeLists.txt gives to every program named
 * test_*_faults.c or test_*_memory.c), and the allocations of OpenSSL after faults_hook_openssl().  Calls inside libc,
 * SQLite or libcurl are out of reach.  One thread at a time: what is armed counts the calls of all of them.
 */
#ifndef PTI_TESTS_FAULTS_H
#define PTI_TESTS_FAULTS_H

#include <stdbool.h>

/* Kinds of calls, a set of bits. */
enum {
    FAULTS_CREATE = 1 << 0, /* open and openat with O_CREAT */
    FAULTS_OPEN = 1 << 1,   /* without */
    FAULTS_READ = 1 << 2,
    FAULTS_WRITE = 1 << 3, /* write, pwrite */
    FAULTS_SYNC = 1 << 4,  /* fsync, fdatasync */
    FAULTS_CLOSE = 1 << 5,
    FAULTS_RENAME = 1 << 6,   /* rename, renameat */
    FAULTS_LINK = 1 << 7,     /* link, linkat, symlink, symlinkat */
    FAULTS_UNLINK = 1 << 8,   /* unlink, unlinkat, rmdir */
    FAULTS_TRUNCATE = 1 << 9, /* truncate, ftruncate */
    FAULTS_MKDIR = 1 << 10,   /* mkdir, mkdirat */
    FAULTS_LOCK = 1 << 11,    /* flock */
    FAULTS_MEMORY = 1 << 12,  /* malloc, calloc, realloc */
    FAULTS_OPENSSL = 1 << 13  /* the same inside OpenSSL, once faults_hook_openssl() has succeeded */
};

/* Everything that changes a directory or a file in it. */
#define FAULTS_CHANGES                                                                                                 \
    (FAULTS_CREATE | FAULTS_WRITE | FAULTS_SYNC | FAULTS_RENAME | FAULTS_LINK | FAULTS_UNLINK | FAULTS_TRUNCATE |      \
     FAULTS_MKDIR)

enum faults_how {
    FAULTS_FAIL,        /* this call fails with errno; an allocation is NULL */
    FAULTS_FAIL_ON,     /* and so do all later ones of these kinds */
    FAULTS_SHORT,       /* a read or write moves half of what it was given; another call is made as it is */
    FAULTS_KILL,        /* SIGKILL instead of the call */
    FAULTS_KILL_HALFWAY /* SIGKILL after half of a write, and right after any other call */
};

/* Can faults be had here?  Not where the linker knows no --wrap: skip(). */
bool faults_available(void);

/* From here on the call number n (from 0) of these kinds meets its fault; number is the errno of FAULTS_FAIL. */
void faults_arm(unsigned kinds, long n, enum faults_how how, int number);
/* From here on nothing fails.  Has the fault come? */
bool faults_disarm(void);
/*
 * The calls of the kinds since faults_arm(), a letter each in the order of the kinds above (create C, open O, read R,
 * write W, sync S, close X, rename N, link L, unlink U, truncate T, mkdir D, flock K, memory M, OpenSSL M): a file that is
 * replaced safely is "CWSNS".  The first hundred.
 */
const char *faults_trace(void);

/* Around what must neither fail nor count, such as a simulated machine; they nest. */
void faults_pause(void);
void faults_resume(void);

/* Before anything else uses OpenSSL (first in main): its allocations count as FAULTS_OPENSSL. */
bool faults_hook_openssl(void);

enum faults_end {
    FAULTS_ENDED,  /* run returned 0 */
    FAULTS_KILLED, /* SIGKILL came first */
    FAULTS_BROKEN  /* it returned something else, exited or crashed */
};

/*
 * run(ctx) in a child process in which the n-th call meets its fault (FAULTS_KILL or FAULTS_KILL_HALFWAY, as a rule).
 * What it prints appears; nothing else comes back.
 */
enum faults_end faults_in_child(unsigned kinds, long n, enum faults_how how, int (*run)(void *ctx), void *ctx);

#endif
