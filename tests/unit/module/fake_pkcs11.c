/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module with one token and one P-256 key, which does as the environment says: $FAKE_PKCS11 is a list of words,
 * each a way of being unusual, unhelpful or hostile.  test_pkcs11_module.c says which.  It counts logins in $FAKE_LOGINS, a
 * file, for the process that loads it may end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>

#define EXPORT __attribute__((visibility("default")))
#define PIN "1234"

enum { PRIVATE = 1, PUBLIC, CERTIFICATE, SECOND };

static EVP_PKEY *key;
static X509 *certificate;
static CK_OBJECT_HANDLE found[4];
static CK_ULONG found_count;
static bool logged_in, signing, authenticated;

static bool is(const char *word)
{
    const char *all = getenv("FAKE_PKCS11"), *at = all != NULL ? strstr(all, word) : NULL;
    size_t size = strlen(word);

    return at != NULL && (at == all || at[-1] == ' ') && (at[size] == '\0' || at[size] == ' ');
}

static void pad(CK_UTF8CHAR *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    memcpy(field, text, strlen(text));
}

static void make_certificate(void)
{
    certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
}

static CK_RV initialize(void *arguments)
{
    (void)arguments;
    if (is("initialize-fails"))
        return CKR_GENERAL_ERROR;
    EVP_PKEY_free(key);
    X509_free(certificate);
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    make_certificate();
    logged_in = signing = false;
    return is("already-initialised") ? CKR_CRYPTOKI_ALREADY_INITIALIZED : CKR_OK;
}

static CK_RV finalize(void *reserved)
{
    (void)reserved;
    if (is("already-initialised"))
        abort(); /* it was somebody else's to end */
    return CKR_OK;
}

static CK_RV slot_list(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count)
{
    CK_ULONG tokens = is("no-token") ? 0 : is("two-tokens") ? 2 : 1;

    (void)present;
    if (is("slots-overflow")) {
        *count = 1000000;
        return CKR_OK;
    }
    for (CK_ULONG i = 0; i < tokens; i++)
        slots[i] = 7 + i;
    *count = tokens;
    return CKR_OK;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    pad(info->label, sizeof(info->label), is("ugly-label") ? "a\033[2Jb" : "fake");
    pad(info->manufacturerID, sizeof(info->manufacturerID), "nobody");
    pad(info->model, sizeof(info->model), "none");
    pad(info->serialNumber, sizeof(info->serialNumber), slot == 7 ? "1" : "2");
    info->flags = CKF_TOKEN_INITIALIZED | (is("no-login") ? 0UL : CKF_LOGIN_REQUIRED) |
                  (is("locked") ? CKF_USER_PIN_LOCKED : 0UL) | (is("last-try") ? CKF_USER_PIN_FINAL_TRY : 0UL) |
                  (is("pin-pad") ? CKF_PROTECTED_AUTHENTICATION_PATH : 0UL);
    return is("removed") ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE_PTR session)
{
    (void)slot;
    (void)flags;
    (void)application;
    (void)notify;
    *session = 3;
    return is("no-session") ? CKR_SESSION_COUNT : CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static void count_login(char what)
{
    const char *path = getenv("FAKE_LOGINS");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;

    if (file != NULL) {
        fputc(what, file);
        fclose(file);
    }
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG size)
{
    (void)session;
    count_login(user == CKU_CONTEXT_SPECIFIC ? 'c' : 'u');
    if (is("pin-pad"))
        logged_in = pin == NULL;
    else
        logged_in = pin != NULL && size == strlen(PIN) && memcmp(pin, PIN, size) == 0;
    if (is("login-breaks"))
        return CKR_DEVICE_ERROR;
    authenticated = logged_in && user == CKU_CONTEXT_SPECIFIC;
    return logged_in ? CKR_OK : CKR_PIN_INCORRECT;
}

static bool asks_for(const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_CLASS class)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (template[i].type == CKA_CLASS && memcmp(template[i].pValue, &class, sizeof(class)) != 0)
            return false;
        if (template[i].type == CKA_LABEL &&
            (template[i].ulValueLen != 4 || memcmp(template[i].pValue, "root", 4) != 0))
            return false;
    }
    return true;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR template, CK_ULONG count)
{
    (void)session;
    found_count = 0;
    if (asks_for(template, count, CKO_PRIVATE_KEY) && (logged_in || is("no-login"))) {
        found[found_count++] = PRIVATE;
        if (is("two-keys"))
            found[found_count++] = SECOND;
    }
    if (asks_for(template, count, CKO_PUBLIC_KEY) && !is("no-public") && (logged_in || !is("hidden-public")))
        found[found_count++] = PUBLIC;
    if (asks_for(template, count, CKO_CERTIFICATE) && is("certificate"))
        found[found_count++] = CERTIFICATE;
    return CKR_OK;
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG max, CK_ULONG_PTR count)
{
    (void)session;
    if (is("find-overflow")) {
        *count = max + 1000;
        return CKR_OK;
    }
    if (is("find-endless")) {
        objects[0] = PUBLIC;
        *count = 1;
        return CKR_OK;
    }
    *count = found_count < max ? found_count : max;
    memcpy(objects, found, *count * sizeof(*objects));
    found_count = 0;
    return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV give(CK_ATTRIBUTE *attribute, const void *data, size_t size)
{
    if (attribute->ulValueLen < size) {
        attribute->ulValueLen = (CK_ULONG)-1;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(attribute->pValue, data, size);
    attribute->ulValueLen = size;
    return CKR_OK;
}

static CK_RV give_point(CK_ATTRIBUTE *attribute)
{
    uint8_t point[68] = {0x04, 0x41};
    size_t size = 0, skip = is("raw-point") ? 0 : is("bit-string") ? 3 : 2;

    if (is("bit-string"))
        memcpy(point, "\x03\x42\x00", 3);
    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point + skip, 65, &size);
    if (is("compressed-point"))
        point[skip] = 0x02;
    if (is("point-off-curve"))
        point[skip + 64] ^= 1;
    if (is("short-point"))
        size -= 1;
    return give(attribute, point, skip + size);
}

static CK_RV get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR template,
                           CK_ULONG count)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    CK_KEY_TYPE type = CKK_EC;
    CK_BBOOL always = is("always-authenticate") ? CK_TRUE : CK_FALSE;
    uint8_t *der = NULL;
    CK_RV rv;
    int size;

    (void)session;
    if (count != 1)
        return CKR_ARGUMENTS_BAD;
    if (is("attribute-overflow")) {
        template->ulValueLen = 1000000000;
        return CKR_OK;
    }
    switch (template->type) {
    case CKA_LABEL:
        return object == SECOND ? give(template, "ro\not", 5) : give(template, "root", 4);
    case CKA_ID:
        return give(template, "\001", 1);
    case CKA_KEY_TYPE:
        return give(template, &type, sizeof(type));
    case CKA_ALWAYS_AUTHENTICATE:
        return give(template, &always, sizeof(always));
    case CKA_EC_PARAMS:
        return object == PRIVATE && is("bare-private") ? CKR_ATTRIBUTE_TYPE_INVALID
               : is("p384")                            ? give(template, p384, sizeof(p384))
                                                       : give(template, p256, sizeof(p256));
    case CKA_EC_POINT:
        return give_point(template);
    case CKA_VALUE:
        if (is("bad-certificate"))
            return give(template, "nothing", 7);
        size = i2d_X509(certificate, &der);
        rv = give(template, der, (size_t)size);
        OPENSSL_free(der);
        return rv;
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE object)
{
    (void)session;
    signing = mechanism->mechanism == CKM_ECDSA && object == PRIVATE && (logged_in || is("no-login"));
    authenticated = false;
    return is("not-for-signing") ? CKR_KEY_FUNCTION_NOT_PERMITTED : signing ? CKR_OK : CKR_MECHANISM_INVALID;
}

static void sign_raw(const uint8_t *digest, size_t size, uint8_t raw[64])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    uint8_t der[80];
    const uint8_t *at = der;
    size_t der_size = sizeof(der);
    ECDSA_SIG *both;

    EVP_PKEY_sign_init(ctx);
    EVP_PKEY_sign(ctx, der, &der_size, digest, size);
    EVP_PKEY_CTX_free(ctx);
    both = d2i_ECDSA_SIG(NULL, &at, (long)der_size);
    BN_bn2binpad(ECDSA_SIG_get0_r(both), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), raw + 32, 32);
    ECDSA_SIG_free(both);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG size, CK_BYTE_PTR signature,
                  CK_ULONG_PTR signature_size)
{
    (void)session;
    if (!signing || (is("always-authenticate") && !authenticated))
        return CKR_USER_NOT_LOGGED_IN;
    if (is("sign-fails"))
        return CKR_DEVICE_ERROR;
    if (is("sign-fails-oddly"))
        return 0x80001234UL;
    if (is("sign-lacks-memory"))
        return CKR_HOST_MEMORY;
    sign_raw(data, size, signature);
    if (is("wrong-signature"))
        signature[40] ^= 1;
    if (is("zero-signature"))
        memset(signature, 0, 64);
    *signature_size = is("short-signature") ? 63 : is("size-overflow") ? 1000000 : 64;
    return CKR_OK;
}

static CK_RV generate(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR a, CK_ULONG a_count,
                      CK_ATTRIBUTE_PTR b, CK_ULONG b_count, CK_OBJECT_HANDLE_PTR public_half,
                      CK_OBJECT_HANDLE_PTR private_half)
{
    (void)session;
    (void)mechanism;
    (void)a;
    (void)a_count;
    (void)b;
    (void)b_count;
    *public_half = PUBLIC;
    *private_half = PRIVATE;
    return CKR_TOKEN_WRITE_PROTECTED;
}

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    static CK_FUNCTION_LIST functions;

    functions.version.major = 2;
    functions.version.minor = 40;
    functions.C_Initialize = initialize;
    functions.C_Finalize = finalize;
    functions.C_GetSlotList = slot_list;
    functions.C_GetTokenInfo = token_info;
    functions.C_OpenSession = open_session;
    functions.C_CloseSession = close_session;
    functions.C_Login = login;
    functions.C_FindObjectsInit = find_init;
    functions.C_FindObjects = find;
    functions.C_FindObjectsFinal = find_final;
    functions.C_GetAttributeValue = get_attribute;
    functions.C_SignInit = is("no-sign") ? NULL : sign_init;
    functions.C_Sign = sign;
    functions.C_GenerateKeyPair = generate;
    *list = is("no-list") ? NULL : &functions;
    return CKR_OK;
}
