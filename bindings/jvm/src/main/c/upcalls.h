/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport, the store and the events of a client, as far as Java supplies them: vtables over one Upcalls object.
 * Whatever Java throws becomes a status and a line of detail; nothing is pending when they return.
 */
#ifndef PTI_JNI_UPCALLS_H
#define PTI_JNI_UPCALLS_H

#include <jni.h>

#include <pintle/pintle.h>

/* ctx of all three is upcalls, a global reference; it must outlive the client. */
void pti_jni_transport_init(struct pintle_transport *transport, jobject upcalls);
void pti_jni_store_init(struct pintle_store *store, jobject upcalls);
void pti_jni_on_event(void *upcalls, const struct pintle_event *event);

#endif
