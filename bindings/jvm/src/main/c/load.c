/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when the virtual machine loads this library: everything of Java that C calls is looked up, once. */
#include <pthread.h>
#include <string.h>

#include "bindings/jvm/src/main/c/bridge.h"
#include "bindings/jvm/src/main/c/natives.h"

static pthread_key_t attached; /* not NULL for threads that this library attached */

static void detach(void *value)
{
    (void)value;
    (void)(*pti_jni.vm)->DetachCurrentThread(pti_jni.vm);
}

bool pti_jni_detach_at_end(void)
{
    if (pthread_setspecific(attached, &attached) == 0)
        return true;
    detach(NULL);
    return false;
}

static bool find_class(JNIEnv *env, const char *name, jclass *found)
{
    jclass local = (*env)->FindClass(env, name);

    *found = local != NULL ? (*env)->NewGlobalRef(env, local) : NULL;
    (*env)->DeleteLocalRef(env, local);
    return *found != NULL;
}

static bool find_method(JNIEnv *env, jclass owner, const char *name, const char *signature, jmethodID *found)
{
    *found = (*env)->GetMethodID(env, owner, name, signature);
    return *found != NULL;
}

static bool find_classes(JNIEnv *env)
{
    return find_class(env, "[B", &pti_jni.bytes) && find_class(env, "io/pintle/PintleException", &pti_jni.exception) &&
           find_class(env, "io/pintle/PintleVerdict", &pti_jni.verdict) &&
           find_class(env, "io/pintle/Upcalls", &pti_jni.upcalls) &&
           find_class(env, "java/lang/OutOfMemoryError", &pti_jni.out_of_memory);
}

static bool find_methods(JNIEnv *env)
{
    const struct {
        jclass owner;
        const char *name, *signature;
        jmethodID *found;
    } wanted[] = {
        {pti_jni.exception, "<init>", "(I[B)V", &pti_jni.exception_new},
        {pti_jni.verdict, "<init>", "(IIIIJJLjava/lang/String;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V",
         &pti_jni.verdict_new},
        {pti_jni.upcalls, "perform", "([B[B[B[BJJIJ[J)[B", &pti_jni.perform},
        {pti_jni.upcalls, "cancel", "()V", &pti_jni.cancel},
        {pti_jni.upcalls, "load", "([B[[B)[B", &pti_jni.load},
        {pti_jni.upcalls, "save", "([B[B)[B", &pti_jni.save},
        {pti_jni.upcalls, "remove", "([B)[B", &pti_jni.remove},
        {pti_jni.upcalls, "lock", "()[B", &pti_jni.lock},
        {pti_jni.upcalls, "unlock", "()V", &pti_jni.unlock},
        {pti_jni.upcalls, "event", "(II[BLio/pintle/PintleVerdict;)V", &pti_jni.event},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!find_method(env, wanted[i].owner, wanted[i].name, wanted[i].signature, wanted[i].found))
            return false;
    return true;
}

static bool register_method(JNIEnv *env, jclass owner, const struct pti_jni_method *method)
{
    JNINativeMethod native = {(char *)method->name, (char *)method->signature, NULL};

    memcpy(&native.fnPtr, &method->function,
           sizeof native.fnPtr); /* ISO C has no cast for this, POSIX has the meaning */
    return (*env)->RegisterNatives(env, owner, &native, 1) == JNI_OK;
}

static bool register_natives(JNIEnv *env)
{
    const struct pti_jni_table *const tables[] = {&pti_jni_client_natives, &pti_jni_checker_natives,
                                                  &pti_jni_sink_natives};
    jclass owner = (*env)->FindClass(env, "io/pintle/Native");
    bool done = owner != NULL;

    for (size_t i = 0; done && i < sizeof tables / sizeof tables[0]; i++)
        for (size_t j = 0; done && j < tables[i]->count; j++)
            done = register_method(env, owner, &tables[i]->methods[j]);
    (*env)->DeleteLocalRef(env, owner);
    return done;
}

/* On failure the exception that JNI left pending says what is missing. */
JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
    void *env = NULL;

    (void)reserved;
    if ((*vm)->GetEnv(vm, &env, JNI_VERSION_1_6) != JNI_OK || pthread_key_create(&attached, detach) != 0)
        return JNI_ERR;
    pti_jni.vm = vm;
    return find_classes(env) && find_methods(env) && register_natives(env) ? JNI_VERSION_1_6 : JNI_ERR;
}
