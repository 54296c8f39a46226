/* SPDX-License-Identifier: Apache-2.0 */
#include "bindings/jvm/src/main/c/client_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "bindings/jvm/src/main/c/bridge.h"
#include "bindings/jvm/src/main/c/native_parts.h"
#include "bindings/jvm/src/main/c/upcalls.h"

/* The transport that the client sees: once interrupted, a transfer fails before it begins. */
static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct pti_jni_client *client = ctx;

    if (!atomic_load(&client->interrupted))
        return client->transport.perform(client->transport.ctx, request, sink, response, detail, detail_size);
    (void)snprintf(detail, detail_size, "the client is being closed");
    return PINTLE_ERR_NETWORK;
}

static void cancel(void *ctx)
{
    struct pti_jni_client *client = ctx;

    if (client->transport.cancel != NULL)
        client->transport.cancel(client->transport.ctx);
}

typedef enum pintle_status (*set_bytes_fn)(struct pintle_config *config, struct pintle_bytes bytes);

static enum pintle_status set_bytes(JNIEnv *env, struct pintle_config *config, set_bytes_fn set, jbyteArray from)
{
    struct pintle_bytes bytes;
    enum pintle_status status;
    jbyte *data;

    if (from == NULL)
        return PINTLE_OK;
    data = (*env)->GetByteArrayElements(env, from, NULL);
    if (data == NULL)
        return PINTLE_ERR_MEMORY;
    bytes.data = (const uint8_t *)data;
    bytes.size = (size_t)(*env)->GetArrayLength(env, from);
    status = set(config, bytes);
    (*env)->ReleaseByteArrayElements(env, from, data, JNI_ABORT);
    return status;
}

typedef enum pintle_status (*set_text_fn)(struct pintle_config *config, const char *text);

/* A text with a NUL, or one that is too long, is handed on as "", for which the setter has words. */
static enum pintle_status set_texts(JNIEnv *env, struct pintle_config *config, set_text_fn set, jobjectArray from)
{
    enum pintle_status status = PINTLE_OK;
    char text[PTI_JNI_TEXT_SIZE];

    for (jsize i = 0; status == PINTLE_OK && i < (*env)->GetArrayLength(env, from); i++) {
        jbyteArray element = (*env)->GetObjectArrayElement(env, from, i);

        (void)pti_jni_text_get(env, element, text, sizeof text);
        (*env)->DeleteLocalRef(env, element);
        status = set(config, text);
    }
    return status;
}

static enum pintle_status set_app(JNIEnv *env, struct pintle_config *config, const struct pti_jni_settings *settings)
{
    char id[PTI_JNI_TEXT_SIZE], version[PTI_JNI_TEXT_SIZE];

    if (settings->app_id == NULL)
        return PINTLE_OK;
    (void)pti_jni_text_get(env, settings->app_id, id, sizeof id);
    (void)pti_jni_text_get(env, settings->app_version, version, sizeof version);
    return pintle_config_set_app(config, id, version);
}

static enum pintle_status set_values(JNIEnv *env, struct pintle_config *config, const struct pti_jni_settings *settings)
{
    enum pintle_status status = set_bytes(env, config, pintle_config_set_roots_mem, settings->roots);

    if (status == PINTLE_OK)
        status = set_bytes(env, config, pintle_config_set_shipped_mem, settings->shipped);
    if (status == PINTLE_OK)
        status = set_texts(env, config, pintle_config_add_url, settings->urls);
    if (status == PINTLE_OK)
        status = set_texts(env, config, pintle_config_require_host, settings->required);
    if (status == PINTLE_OK)
        status = pintle_config_set_unlisted(config, (enum pintle_unlisted)settings->unlisted);
    if (status == PINTLE_OK && settings->stale_days >= 0)
        status = pintle_config_set_stale(config, settings->stale_days);
    return status == PINTLE_OK ? set_app(env, config, settings) : status;
}

static enum pintle_status set_crypto(struct pintle_config *config)
{
    struct pintle_crypto *crypto = NULL;
    enum pintle_status status = pti_jni_crypto_new(&crypto);

    if (status == PINTLE_OK)
        status = pintle_config_set_crypto(config, crypto);
    pintle_crypto_free(crypto);
    return status;
}

static enum pintle_status init_transport(JNIEnv *env, struct pti_jni_client *client,
                                         const struct pti_jni_settings *settings, char *detail, size_t detail_size)
{
    char ca_file[PTI_JNI_TEXT_SIZE];
    enum pintle_status status;

    if (settings->java_transport) {
        pti_jni_transport_init(&client->transport, client->upcalls);
        return PINTLE_OK;
    }
    (void)pti_jni_text_get(env, settings->ca_file, ca_file, sizeof ca_file);
    status = pti_jni_native_transport_init(&client->transport, settings->ca_file != NULL ? ca_file : NULL);
    if (status == PINTLE_ERR_UNSUPPORTED)
        (void)snprintf(detail, detail_size, "expected libcurl in libpintle_jni, found none; give a PintleTransport");
    else if (status == PINTLE_ERR_INPUT)
        (void)snprintf(detail, detail_size, "the file of certificates cannot be read");
    return status;
}

static enum pintle_status init_store(JNIEnv *env, struct pti_jni_client *client,
                                     const struct pti_jni_settings *settings, char *detail, size_t detail_size)
{
    char directory[PTI_JNI_TEXT_SIZE];

    if (settings->java_store) {
        pti_jni_store_init(&client->store, client->upcalls);
        return PINTLE_OK;
    }
    if (settings->directory == NULL) /* pintle_client_new() says that there is none */
        return PINTLE_OK;
    if (pti_jni_text_get(env, settings->directory, directory, sizeof directory) == PINTLE_OK)
        return pintle_store_posix_init(&client->store, directory, detail, detail_size);
    (void)snprintf(detail, detail_size, "expected a path of at most %d bytes, found a longer one, or a NUL in it",
                   PTI_JNI_TEXT_SIZE - 1);
    return PINTLE_ERR_INPUT;
}

static enum pintle_status set_parts(struct pintle_config *config, struct pti_jni_client *client)
{
    const struct pintle_transport transport = {sizeof transport, client, perform, cancel, NULL};
    enum pintle_status status = pintle_config_set_transport(config, &transport);

    if (status == PINTLE_OK && client->store.load != NULL)
        status = pintle_config_set_store(config, &client->store);
    if (status == PINTLE_OK)
        status = pintle_config_set_events(config, pti_jni_on_event, client->upcalls);
    return status;
}

static enum pintle_status configure(JNIEnv *env, struct pintle_config *config, struct pti_jni_client *client,
                                    const struct pti_jni_settings *settings, char *detail, size_t detail_size)
{
    enum pintle_status status = set_crypto(config);

    if (status == PINTLE_OK)
        status = init_transport(env, client, settings, detail, detail_size);
    if (status == PINTLE_OK)
        status = init_store(env, client, settings, detail, detail_size);
    if (status != PINTLE_OK)
        return status;
    status = set_values(env, config, settings);
    if (status == PINTLE_OK)
        status = set_parts(config, client);
    if (status == PINTLE_OK)
        status = pintle_client_new(config, &client->client);
    if (status != PINTLE_OK && pintle_config_error(config)[0] != '\0')
        (void)snprintf(detail, detail_size, "%s", pintle_config_error(config));
    return status;
}

enum pintle_status pti_jni_client_new(JNIEnv *env, const struct pti_jni_settings *settings,
                                      struct pti_jni_client **client, char *detail, size_t detail_size)
{
    struct pti_jni_client *made = calloc(1, sizeof *made);
    struct pintle_config *config = NULL;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    *client = NULL;
    if (made == NULL)
        return status;
    atomic_init(&made->interrupted, false);
    made->upcalls = (*env)->NewGlobalRef(env, settings->upcalls);
    if (made->upcalls != NULL)
        status = pintle_config_new(&config);
    if (status == PINTLE_OK)
        status = configure(env, config, made, settings, detail, detail_size);
    pintle_config_free(config);
    if (status == PINTLE_OK)
        *client = made;
    else
        pti_jni_client_free(env, made);
    return status;
}

void pti_jni_client_free(JNIEnv *env, struct pti_jni_client *client)
{
    if (client == NULL)
        return;
    pintle_client_free(client->client);
    if (client->transport.free != NULL)
        client->transport.free(client->transport.ctx);
    if (client->store.free != NULL)
        client->store.free(client->store.ctx);
    if (client->upcalls != NULL)
        (*env)->DeleteGlobalRef(env, client->upcalls);
    free(client);
}
