/* SPDX-License-Identifier: Apache-2.0 */
#include "bindings/jvm/src/main/c/bridge.h"

#include <stdint.h>
#include <string.h>

#include "bindings/jvm/src/main/c/natives.h"

struct pti_jni pti_jni;

/* Threads that C made stay attached until they end: to attach costs more than to call. */
static bool attach(JNIEnv **env)
{
    /*
     * Android's jni.h and the JDK's differ in the type of this argument; a void pointer suits the one, and C the other.
     */
    void *attached = NULL;
    bool done = (*pti_jni.vm)->AttachCurrentThreadAsDaemon(pti_jni.vm, (void *)&attached, NULL) == JNI_OK;

    *env = attached;
    return done && pti_jni_detach_at_end();
}

struct pti_jni_scope pti_jni_enter(void)
{
    struct pti_jni_scope scope = {NULL};
    void *env = NULL;

    if ((*pti_jni.vm)->GetEnv(pti_jni.vm, &env, JNI_VERSION_1_6) == JNI_OK)
        scope.env = env;
    else if (!attach(&scope.env))
        scope.env = NULL;
    if (scope.env != NULL && (*scope.env)->PushLocalFrame(scope.env, PTI_JNI_LOCALS) != JNI_OK) {
        (*scope.env)->ExceptionClear(scope.env);
        scope.env = NULL;
    }
    return scope;
}

void pti_jni_leave(const struct pti_jni_scope *scope)
{
    if (scope->env == NULL)
        return;
    (*scope->env)->ExceptionClear(scope->env);
    (void)(*scope->env)->PopLocalFrame(scope->env, NULL);
}

jbyteArray pti_jni_bytes_new(JNIEnv *env, const void *data, size_t size)
{
    jbyteArray bytes;

    if (size > INT32_MAX) {
        pti_jni_throw_memory(env);
        return NULL;
    }
    bytes = (*env)->NewByteArray(env, (jsize)size);
    if (bytes != NULL && size > 0)
        (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)size, data);
    return bytes;
}

jbyteArray pti_jni_text_new(JNIEnv *env, const char *text)
{
    return text != NULL ? pti_jni_bytes_new(env, text, strlen(text)) : NULL;
}

jstring pti_jni_ascii_new(JNIEnv *env, const char *text)
{
    char ascii[PTI_JNI_TEXT_SIZE];
    size_t size = strnlen(text, sizeof ascii - 1);

    for (size_t i = 0; i < size; i++)
        ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    ascii[size] = '\0';
    return (*env)->NewStringUTF(env, ascii);
}

enum pintle_status pti_jni_text_get(JNIEnv *env, jbyteArray text, char *out, size_t size)
{
    jsize length = text != NULL ? (*env)->GetArrayLength(env, text) : 0;

    out[0] = '\0';
    if ((size_t)length >= size)
        return PINTLE_ERR_INPUT;
    if (length > 0)
        (*env)->GetByteArrayRegion(env, text, 0, length, (jbyte *)out);
    out[length] = '\0';
    if (strlen(out) == (size_t)length)
        return PINTLE_OK;
    out[0] = '\0'; /* what stands before the NUL would be taken for the whole */
    return PINTLE_ERR_INPUT;
}

void pti_jni_throw(JNIEnv *env, enum pintle_status status, const char *detail)
{
    jbyteArray text;
    jobject thrown = NULL;

    if (status == PINTLE_OK || (*env)->ExceptionCheck(env))
        return;
    text = pti_jni_text_new(env, detail);
    if (text != NULL)
        thrown = (*env)->NewObject(env, pti_jni.exception, pti_jni.exception_new, (jint)status, text);
    if (thrown != NULL)
        (void)(*env)->Throw(env, thrown);
}

void pti_jni_throw_memory(JNIEnv *env)
{
    if (!(*env)->ExceptionCheck(env))
        (void)(*env)->ThrowNew(env, pti_jni.out_of_memory, "pintle: out of memory");
}

jobject pti_jni_verdict_new(JNIEnv *env, const struct pintle_verdict *verdict)
{
    char line[PTI_JNI_TEXT_SIZE];
    jstring zone, host, noted, description;

    if (verdict == NULL)
        return NULL;
    (void)pintle_verdict_describe(verdict, line, sizeof line);
    zone = pti_jni_ascii_new(env, verdict->zone);
    host = zone != NULL ? pti_jni_ascii_new(env, verdict->host) : NULL;
    noted = host != NULL ? pti_jni_ascii_new(env, verdict->noted_host) : NULL;
    description = noted != NULL ? pti_jni_ascii_new(env, line) : NULL;
    if (description == NULL)
        return NULL;
    return (*env)->NewObject(env, pti_jni.verdict, pti_jni.verdict_new, (jint)verdict->status, (jint)verdict->reason,
                             (jint)verdict->mode, (jint)verdict->matched_index, (jlong)verdict->charter_version,
                             (jlong)verdict->zone_version, zone, host, noted, description);
}
