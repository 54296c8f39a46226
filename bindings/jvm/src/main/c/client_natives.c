/* SPDX-License-Identifier: Apache-2.0 */
/* io.pintle.Native: a client. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/jvm/src/main/c/bridge.h"
#include "bindings/jvm/src/main/c/client_config.h"
#include "bindings/jvm/src/main/c/natives.h"

#define DETAIL_SIZE 512

static struct pti_jni_client *client_of(jlong handle)
{
    return (struct pti_jni_client *)(intptr_t)handle;
}

static jlong client_new(JNIEnv *env, jclass owner, jbyteArray roots, jbyteArray shipped, jobjectArray urls,
                        jobjectArray required, jint unlisted, jint stale_days, jbyteArray app_id,
                        jbyteArray app_version, jbyteArray directory, jbyteArray ca_file, jboolean java_transport,
                        jboolean java_store, jobject upcalls)
{
    const struct pti_jni_settings settings = {roots,          shipped,    urls,        required,  unlisted,
                                              stale_days,     app_id,     app_version, directory, ca_file,
                                              java_transport, java_store, upcalls};
    char detail[DETAIL_SIZE] = "out of memory";
    struct pti_jni_client *client = NULL;
    enum pintle_status status = pti_jni_client_new(env, &settings, &client, detail, sizeof detail);

    (void)owner;
    pti_jni_throw(env, status, detail);
    return (jlong)(intptr_t)client;
}

static void client_free(JNIEnv *env, jclass owner, jlong client)
{
    (void)owner;
    pti_jni_client_free(env, client_of(client));
}

static void interrupt(JNIEnv *env, jclass owner, jlong handle)
{
    struct pti_jni_client *client = client_of(handle);

    (void)env, (void)owner;
    atomic_store(&client->interrupted, true);
    if (client->transport.cancel != NULL)
        client->transport.cancel(client->transport.ctx);
}

static void fail(JNIEnv *env, struct pti_jni_client *client, enum pintle_status status)
{
    char detail[DETAIL_SIZE];

    if (status == PINTLE_OK)
        return;
    (void)pintle_client_error(client->client, detail, sizeof detail);
    pti_jni_throw(env, status, detail);
}

static void refresh(JNIEnv *env, jclass owner, jlong client, jlong deadline_ms)
{
    (void)owner;
    fail(env, client_of(client), pintle_client_refresh(client_of(client)->client, deadline_ms));
}

static void heal(JNIEnv *env, jclass owner, jlong client, jbyteArray host, jlong deadline_ms)
{
    char name[PTI_JNI_TEXT_SIZE];

    (void)owner;
    (void)pti_jni_text_get(env, host, name, sizeof name); /* what is no text is no host either */
    fail(env, client_of(client), pintle_client_heal(client_of(client)->client, name, deadline_ms));
}

static jlong next_due(JNIEnv *env, jclass owner, jlong client)
{
    (void)env, (void)owner;
    return pintle_client_next_due(client_of(client)->client);
}

static void start(JNIEnv *env, jclass owner, jlong client)
{
    (void)owner;
    fail(env, client_of(client), pintle_client_start(client_of(client)->client));
}

static void send_reports(JNIEnv *env, jclass owner, jlong client, jlong deadline_ms)
{
    (void)owner;
    fail(env, client_of(client), pintle_client_send_reports(client_of(client)->client, deadline_ms));
}

static jboolean set_network(JNIEnv *env, jclass owner, jlong client, jbyteArray type, jint bits)
{
    char text[PTI_JNI_TEXT_SIZE];

    (void)owner;
    if (pti_jni_text_get(env, type, text, sizeof text) != PINTLE_OK)
        return false;
    return pintle_client_set_network(client_of(client)->client, type != NULL ? text : NULL, (unsigned)bits) ==
           PINTLE_OK;
}

/* Asked for its length, it may have grown when it is asked for its text: then once more. */
static jbyteArray info(JNIEnv *env, jclass owner, jlong handle)
{
    struct pintle_client *client = client_of(handle)->client;
    size_t size = 0, length = pintle_client_info(client, NULL, 0);
    jbyteArray text = NULL;
    char *out = NULL;

    (void)owner;
    while (length > 0 && length >= size) {
        free(out);
        size = length + 1;
        out = malloc(size);
        length = out != NULL ? pintle_client_info(client, out, size) : 0;
    }
    if (length > 0)
        text = pti_jni_bytes_new(env, out, length);
    else
        pti_jni_throw_memory(env);
    free(out);
    return text;
}

static jbyteArray header(JNIEnv *env, jclass owner, jlong client, jbyteArray host)
{
    char name[PTI_JNI_TEXT_SIZE], out[PTI_JNI_TEXT_SIZE];

    (void)owner;
    (void)pti_jni_text_get(env, host, name, sizeof name);
    (void)pintle_client_header(client_of(client)->client, name, out, sizeof out);
    return pti_jni_text_new(env, out);
}

static jbyteArray error(JNIEnv *env, jclass owner, jlong client)
{
    char out[DETAIL_SIZE];

    (void)owner;
    (void)pintle_client_error(client_of(client)->client, out, sizeof out);
    return pti_jni_text_new(env, out);
}

static jlong checker(JNIEnv *env, jclass owner, jlong client)
{
    struct pintle_checker *made = NULL;

    (void)owner;
    fail(env, client_of(client), pintle_client_checker(client_of(client)->client, &made));
    return (jlong)(intptr_t)made;
}

static const struct pti_jni_method methods[] = {
    {"clientNew", "([B[B[[B[[BII[B[B[B[BZZLio/pintle/Upcalls;)J", (void (*)(void))client_new},
    {"clientFree", "(J)V", (void (*)(void))client_free},
    {"clientInterrupt", "(J)V", (void (*)(void))interrupt},
    {"clientRefresh", "(JJ)V", (void (*)(void))refresh},
    {"clientHeal", "(J[BJ)V", (void (*)(void))heal},
    {"clientNextDue", "(J)J", (void (*)(void))next_due},
    {"clientStart", "(J)V", (void (*)(void))start},
    {"clientSendReports", "(JJ)V", (void (*)(void))send_reports},
    {"clientSetNetwork", "(J[BI)Z", (void (*)(void))set_network},
    {"clientInfo", "(J)[B", (void (*)(void))info},
    {"clientHeader", "(J[B)[B", (void (*)(void))header},
    {"clientError", "(J)[B", (void (*)(void))error},
    {"clientChecker", "(J)J", (void (*)(void))checker},
};

const struct pti_jni_table pti_jni_client_natives = {methods, sizeof methods / sizeof methods[0]};
