/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of attached handles: a hash table by address that grows by doubling, behind one lock.  It is this library's
 * only global state, next to one number of OpenSSL's.
 */
#include "tls/curl/handle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/verdict.h"

#define BUCKETS_MIN 16

static struct {
    pthread_mutex_t lock;
    struct pti_curl_handle **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Fibonacci hashing: addresses differ in their middle bits, the upper half of the product mixes them all. */
static struct pti_curl_handle **bucket_of(struct pti_curl_handle **buckets, size_t count, const CURL *easy)
{
    uint64_t hash = (uint64_t)(uintptr_t)easy * UINT64_C(0x9e3779b97f4a7c15);

    return &buckets[(size_t)(hash >> 32) & (count - 1)];
}

/* Where the pointer to easy's entry is, or would be.  The lock is held and there are buckets. */
static struct pti_curl_handle **find(const CURL *easy)
{
    struct pti_curl_handle **place = bucket_of(registry.buckets, registry.bucket_count, easy);

    while (*place != NULL && (*place)->easy != easy)
        place = &(*place)->next;
    return place;
}

/* Room for one more.  False without memory, unless what is there will do. */
static bool grow(void)
{
    size_t count = registry.bucket_count > 0 ? registry.bucket_count * 2 : BUCKETS_MIN;
    struct pti_curl_handle **buckets, *handle, *next, **place;

    if (registry.count < registry.bucket_count)
        return true;
    buckets = calloc(count, sizeof(*buckets));
    if (buckets == NULL)
        return registry.bucket_count > 0;
    for (size_t i = 0; i < registry.bucket_count; i++) {
        for (handle = registry.buckets[i]; handle != NULL; handle = next) {
            next = handle->next;
            place = bucket_of(buckets, count, handle->easy);
            handle->next = *place;
            *place = handle;
        }
    }
    free(registry.buckets);
    registry.buckets = buckets;
    registry.bucket_count = count;
    return true;
}

struct pti_curl_handle *pti_curl_handle_get(CURL *easy)
{
    struct pti_curl_handle *handle = NULL;

    (void)pthread_mutex_lock(&registry.lock);
    if (registry.bucket_count > 0)
        handle = pti_curl_handle_ref(*find(easy));
    (void)pthread_mutex_unlock(&registry.lock);
    return handle;
}

/* Takes easy's entry out and returns it; NULL if there is none.  The last one takes the buckets with it. */
static struct pti_curl_handle *take(const CURL *easy)
{
    struct pti_curl_handle **place, *handle;

    if (registry.bucket_count == 0)
        return NULL;
    place = find(easy);
    handle = *place;
    if (handle == NULL)
        return NULL;
    *place = handle->next;
    if (--registry.count == 0) {
        free(registry.buckets);
        registry.buckets = NULL;
        registry.bucket_count = 0;
    }
    return handle;
}

/* SSL_CTXs may keep handle; the listener goes now, while the easy handle is there. */
static void let_go(struct pti_curl_handle *handle)
{
    if (handle != NULL)
        pti_curl_listen(handle, NULL);
    pti_curl_handle_free(handle);
}

void pti_curl_handle_remove(CURL *easy)
{
    struct pti_curl_handle *handle;

    (void)pthread_mutex_lock(&registry.lock);
    handle = take(easy);
    (void)pthread_mutex_unlock(&registry.lock);
    let_go(handle);
}

bool pti_curl_handle_add(CURL *easy, struct pintle_checker *checker)
{
    struct pti_curl_handle *handle = calloc(1, sizeof(*handle));
    struct pti_curl_handle *old = NULL, **place;
    char *peer = NULL;
    bool added = false;

    if (handle == NULL)
        return false;
    atomic_init(&handle->references, 1);
    handle->easy = easy;
    handle->checker = pintle_checker_ref(checker);
    (void)pthread_mutex_init(&handle->lock, NULL);
    pti_tls_reject(&handle->verdict, PINTLE_REASON_UNDECIDED, "");
    if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &peer) == CURLE_OK)
        handle->peer = peer;
    (void)pthread_mutex_lock(&registry.lock);
    old = take(easy);
    added = grow();
    if (added) {
        place = find(easy);
        handle->next = *place;
        *place = handle;
        registry.count++;
    }
    (void)pthread_mutex_unlock(&registry.lock);
    let_go(old);
    if (!added)
        pti_curl_handle_free(handle);
    return added;
}

struct pti_curl_handle *pti_curl_handle_ref(struct pti_curl_handle *handle)
{
    if (handle != NULL)
        atomic_fetch_add_explicit(&handle->references, 1, memory_order_relaxed);
    return handle;
}

void pti_curl_handle_free(struct pti_curl_handle *handle)
{
    if (handle == NULL || atomic_fetch_sub_explicit(&handle->references, 1, memory_order_acq_rel) != 1)
        return;
    pintle_checker_free(handle->checker);
    (void)pthread_mutex_destroy(&handle->lock);
    free(handle);
}

void pti_curl_listen(struct pti_curl_handle *handle, const struct pti_curl_listener *listener)
{
    if (handle->listener.free != NULL)
        handle->listener.free(handle->listener.ctx);
    handle->listener = listener != NULL ? *listener : (struct pti_curl_listener){NULL, NULL, NULL};
}

void pti_curl_note(struct pti_curl_handle *handle, const struct pintle_verdict *verdict)
{
    (void)pthread_mutex_lock(&handle->lock);
    handle->verdict = *verdict;
    (void)pthread_mutex_unlock(&handle->lock);
}

struct pintle_verdict pti_curl_noted(struct pti_curl_handle *handle)
{
    struct pintle_verdict verdict;

    (void)pthread_mutex_lock(&handle->lock);
    verdict = handle->verdict;
    (void)pthread_mutex_unlock(&handle->lock);
    return verdict;
}

void pti_curl_begin(struct pti_curl_handle *handle)
{
    struct pintle_verdict verdict;

    handle->requests = 0;
    handle->retry = false;
    handle->outdated = false;
    pti_tls_reject(&verdict, PINTLE_REASON_UNDECIDED, handle->limit);
    pti_curl_note(handle, &verdict);
}
