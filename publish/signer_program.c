/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys behind a program: what is to be signed goes to its standard input, the signature comes from its standard output.
 * The contract is in publish/key_access.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "publish/child.h"
#include "publish/ecdsa_signature.h"
#include "publish/pkcs11_internal.h"
#include "publish/signing_key_internal.h"

struct place {
    struct pti_key_access *access;
    char *name;       /* of the signer file */
    char **arguments; /* owned, NULL at the end */
    int64_t timeout_s;
};

static void place_free(void *data)
{
    struct place *place = data;

    if (place == NULL)
        return;
    for (size_t i = 0; place->arguments != NULL && place->arguments[i] != NULL; i++)
        free(place->arguments[i]);
    free(place->arguments);
    free(place->name);
    free(place);
}

/* What it said, if anything, at the end of a message. */
static enum pintle_status failed(const struct place *place, const struct pti_child_result *result, const char *what,
                                 struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_STORAGE, "%.120s: %.120s %s%s%.*s", place->name, place->arguments[0], what,
                    result->said_size > 0 ? "; it said: " : "", (int)result->said_size, result->said);
}

static enum pintle_status judge_end(const struct place *place, const struct pti_child_result *result,
                                    struct pti_error *error)
{
    char what[160] = "";

    switch (result->end) {
    case PTI_CHILD_EXITED:
        if (result->code == 0)
            return PINTLE_OK;
        (void)snprintf(what, sizeof(what), "failed with exit code %d", result->code);
        break;
    case PTI_CHILD_SIGNALLED:
        (void)snprintf(what, sizeof(what), "was ended by signal %d", result->code);
        break;
    case PTI_CHILD_TIMED_OUT:
        (void)snprintf(what, sizeof(what),
                       "did not sign within %d seconds and was ended; \"timeout_seconds\" allows more",
                       (int)place->timeout_s);
        break;
    case PTI_CHILD_TOO_LOUD:
        (void)snprintf(what, sizeof(what), "wrote more than %d bytes instead of a signature, and was ended",
                       PTI_CHILD_OUTPUT_MAX);
        break;
    }
    return failed(place, result, what, error);
}

static bool is_text(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((data[i] < 0x20 || data[i] > 0x7e) && data[i] != '\n' && data[i] != '\r')
            return false;
    return size > 0;
}

static enum pintle_status take_output(const struct place *place, const struct pti_child_result *result,
                                      enum pti_key_kind kind, struct pti_signature *signature, struct pti_error *error)
{
    const struct pintle_bytes output = {result->output, result->output_size};
    bool p256 = kind == PTI_KEY_ECDSA_P256;
    char what[200];

    if (p256 && output.size <= sizeof(signature->data) && pti_ecdsa_signature_is_der(output)) {
        memcpy(signature->data, output.data, output.size);
        signature->size = output.size;
        return PINTLE_OK;
    }
    if (output.size == PTI_ECDSA_RAW_SIZE && p256)
        return pti_ecdsa_signature_from_raw(output.data, signature, error);
    if (output.size == PTI_ECDSA_RAW_SIZE) {
        memcpy(signature->data, output.data, output.size);
        signature->size = output.size;
        return PINTLE_OK;
    }
    (void)snprintf(what, sizeof(what), "was to write a signature, %s, and wrote %zu%s",
                   p256 ? "DER or 64 bytes" : "64 bytes", output.size,
                   is_text(output.data, output.size) ? " of text; have it decode base64 or hex" : "");
    return failed(place, result, what, error);
}

static enum pintle_status sign(const struct pti_signing_key *key, struct pintle_bytes message,
                               struct pti_signature *signature, struct pti_error *error)
{
    const struct place *place = key->place;
    const struct pti_key_access_calls *calls = &place->access->calls;
    struct pti_child_result result;
    enum pintle_status status = pti_child_run(place->arguments, message, place->timeout_s, calls->said, calls->ctx,
                                              &result, error);

    if (status != PINTLE_OK)
        return error != NULL ? pti_error_prefix(error, "%.120s", place->name) : status;
    status = judge_end(place, &result, error);
    return status == PINTLE_OK ? take_output(place, &result, key->kind, signature, error) : status;
}

static const struct pti_signing_key_ops program_ops = {
    sign, place_free,
    "the program signs with another key than the signer file says, or signs a digest of what it is given"};

static struct place *place_new(struct pti_key_access *access, char *const *arguments, int64_t timeout_s,
                               const char *name)
{
    struct place *place = calloc(1, sizeof(*place));
    size_t count = 0;

    if (place == NULL)
        return NULL;
    while (arguments[count] != NULL)
        count++;
    place->access = access;
    place->timeout_s = timeout_s;
    place->name = pti_bytes_strdup(pti_bytes_text(name));
    place->arguments = calloc(count + 1, sizeof(char *));
    for (size_t i = 0; place->arguments != NULL && i < count; i++) {
        place->arguments[i] = pti_bytes_strdup(pti_bytes_text(arguments[i]));
        if (place->arguments[i] == NULL)
            count = 0; /* out of memory */
    }
    if (place->name != NULL && count > 0 && place->arguments != NULL)
        return place;
    place_free(place);
    return NULL;
}

enum pintle_status pti_signer_program_key(struct pti_key_access *access, char *const *arguments, int64_t timeout_s,
                                          struct evp_pkey_st *pkey, const char *name, struct pti_signing_key **key,
                                          struct pti_error *error)
{
    struct place *place = place_new(access, arguments, timeout_s, name);
    enum pintle_status status;

    *key = NULL;
    if (place == NULL) {
        pti_openssl_key_free(pkey);
        return pti_no_memory_for_key(name, error);
    }
    status = pti_signing_key_new(pkey, &program_ops, place, name, key, error);
    if (status != PINTLE_OK)
        place_free(place);
    return status;
}
