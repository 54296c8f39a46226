/* SPDX-License-Identifier: Apache-2.0 */
#include "bindings/jvm/src/main/c/upcalls.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bindings/jvm/src/main/c/bridge.h"
#include "bindings/jvm/src/main/c/natives.h"

/* What came of an upcall: failed, the array that it returned, is the detail. */
static enum pintle_status outcome(JNIEnv *env, enum pintle_status status, jbyteArray failed, char *detail, size_t size)
{
    jsize length;

    if ((*env)->ExceptionCheck(env)) {
        (*env)->ExceptionClear(env);
        (void)snprintf(detail, size, "the Java virtual machine is out of memory");
        return status;
    }
    if (failed == NULL)
        return PINTLE_OK;
    length = (*env)->GetArrayLength(env, failed);
    if ((size_t)length > size - 1)
        length = (jsize)(size - 1);
    (*env)->GetByteArrayRegion(env, failed, 0, length, (jbyte *)detail);
    detail[length] = '\0';
    return status;
}

static enum pintle_status no_java(enum pintle_status status, char *detail, size_t size)
{
    (void)snprintf(detail, size, "this thread cannot call Java: out of memory");
    return status;
}

static jlong long_of(size_t size)
{
    return size > INT64_MAX ? INT64_MAX : (jlong)size;
}

/* One array to fill in, after an exception none. */
static jbyteArray call_perform(JNIEnv *env, jobject upcalls, const struct pintle_request *request,
                               const struct pintle_sink *sink, jlongArray result)
{
    jbyteArray method = pti_jni_text_new(env, request->method);
    jbyteArray url = method != NULL ? pti_jni_text_new(env, request->url) : NULL;
    jbyteArray type = url != NULL ? pti_jni_text_new(env, request->content_type) : NULL;
    jbyteArray body = NULL;
    jint floor = request->min_bytes_per_second > INT32_MAX ? INT32_MAX : (jint)request->min_bytes_per_second;

    if (request->content_type != NULL && !(*env)->ExceptionCheck(env))
        body = pti_jni_bytes_new(env, request->body.data, request->body.size);
    if ((*env)->ExceptionCheck(env))
        return NULL;
    return (*env)->CallObjectMethod(env, upcalls, pti_jni.perform, method, url, type, body,
                                    long_of(request->max_response), (jlong)request->timeout_ms, floor,
                                    (jlong)(intptr_t)sink, result);
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct pti_jni_scope scope = pti_jni_enter();
    enum pintle_status status;
    jlongArray result;
    jlong values[2] = {0, -1};

    if (scope.env == NULL)
        return no_java(PINTLE_ERR_NETWORK, detail, detail_size);
    result = (*scope.env)->NewLongArray(scope.env, 2);
    status = outcome(scope.env, PINTLE_ERR_NETWORK,
                     result != NULL ? call_perform(scope.env, ctx, request, sink, result) : NULL, detail, detail_size);
    if (status == PINTLE_OK) {
        (*scope.env)->GetLongArrayRegion(scope.env, result, 0, 2, values);
        response->status = (int)values[0];
        response->retry_after_s = values[1];
    }
    pti_jni_leave(&scope);
    return status;
}

static void cancel(void *ctx)
{
    struct pti_jni_scope scope = pti_jni_enter();

    if (scope.env != NULL)
        (*scope.env)->CallVoidMethod(scope.env, ctx, pti_jni.cancel);
    pti_jni_leave(&scope);
}

void pti_jni_transport_init(struct pintle_transport *transport, jobject upcalls)
{
    *transport = (struct pintle_transport){sizeof *transport, upcalls, perform, cancel, NULL};
}

static enum pintle_status pour(JNIEnv *env, jbyteArray blob, const struct pintle_sink *sink, char *detail, size_t size)
{
    jbyte *data = (*env)->GetByteArrayElements(env, blob, NULL);
    bool taken;

    if (data == NULL)
        return outcome(env, PINTLE_ERR_STORAGE, NULL, detail, size);
    taken = sink->write(sink->ctx, (const uint8_t *)data, (size_t)(*env)->GetArrayLength(env, blob));
    (*env)->ReleaseByteArrayElements(env, blob, data, JNI_ABORT);
    if (taken)
        return PINTLE_OK;
    (void)snprintf(detail, size, "store: the blob is too large, or memory ran out");
    return PINTLE_ERR_STORAGE;
}

static enum pintle_status load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found, char *detail,
                               size_t detail_size)
{
    struct pti_jni_scope scope = pti_jni_enter();
    jobjectArray into = NULL;
    jbyteArray text, blob = NULL;
    enum pintle_status status;

    *found = false;
    if (scope.env == NULL)
        return no_java(PINTLE_ERR_STORAGE, detail, detail_size);
    text = pti_jni_text_new(scope.env, name);
    if (text != NULL)
        into = (*scope.env)->NewObjectArray(scope.env, 1, pti_jni.bytes, NULL);
    status = outcome(scope.env, PINTLE_ERR_STORAGE,
                     into != NULL ? (*scope.env)->CallObjectMethod(scope.env, ctx, pti_jni.load, text, into) : NULL,
                     detail, detail_size);
    if (status == PINTLE_OK)
        blob = (*scope.env)->GetObjectArrayElement(scope.env, into, 0);
    *found = blob != NULL;
    if (blob != NULL)
        status = pour(scope.env, blob, sink, detail, detail_size);
    pti_jni_leave(&scope);
    return status;
}

static enum pintle_status save(void *ctx, const char *name, struct pintle_bytes data, char *detail, size_t detail_size)
{
    struct pti_jni_scope scope = pti_jni_enter();
    jbyteArray text, blob = NULL;
    enum pintle_status status;

    if (scope.env == NULL)
        return no_java(PINTLE_ERR_STORAGE, detail, detail_size);
    text = pti_jni_text_new(scope.env, name);
    if (text != NULL)
        blob = pti_jni_bytes_new(scope.env, data.data, data.size);
    status = outcome(scope.env, PINTLE_ERR_STORAGE,
                     blob != NULL ? (*scope.env)->CallObjectMethod(scope.env, ctx, pti_jni.save, text, blob) : NULL,
                     detail, detail_size);
    pti_jni_leave(&scope);
    return status;
}

static enum pintle_status remove_blob(void *ctx, const char *name, char *detail, size_t detail_size)
{
    struct pti_jni_scope scope = pti_jni_enter();
    enum pintle_status status;
    jbyteArray text;

    if (scope.env == NULL)
        return no_java(PINTLE_ERR_STORAGE, detail, detail_size);
    text = pti_jni_text_new(scope.env, name);
    status = outcome(scope.env, PINTLE_ERR_STORAGE,
                     text != NULL ? (*scope.env)->CallObjectMethod(scope.env, ctx, pti_jni.remove, text) : NULL, detail,
                     detail_size);
    pti_jni_leave(&scope);
    return status;
}

static enum pintle_status lock(void *ctx, char *detail, size_t detail_size)
{
    struct pti_jni_scope scope = pti_jni_enter();
    enum pintle_status status;

    if (scope.env == NULL)
        return no_java(PINTLE_ERR_STORAGE, detail, detail_size);
    status = outcome(scope.env, PINTLE_ERR_STORAGE, (*scope.env)->CallObjectMethod(scope.env, ctx, pti_jni.lock),
                     detail, detail_size);
    pti_jni_leave(&scope);
    return status;
}

static void unlock(void *ctx)
{
    struct pti_jni_scope scope = pti_jni_enter();

    if (scope.env != NULL)
        (*scope.env)->CallVoidMethod(scope.env, ctx, pti_jni.unlock);
    pti_jni_leave(&scope);
}

void pti_jni_store_init(struct pintle_store *store, jobject upcalls)
{
    *store = (struct pintle_store){sizeof *store, upcalls, load, save, remove_blob, lock, unlock, NULL};
}

void pti_jni_on_event(void *upcalls, const struct pintle_event *event)
{
    struct pti_jni_scope scope = pti_jni_enter();
    jobject verdict;
    jbyteArray message = NULL;

    if (scope.env == NULL)
        return;
    verdict = pti_jni_verdict_new(scope.env, event->verdict);
    if (!(*scope.env)->ExceptionCheck(scope.env))
        message = pti_jni_text_new(scope.env, event->message);
    if (message != NULL)
        (*scope.env)
            ->CallVoidMethod(scope.env, upcalls, pti_jni.event, (jint)event->kind, (jint)event->status, message,
                             verdict);
    pti_jni_leave(&scope);
}

static jboolean sink_write(JNIEnv *env, jclass owner, jlong handle, jbyteArray data, jint offset, jint length)
{
    const struct pintle_sink *sink = (const struct pintle_sink *)(intptr_t)handle;
    uint8_t chunk[8192];
    bool taken = true;

    (void)owner;
    while (taken && length > 0) {
        jint size = length < (jint)sizeof chunk ? length : (jint)sizeof chunk;

        (*env)->GetByteArrayRegion(env, data, offset, size, (jbyte *)chunk);
        taken = sink->write(sink->ctx, chunk, (size_t)size);
        offset += size;
        length -= size;
    }
    return taken;
}

static const struct pti_jni_method methods[] = {
    {"sinkWrite", "(J[BII)Z", (void (*)(void))sink_write},
};

const struct pti_jni_table pti_jni_sink_natives = {methods, sizeof methods / sizeof methods[0]};
