/* SPDX-License-Identifier: Apache-2.0 */
/* What this build has inside: one crypto provider, and libcurl's transport or none.  CMake chooses. */
#ifndef PTI_JNI_NATIVE_PARTS_H
#define PTI_JNI_NATIVE_PARTS_H

#include <pintle/pintle.h>

enum pintle_status pti_jni_crypto_new(struct pintle_crypto **crypto);

/* As pintle_curl_transport_init(), in any thread.  PINTLE_ERR_UNSUPPORTED also if this build has none. */
enum pintle_status pti_jni_native_transport_init(struct pintle_transport *transport, const char *ca_file);

#endif
