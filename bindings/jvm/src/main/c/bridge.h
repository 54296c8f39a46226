/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bridge between Java and C: what both sides of it need.  Text crosses as bytes of UTF-8, not as JNI's modified
 * UTF-8, in which a NUL is not NUL and a character outside the basic plane is not UTF-8; names that are ASCII for sure
 * become strings here.
 */
#ifndef PTI_JNI_BRIDGE_H
#define PTI_JNI_BRIDGE_H

#include <jni.h>
#include <stdbool.h>
#include <stddef.h>

#include <pintle/pintle.h>

/* The longest text that Java may hand over (URL, path, host), with terminator. */
#define PTI_JNI_TEXT_SIZE 4096

/* How many references one upcall, or one call from Java, makes at most. */
#define PTI_JNI_LOCALS 16

/*
 * The virtual machine, and what of Java is called from C.  The one global of this library, set before any other
 * function can be called and never changed: JNI hands no state to a thread that C made.  Classes are global references.
 */
struct pti_jni {
    JavaVM *vm;
    jclass bytes;                                      /* byte[] */
    jclass exception, verdict, upcalls, out_of_memory; /* PintleException, PintleVerdict, Upcalls, OutOfMemoryError */
    jmethodID exception_new, verdict_new;
    jmethodID perform, cancel, load, save, remove, lock, unlock, event;
};

extern struct pti_jni pti_jni;

/* A thread of whatever origin inside Java, with a frame of local references. */
struct pti_jni_scope {
    JNIEnv *env; /* NULL: this thread cannot call Java now */
};

struct pti_jni_scope pti_jni_enter(void);
/* Drops the references made since, and an exception that is pending. */
void pti_jni_leave(const struct pti_jni_scope *scope);

/* A new byte[]; NULL with an exception pending. */
jbyteArray pti_jni_bytes_new(JNIEnv *env, const void *data, size_t size);
jbyteArray pti_jni_text_new(JNIEnv *env, const char *text); /* NULL stays NULL */

/* A string of what is ASCII; what is not becomes '?'. */
jstring pti_jni_ascii_new(JNIEnv *env, const char *text);

/* Copies text; NULL reads as "".  PINTLE_ERR_INPUT: longer than size - 1, or a NUL in it; out is then "". */
enum pintle_status pti_jni_text_get(JNIEnv *env, jbyteArray text, char *out, size_t size);

/* Throws PintleException, unless status is PINTLE_OK or something is pending already. */
void pti_jni_throw(JNIEnv *env, enum pintle_status status, const char *detail);

/* Throws OutOfMemoryError, unless something is pending already. */
void pti_jni_throw_memory(JNIEnv *env);

/* NULL with an exception pending.  verdict may be NULL, and then so is the result. */
jobject pti_jni_verdict_new(JNIEnv *env, const struct pintle_verdict *verdict);

#endif
