/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a program that is given some bytes and gives some back.  It cannot make the caller wait longer than the timeout
 * nor remember more than PTI_CHILD_OUTPUT_MAX bytes, whatever it does; its own children are its own business, even if they
 * keep its streams open.
 */
#ifndef PTI_PUBLISH_CHILD_H
#define PTI_PUBLISH_CHILD_H

#include <pintle/bytes.h>

#include "base/error.h"

#define PTI_CHILD_OUTPUT_MAX 4096 /* bytes */
#define PTI_CHILD_SAID_MAX 160    /* bytes of standard error that a message quotes */

enum pti_child_end {
    PTI_CHILD_EXITED,    /* code is its exit code */
    PTI_CHILD_SIGNALLED, /* code is the signal */
    PTI_CHILD_TIMED_OUT, /* it was killed */
    PTI_CHILD_TOO_LOUD   /* it wrote more than PTI_CHILD_OUTPUT_MAX, and was killed */
};

struct pti_child_result {
    enum pti_child_end end;
    int code;
    uint8_t output[PTI_CHILD_OUTPUT_MAX];
    size_t output_size;
    char said[PTI_CHILD_SAID_MAX]; /* the end of what it wrote to standard error, printable */
    size_t said_size;
};

/*
 * Runs arguments[0], an absolute path, without a shell, with our environment and working directory.  What it writes to
 * standard error goes to said as it comes (NULL: nobody wants it).  PINTLE_ERR_STORAGE: it cannot be started.
 */
enum pintle_status pti_child_run(char *const *arguments, struct pintle_bytes input, int64_t timeout_s,
                                 void (*said)(void *ctx, struct pintle_bytes text), void *ctx,
                                 struct pti_child_result *result, struct pti_error *error);

#endif
