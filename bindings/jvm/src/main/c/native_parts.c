/* SPDX-License-Identifier: Apache-2.0 */
#include "bindings/jvm/src/main/c/native_parts.h"

enum pintle_status pti_jni_crypto_new(struct pintle_crypto **crypto)
{
#if defined(PTI_JNI_CRYPTO_OPENSSL)
    return pintle_crypto_openssl_new(crypto);
#elif defined(PTI_JNI_CRYPTO_BORINGSSL)
    return pintle_crypto_boringssl_new(crypto);
#elif defined(PTI_JNI_CRYPTO_MBEDTLS)
    return pintle_crypto_mbedtls_new(crypto);
#else
#error "no crypto provider was chosen"
#endif
}

#ifdef PTI_JNI_CURL
#include <pthread.h>

#include <curl/curl.h>
#include <pintle/curl_transport.h>

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum pintle_status pti_jni_native_transport_init(struct pintle_transport *transport, const char *ca_file)
{
    (void)pthread_once(&curl_once, init_curl);
    return curl_ready == CURLE_OK ? pintle_curl_transport_init(transport, ca_file) : PINTLE_ERR_MEMORY;
}
#else
enum pintle_status pti_jni_native_transport_init(struct pintle_transport *transport, const char *ca_file)
{
    (void)transport, (void)ca_file;
    return PINTLE_ERR_UNSUPPORTED;
}
#endif
