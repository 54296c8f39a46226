/* SPDX-License-Identifier: Apache-2.0 */
/* The native methods of io.pintle.Native, by the file that implements them; JNI_OnLoad() registers them. */
#ifndef PTI_JNI_NATIVES_H
#define PTI_JNI_NATIVES_H

#include <jni.h>
#include <stdbool.h>
#include <stddef.h>

struct pti_jni_method {
    const char *name, *signature;
    void (*function)(void); /* of whatever type the signature says */
};

struct pti_jni_table {
    const struct pti_jni_method *methods;
    size_t count;
};

extern const struct pti_jni_table pti_jni_client_natives;
extern const struct pti_jni_table pti_jni_checker_natives;
extern const struct pti_jni_table pti_jni_sink_natives;

/*
 * Sees to it that this thread, which is attached now, is detached when it ends.  False without memory: it is detached.
 */
bool pti_jni_detach_at_end(void);

#endif
