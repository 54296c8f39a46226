/* SPDX-License-Identifier: Apache-2.0 */
/* io.pintle.Native: evidence, checks, names. */
#include <string.h>

#include "bindings/jvm/src/main/c/bridge.h"
#include "bindings/jvm/src/main/c/natives.h"

#include "tls/verdict.h"

static struct pintle_checker *checker_of(jlong handle)
{
    return (struct pintle_checker *)(intptr_t)handle;
}

static void checker_free(JNIEnv *env, jclass owner, jlong checker)
{
    (void)env, (void)owner;
    pintle_checker_free(checker_of(checker));
}

/* The certificates of a chain, borrowed from their arrays. */
struct borrowed {
    jsize count;
    jbyteArray arrays[PINTLE_CHAIN_MAX];
    struct pintle_bytes ders[PINTLE_CHAIN_MAX];
};

static void give_back(JNIEnv *env, struct borrowed *chain)
{
    for (jsize i = 0; i < chain->count; i++)
        (*env)->ReleaseByteArrayElements(env, chain->arrays[i], (jbyte *)chain->ders[i].data, JNI_ABORT);
}

/* False: a certificate is missing, or there is no memory, and then an exception is pending. */
static bool borrow(JNIEnv *env, jobjectArray from, jsize count, struct borrowed *chain)
{
    for (chain->count = 0; chain->count < count; chain->count++) {
        jbyteArray array = (*env)->GetObjectArrayElement(env, from, chain->count);
        struct pintle_bytes *der = &chain->ders[chain->count];

        chain->arrays[chain->count] = array;
        der->data = array != NULL ? (uint8_t *)(*env)->GetByteArrayElements(env, array, NULL) : NULL;
        if (der->data == NULL)
            return false;
        der->size = (size_t)(*env)->GetArrayLength(env, array);
    }
    return true;
}

static jbyteArray serialise(JNIEnv *env, const struct pintle_evidence *evidence)
{
    uint8_t out[PINTLE_EVIDENCE_SERIALISED_MAX];

    return pti_jni_bytes_new(env, out, pintle_evidence_serialise(evidence, out));
}

/* Of a chain that is no use, empty: what that means for a host is for its policy to say. */
static jbyteArray evidence(JNIEnv *env, jclass owner, jlong checker, jobjectArray chain)
{
    struct pintle_evidence made;
    struct borrowed borrowed = {0};
    enum pintle_status status = PINTLE_ERR_INPUT;
    jsize count = chain != NULL ? (*env)->GetArrayLength(env, chain) : 0;

    (void)owner;
    memset(&made, 0, sizeof made);
    if (count > 0 && count <= PINTLE_CHAIN_MAX && (*env)->EnsureLocalCapacity(env, PTI_JNI_LOCALS + count) == JNI_OK) {
        if (borrow(env, chain, count, &borrowed))
            status = pintle_checker_evidence(checker_of(checker), borrowed.ders, (size_t)count, &made);
        give_back(env, &borrowed);
    }
    if (status != PINTLE_OK && status != PINTLE_ERR_INPUT)
        pti_jni_throw_memory(env);
    return (*env)->ExceptionCheck(env) ? NULL : serialise(env, &made);
}

typedef enum pintle_status (*ask_fn)(struct pintle_checker *checker, const char *host,
                                     const struct pintle_evidence *evidence, struct pintle_verdict *verdict);

/* A host that cannot be one is asked about all the same, as "": the verdict says so. */
static void ask(JNIEnv *env, ask_fn how, jlong checker, jbyteArray host, jbyteArray evidence,
                struct pintle_verdict *verdict)
{
    uint8_t data[PINTLE_EVIDENCE_SERIALISED_MAX];
    struct pintle_bytes serialised = {data, 0};
    struct pintle_evidence parsed;
    char name[PTI_JNI_TEXT_SIZE];
    jsize size = evidence != NULL ? (*env)->GetArrayLength(env, evidence) : 0;

    if (size > 0 && (size_t)size <= sizeof data) {
        (*env)->GetByteArrayRegion(env, evidence, 0, size, (jbyte *)data);
        serialised.size = (size_t)size;
    }
    (void)pintle_evidence_parse(&parsed, serialised); /* what is not evidence is empty evidence */
    parsed.adapter = PINTLE_ADAPTER_JVM;
    (void)pti_jni_text_get(env, host, name, sizeof name);
    (void)how(checker_of(checker), name, &parsed, verdict);
}

static jobject check(JNIEnv *env, jclass owner, jlong checker, jbyteArray host, jbyteArray evidence)
{
    struct pintle_verdict verdict;

    (void)owner;
    ask(env, pintle_checker_check, checker, host, evidence, &verdict);
    return pti_jni_verdict_new(env, &verdict);
}

static jobject peek(JNIEnv *env, jclass owner, jlong checker, jbyteArray host, jbyteArray evidence)
{
    struct pintle_verdict verdict;

    (void)owner;
    ask(env, pintle_checker_peek, checker, host, evidence, &verdict);
    return pti_jni_verdict_new(env, &verdict);
}

static jobject refusal(JNIEnv *env, jclass owner, jlong checker, jbyteArray host, jbyteArray evidence)
{
    struct pintle_verdict verdict;

    (void)owner;
    ask(env, pintle_checker_peek, checker, host, evidence, &verdict);
    return verdict.status != PINTLE_OK ? pti_jni_verdict_new(env, &verdict) : NULL;
}

/* The normalised name; "" if text is none. */
static void normalise(JNIEnv *env, jbyteArray text, char host[PINTLE_HOST_MAX + 1])
{
    char name[PTI_JNI_TEXT_SIZE];
    bool ip;

    host[0] = '\0';
    if (pti_jni_text_get(env, text, name, sizeof name) == PINTLE_OK)
        (void)pintle_host_normalise(name, host, &ip);
}

static jobject reject(JNIEnv *env, jclass owner, jint reason, jbyteArray host)
{
    char name[PINTLE_HOST_MAX + 1];
    struct pintle_verdict verdict;

    (void)owner;
    normalise(env, host, name);
    pti_tls_reject(&verdict, (enum pintle_reason)reason, name);
    return pti_jni_verdict_new(env, &verdict);
}

static jboolean same_host(JNIEnv *env, jclass owner, jbyteArray one, jbyteArray other)
{
    char first[PINTLE_HOST_MAX + 1], second[PINTLE_HOST_MAX + 1];

    (void)owner;
    normalise(env, one, first);
    normalise(env, other, second);
    return first[0] != '\0' && strcmp(first, second) == 0;
}

/* For the tests, which compare Java's constants with these; NULL past the end. */
static jstring name_of(JNIEnv *env, jclass owner, jint list, jint number)
{
    const char *name = list == 0   ? pintle_status_name((enum pintle_status)number)
                       : list == 1 ? pintle_reason_name((enum pintle_reason)number)
                                   : pintle_event_name((enum pintle_event_kind)number);

    (void)owner;
    return pti_jni_ascii_new(env, name);
}

static const struct pti_jni_method methods[] = {
    {"checkerFree", "(J)V", (void (*)(void))checker_free},
    {"evidence", "(J[[B)[B", (void (*)(void))evidence},
    {"check", "(J[B[B)Lio/pintle/PintleVerdict;", (void (*)(void))check},
    {"peek", "(J[B[B)Lio/pintle/PintleVerdict;", (void (*)(void))peek},
    {"refusal", "(J[B[B)Lio/pintle/PintleVerdict;", (void (*)(void))refusal},
    {"reject", "(I[B)Lio/pintle/PintleVerdict;", (void (*)(void))reject},
    {"sameHost", "([B[B)Z", (void (*)(void))same_host},
    {"name", "(II)Ljava/lang/String;", (void (*)(void))name_of},
};

const struct pti_jni_table pti_jni_checker_natives = {methods, sizeof methods / sizeof methods[0]};
