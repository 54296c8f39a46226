/* SPDX-License-Identifier: Apache-2.0 */
/* The public half of a key in a token, from what the token shows of it, as a SubjectPublicKeyInfo. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "publish/pkcs11_internal.h"
#include "publish/signing_key_internal.h"

#define PARAMS_MAX 256
#define POINT_MAX 256

static const uint8_t p256_oid[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
/* RFC 8410's OID; and what modules wrote before PKCS#11 3.0 settled on it. */
static const uint8_t ed25519_oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t ed25519_gnu_oid[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01};
static const uint8_t ed25519_name[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};

static const uint8_t p256_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t ed25519_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

#define IS(data, size, what) ((size) == sizeof(what) && memcmp((data), (what), sizeof(what)) == 0)

/*
 * The point itself: raw, as PKCS#11 2.40 has it of Edwards keys, or in a DER OCTET STRING, as of all others, or, as some
 * modules do, in a BIT STRING.  The sizes tell which.
 */
static bool unwrap(const uint8_t *data, size_t size, size_t want, const uint8_t **point)
{
    size_t skip = size - want;

    if (size == want)
        skip = 0;
    else if (!(size == want + 2 && data[0] == 0x04 && data[1] == want) &&
             !(size == want + 3 && data[0] == 0x03 && data[1] == want + 1 && data[2] == 0))
        return false;
    *point = data + skip;
    return want != 65 || **point == 0x04; /* uncompressed */
}

enum pintle_status pti_pkcs11_public_of(const struct pti_pkcs11_token *token, CK_OBJECT_HANDLE object,
                                        struct pti_buf *spki, struct pti_error *error)
{
    uint8_t params[PARAMS_MAX], value[POINT_MAX];
    const uint8_t *point = NULL;
    size_t params_size = 0, size = 0;
    bool p256, ed25519;

    if (!pti_pkcs11_get(token, object, CKA_EC_PARAMS, params, sizeof(params), &params_size))
        params_size = 0;
    p256 = IS(params, params_size, p256_oid);
    ed25519 = IS(params, params_size, ed25519_oid) || IS(params, params_size, ed25519_gnu_oid) ||
              IS(params, params_size, ed25519_name);
    if (!p256 && !ed25519)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "token %s: expected an ECDSA P-256 or an Ed25519 key, found another kind; make one with "
                        "`pintle key new` and a PKCS#11 URI",
                        token->label);
    if (!pti_pkcs11_get(token, object, CKA_EC_POINT, value, sizeof(value), &size) ||
        !unwrap(value, size, p256 ? 65 : 32, &point))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "token %s: the public half (CKA_EC_POINT, %zu bytes) is in no form that PKCS#11 has; give a "
                        "signer file with the public half, see pintle-signer(5)",
                        token->label, size);
    if (p256)
        pti_buf_append(spki, p256_prefix, sizeof(p256_prefix));
    else
        pti_buf_append(spki, ed25519_prefix, sizeof(ed25519_prefix));
    pti_buf_append(spki, point, p256 ? 65 : 32);
    return pti_buf_check(spki, error, token->label);
}

static enum pintle_status from_certificate(const struct pti_pkcs11_token *token, CK_OBJECT_HANDLE object,
                                           struct pti_buf *spki, struct pti_error *error)
{
    static uint8_t value[PTI_PKCS11_ATTRIBUTE_MAX]; /* one thread */
    const uint8_t *at = value;
    X509 *certificate = NULL;
    uint8_t *der = NULL;
    size_t size = 0;
    int der_size = 0;

    if (pti_pkcs11_get(token, object, CKA_VALUE, value, sizeof(value), &size))
        certificate = d2i_X509(NULL, &at, (long)size);
    if (certificate != NULL)
        der_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (der_size > 0)
        pti_buf_append(spki, der, (size_t)der_size);
    OPENSSL_free(der);
    X509_free(certificate);
    if (pti_openssl_memory_was_short())
        return pti_no_memory_for_key(token->label, error);
    if (der_size <= 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "token %s: its certificate is damaged; give a signer file with the public half, see "
                        "pintle-signer(5)",
                        token->label);
    return pti_buf_check(spki, error, token->label);
}

/* From the one public key of that name, else from the one certificate.  *found is false if there is neither. */
static enum pintle_status look(const struct pti_pkcs11_token *token, const char *label, struct pintle_bytes id,
                               struct pti_buf *spki, bool *found, struct pti_error *error)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    struct pti_pkcs11_objects objects;

    *found = false;
    for (size_t i = 0; i < 2; i++) {
        enum pintle_status status = pti_pkcs11_find(token, classes[i], label, id, &objects, error);

        if (status != PINTLE_OK)
            return status;
        if (objects.count > 1)
            return pti_fail(
                error, PINTLE_ERR_INPUT,
                "token %s: expected a PKCS#11 URI that names one key, found %zu %s of that name; name it by "
                "object and id",
                token->label, objects.count, i == 0 ? "public keys" : "certificates");
        *found = objects.count == 1;
        if (*found)
            return i == 0 ? pti_pkcs11_public_of(token, objects.handles[0], spki, error)
                          : from_certificate(token, objects.handles[0], spki, error);
    }
    return PINTLE_OK;
}

/* By the id of the private key, which the public one shares; else from the private key itself, where a token shows it. */
static enum pintle_status look_by_private(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                          struct pti_buf *spki, struct pti_error *error)
{
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    uint8_t id[PTI_PKCS11_ID_MAX];
    size_t id_size = 0;
    bool found = false;
    enum pintle_status status = pti_pkcs11_private_key(token, uri, &object, error);

    if (status == PINTLE_OK && pti_pkcs11_get(token, object, CKA_ID, id, sizeof(id), &id_size) && id_size > 0)
        status = look(token, NULL, (struct pintle_bytes){id, id_size}, spki, &found, error);
    return status == PINTLE_OK && !found ? pti_pkcs11_public_of(token, object, spki, error) : status;
}

enum pintle_status pti_pkcs11_public_key(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                         struct pti_buf *spki, struct pti_error *error)
{
    const struct pintle_bytes id = {uri->id, uri->id_size};
    bool named = uri->object[0] != '\0' || uri->id_size > 0, found = false;
    enum pintle_status status = PINTLE_OK;

    /* Most tokens show public objects to everybody.  Without a name, what the private keys are decides. */
    if (named)
        status = look(token, uri->object, id, spki, &found, error);
    return status == PINTLE_OK && !found ? look_by_private(token, uri, spki, error) : status;
}
