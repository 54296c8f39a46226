/* SPDX-License-Identifier: Apache-2.0 */
/* A client that Java owns, and how it is made of what PintleClient.Builder collected. */
#ifndef PTI_JNI_CLIENT_CONFIG_H
#define PTI_JNI_CLIENT_CONFIG_H

#include <jni.h>
#include <stdatomic.h>

#include <pintle/pintle.h>

struct pti_jni_client {
    struct pintle_client *client;
    jobject upcalls;                   /* a global reference */
    struct pintle_transport transport; /* Java's or libcurl's */
    struct pintle_store store;         /* Java's or a directory */
    atomic_bool interrupted;           /* nothing is transferred any more */
};

/* As the arguments of Native.clientNew(). */
struct pti_jni_settings {
    jbyteArray roots, shipped;
    jobjectArray urls, required;
    jint unlisted, stale_days;
    jbyteArray app_id, app_version, directory, ca_file;
    jboolean java_transport, java_store;
    jobject upcalls;
};

/* On failure *client is NULL and detail says why. */
enum pintle_status pti_jni_client_new(JNIEnv *env, const struct pti_jni_settings *settings,
                                      struct pti_jni_client **client, char *detail, size_t detail_size);

/* No call may be under way, and none may begin.  NULL is legal. */
void pti_jni_client_free(JNIEnv *env, struct pti_jni_client *client);

#endif
