/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/key_source.h. */
#include "publish/key_source.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "pin/der.h"

static bool contains(struct pintle_bytes data, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= data.size; i++)
        if (memcmp(data.data + i, text, size) == 0)
            return true;
    return false;
}

/* ---- what was expected, what was found, and what to do ---- */

static const char *expected(enum pti_key_source source)
{
    switch (source) {
    case PTI_KEY_SOURCE_CERTIFICATE:
        return "an X.509 certificate";
    case PTI_KEY_SOURCE_KEY:
        return "a public or private key";
    case PTI_KEY_SOURCE_CSR:
        return "a certificate request (PKCS#10)";
    }
    return "something else";
}

/* The label of the first PEM block; "" if there is none. */
static void first_label(struct pintle_bytes data, char *label, size_t size)
{
    static const char begin[] = "-----BEGIN ";
    size_t at = 0, used = 0;

    while (at + sizeof(begin) <= data.size && memcmp(data.data + at, begin, sizeof(begin) - 1) != 0)
        at++;
    for (at += sizeof(begin) - 1; at < data.size && used + 1 < size && data.data[at] != '-'; at++)
        label[used++] = (char)data.data[at];
    label[used] = '\0';
}

static bool source_of(const char *label, enum pti_key_source *source)
{
    *source = strstr(label, "CERTIFICATE REQUEST") != NULL ? PTI_KEY_SOURCE_CSR
              : strstr(label, "CERTIFICATE") != NULL       ? PTI_KEY_SOURCE_CERTIFICATE
                                                           : PTI_KEY_SOURCE_KEY;
    return *source != PTI_KEY_SOURCE_KEY || strstr(label, "KEY") != NULL;
}

static enum pintle_status refuse(enum pti_key_source source, struct pintle_bytes data, const char *name,
                                 struct pti_error *error)
{
    static const char *const options[] = {
        [PTI_KEY_SOURCE_CERTIFICATE] = "cert", [PTI_KEY_SOURCE_KEY] = "key", [PTI_KEY_SOURCE_CSR] = "csr"};
    enum pti_key_source found;
    char label[48];

    first_label(data, label, sizeof(label));
    if (label[0] == '\0')
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected %s in PEM or DER, found neither; is it the right file?",
                        name, expected(source));
    if (!source_of(label, &found))
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected %s, found \"%s\"; is it the right file?", name,
                        expected(source), label);
    if (found == source)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected %s, found a damaged \"%s\"; use a copy of the file",
                        name, expected(source), label);
    return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected %s, found \"%s\"; use --%s", name, expected(source), label,
                    options[found]);
}

static BIO *reader(struct pintle_bytes data)
{
    return BIO_new_mem_buf(data.data, (int)data.size);
}

static enum pintle_status digest_of(struct pintle_crypto *crypto, struct pintle_bytes der, const char *name,
                                    uint8_t sha256[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    enum pintle_status status = pti_sha256(crypto, der, sha256);

    return status == PINTLE_OK ? status : pti_fail(error, status, "%s: SHA-256 failed", name);
}

/* ---- certificates ---- */

static bool is_certificate_label(const char *label)
{
    return strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0;
}

/* The first certificate among the PEM blocks; keys may stand before it.  The caller frees with OPENSSL_free(). */
static uint8_t *certificate_from_pem(struct pintle_bytes pem, long *size)
{
    BIO *bio = reader(pem);
    uint8_t *der = NULL;
    bool found = false;

    while (bio != NULL && !found) {
        char *label = NULL, *header = NULL;
        if (PEM_read_bio(bio, &label, &header, &der, size) != 1)
            break;
        found = is_certificate_label(label);
        if (!found)
            OPENSSL_clear_free(der, (size_t)*size);
        OPENSSL_free(label);
        OPENSSL_free(header);
    }
    BIO_free(bio);
    return found ? der : NULL;
}

static enum pintle_status pin_certificate(struct pintle_bytes data, const char *name, enum pintle_of of,
                                          struct pintle_crypto *crypto, uint8_t *sha256, struct pti_error *error)
{
    struct pintle_bytes der = data, spki;
    enum pintle_status status;
    uint8_t *owned = NULL;
    long size = 0;

    if (contains(data, "-----BEGIN")) {
        owned = certificate_from_pem(data, &size);
        der = (struct pintle_bytes){owned, owned == NULL ? 0 : (size_t)size};
    }
    if (der.size == 0 || !pti_der_certificate_spki(der, &spki))
        status = refuse(PTI_KEY_SOURCE_CERTIFICATE, data, name, error);
    else
        status = digest_of(crypto, of == PINTLE_OF_CERT ? der : spki, name, sha256, error);
    OPENSSL_free(owned);
    return status;
}

/* ---- keys ---- */

/* OpenSSL's default would ask the terminal; a command says itself where its passphrase comes from. */
static int passphrase_callback(char *out, int size, int writing, void *ctx)
{
    const char *passphrase = ctx;
    size_t length = passphrase == NULL ? 0 : strlen(passphrase);

    (void)writing;
    if (passphrase == NULL || size < 0 || length > (size_t)size)
        return -1;
    memcpy(out, passphrase, length);
    return (int)length;
}

static EVP_PKEY *key_from_pem(struct pintle_bytes pem, const char *passphrase)
{
    char *ctx = (char *)(uintptr_t)passphrase;
    BIO *bio = reader(pem);
    EVP_PKEY *pkey = NULL;

    if (bio == NULL)
        return NULL;
    if (contains(pem, "PRIVATE KEY-----"))
        pkey = PEM_read_bio_PrivateKey(bio, NULL, passphrase_callback, ctx);
    else
        pkey = PEM_read_bio_PUBKEY(bio, NULL, passphrase_callback, ctx);
    BIO_free(bio);
    return pkey;
}

static EVP_PKEY *key_from_der(struct pintle_bytes der)
{
    const uint8_t *at = der.data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.size);

    if (pkey == NULL) {
        at = der.data;
        pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.size);
    }
    if (pkey != NULL && at != der.data + der.size) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return pkey;
}

static enum pintle_status pin_key(struct pintle_bytes data, const char *name, const char *passphrase,
                                  struct pintle_crypto *crypto, uint8_t *sha256, struct pti_error *error)
{
    bool pem = contains(data, "-----BEGIN");
    bool encrypted = pem && contains(data, "ENCRYPTED");
    EVP_PKEY *pkey = pem ? key_from_pem(data, passphrase) : key_from_der(data);
    enum pintle_status status;
    uint8_t *spki = NULL;
    int size = pkey == NULL ? 0 : i2d_PUBKEY(pkey, &spki);

    if (size > 0)
        status = digest_of(crypto, (struct pintle_bytes){spki, (size_t)size}, name, sha256, error);
    else if (encrypted && passphrase == NULL)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "%s: the key is encrypted and no passphrase was given; use --passphrase-file FILE, or give "
                          "the public key",
                          name);
    else if (encrypted)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "%s: the passphrase does not open this key, or the file is damaged; try again with the right "
                          "one, or give the public key",
                          name);
    else
        status = refuse(PTI_KEY_SOURCE_KEY, data, name, error);
    OPENSSL_free(spki);
    EVP_PKEY_free(pkey);
    return status;
}

/* ---- requests ---- */

static X509_REQ *request_from(struct pintle_bytes data)
{
    const uint8_t *at = data.data;
    X509_REQ *request;
    BIO *bio;

    if (!contains(data, "-----BEGIN")) {
        request = d2i_X509_REQ(NULL, &at, (long)data.size);
        if (at == data.data + data.size)
            return request;
        X509_REQ_free(request);
        return NULL;
    }
    bio = reader(data);
    if (bio == NULL)
        return NULL;
    request = PEM_read_bio_X509_REQ(bio, NULL, passphrase_callback, NULL);
    BIO_free(bio);
    return request;
}

static enum pintle_status pin_request(struct pintle_bytes data, const char *name, struct pintle_crypto *crypto,
                                      uint8_t *sha256, struct pti_error *error)
{
    X509_REQ *request = request_from(data);
    EVP_PKEY *pkey = request == NULL ? NULL : X509_REQ_get0_pubkey(request);
    enum pintle_status status;
    uint8_t *spki = NULL;
    int size = 0;

    if (pkey == NULL)
        status = refuse(PTI_KEY_SOURCE_CSR, data, name, error);
    else if (X509_REQ_verify(request, pkey) != 1)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "%s: the request's own signature does not verify, so it proves no "
                          "possession of the key; make it again",
                          name);
    else if ((size = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &spki)) <= 0)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "%s: the key cannot be encoded; out of memory?", name);
    else
        status = digest_of(crypto, (struct pintle_bytes){spki, (size_t)size}, name, sha256, error);
    OPENSSL_free(spki);
    X509_REQ_free(request);
    return status;
}

enum pintle_status pti_key_source_pin(enum pti_key_source source, struct pintle_bytes data, const char *name,
                                      const char *passphrase, enum pintle_of of, struct pintle_crypto *crypto,
                                      uint8_t sha256[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_INPUT;

    if (of == PINTLE_OF_CERT && source != PTI_KEY_SOURCE_CERTIFICATE)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s: a pin of a whole certificate needs the certificate, not %s; use --cert, or pin the key",
                        name, expected(source));
    if (data.size == 0 || data.size > PTI_KEY_SOURCE_SIZE_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected %s of 1 to %d bytes, found %zu; is it the right file?",
                        name, expected(source), PTI_KEY_SOURCE_SIZE_MAX, data.size);
    switch (source) {
    case PTI_KEY_SOURCE_CERTIFICATE:
        status = pin_certificate(data, name, of, crypto, sha256, error);
        break;
    case PTI_KEY_SOURCE_KEY:
        status = pin_key(data, name, passphrase, crypto, sha256, error);
        break;
    case PTI_KEY_SOURCE_CSR:
        status = pin_request(data, name, crypto, sha256, error);
        break;
    }
    ERR_clear_error();
    return status;
}
