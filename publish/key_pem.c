/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in files, PKCS#8 PEM.  The contract is in publish/signing_key.h. */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "publish/file.h"
#include "publish/key_access.h"
#include "publish/signing_key_internal.h"

#define PEM_PUBLIC "PUBLIC KEY"
#define PEM_PRIVATE "PRIVATE KEY"
#define PEM_ENCRYPTED "ENCRYPTED PRIVATE KEY"
/* PBKDF2-HMAC-SHA256; OpenSSL's own default of 2048 is of another age. */
#define PBKDF2_ITERATIONS 600000

static enum pintle_status sign(const struct pti_signing_key *key, struct pintle_bytes message,
                               struct pti_signature *signature, struct pti_error *error)
{
    const EVP_MD *digest = key->kind == PTI_KEY_ECDSA_P256 ? EVP_sha256() : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done;

    signature->size = sizeof(signature->data);
    done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, digest, NULL, key->pkey) == 1 &&
           EVP_DigestSign(ctx, signature->data, &signature->size, message.data, message.size) == 1;
    /* OpenSSL 3.0 says that it has signed, and that the signature has 2^32-1 bytes, if i2d_ECDSA_SIG() lacks memory. */
    done = done && signature->size <= sizeof(signature->data);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!done) {
        signature->size = 0;
        return pti_fail(error, PINTLE_ERR_MEMORY, "OpenSSL cannot sign with key %.16s; out of memory?",
                        key->public_key.id);
    }
    return PINTLE_OK;
}

static const struct pti_signing_key_ops file_ops = {sign, NULL, "the key file or the machine is damaged"};

static enum pintle_status wrap(EVP_PKEY *pkey, const char *name, struct pti_signing_key **key, struct pti_error *error)
{
    return pti_signing_key_new(pkey, &file_ops, NULL, name, key, error);
}

enum pintle_status pti_signing_key_generate(enum pti_key_kind kind, struct pti_signing_key **key,
                                            struct pti_error *error)
{
    EVP_PKEY *pkey = NULL;

    *key = NULL;
    switch (kind) {
    case PTI_KEY_ED25519:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case PTI_KEY_ECDSA_P256:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        break;
    case PTI_KEY_RSA_PSS: /* read in foreign repositories, never made */
        break;
    }
    if (pkey == NULL && pti_openssl_memory_was_short())
        return pti_no_memory_for_key("new key", error);
    ERR_clear_error();
    if (pkey == NULL)
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this OpenSSL cannot make a %s key", pti_key_kind_name(kind));
    return wrap(pkey, "new key", key, error);
}

/* ---- PEM ---- */

static EVP_PKEY *private_from_der(const uint8_t *der, long size)
{
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, size);
    EVP_PKEY *pkey = info != NULL ? EVP_PKCS82PKEY(info) : NULL;

    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

static EVP_PKEY *private_from_encrypted(const uint8_t *der, long size, const char *passphrase)
{
    X509_SIG *sealed = d2i_X509_SIG(NULL, &der, size);
    PKCS8_PRIV_KEY_INFO *info = NULL;
    EVP_PKEY *pkey = NULL;

    if (sealed != NULL && strlen(passphrase) <= INT_MAX)
        info = PKCS8_decrypt(sealed, passphrase, (int)strlen(passphrase));
    if (info != NULL)
        pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    X509_SIG_free(sealed);
    return pkey;
}

/* The first PEM block: its label, NULL if there is none, and its DER, which the caller frees with OPENSSL_clear_free(). */
static enum pintle_status first_block(struct pintle_bytes pem, const char *name, char **label, uint8_t **der,
                                      long *size, struct pti_error *error)
{
    char *header = NULL;
    BIO *bio = pem.size <= PTI_KEY_FILE_SIZE_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
    bool read;

    *label = NULL;
    *der = NULL;
    *size = 0;
    read = bio != NULL && PEM_read_bio(bio, label, &header, der, size) == 1;
    OPENSSL_free(header);
    BIO_free(bio);
    if (!read && pti_openssl_memory_was_short())
        return pti_no_memory_for_key(name, error);
    ERR_clear_error();
    return PINTLE_OK;
}

/* A key of another program can be converted; a public key or a certificate is the wrong file. */
static enum pintle_status not_pkcs8(const char *name, const char *label, struct pti_error *error)
{
    bool private_key = strstr(label, PEM_PRIVATE) != NULL;

    return pti_fail(error, PINTLE_ERR_INPUT,
                    "%s: expected a PKCS#8 private key (\"" PEM_PRIVATE "\"), found \"%.64s\"; %s", name, label,
                    private_key ? "convert it with `openssl pkcs8 -topk8`"
                                : "give the private key that belongs to it: one that `pintle key new` made");
}

static enum pintle_status open_block(const char *label, const uint8_t *der, long size, const char *name,
                                     const char *passphrase, EVP_PKEY **pkey, struct pti_error *error)
{
    bool encrypted = strcmp(label, PEM_ENCRYPTED) == 0;

    if (!encrypted && strcmp(label, PEM_PRIVATE) != 0)
        return not_pkcs8(name, label, error);
    if (encrypted && passphrase == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s: the key is encrypted and no passphrase was given; use --passphrase-file FILE", name);
    *pkey = encrypted ? private_from_encrypted(der, size, passphrase) : private_from_der(der, size);
    if (*pkey == NULL && pti_openssl_memory_was_short())
        return pti_no_memory_for_key(name, error);
    ERR_clear_error();
    if (*pkey == NULL && encrypted)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s: the passphrase does not open this key, or the file is damaged; try again with the right "
                        "one, or with a copy of the file",
                        name);
    if (*pkey == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: the private key is damaged; use a copy of the file", name);
    return PINTLE_OK;
}

enum pintle_status pti_signing_key_parse(struct pintle_bytes pem, const char *name, const char *passphrase,
                                         struct pti_signing_key **key, struct pti_error *error)
{
    EVP_PKEY *pkey = NULL;
    char *label = NULL;
    uint8_t *der = NULL;
    long size = 0;
    enum pintle_status status = first_block(pem, name, &label, &der, &size, error);

    *key = NULL;
    if (status == PINTLE_OK && label != NULL)
        status = open_block(label, der, size, name, passphrase, &pkey, error);
    else if (status == PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "%s: expected a PEM file with a key, found no PEM block; `pintle key new` makes one", name);
    OPENSSL_clear_free(der, (size_t)size);
    OPENSSL_free(label);
    return status == PINTLE_OK ? wrap(pkey, name, key, error) : status;
}

static void wipe(struct pintle_bytes *owned)
{
    if (owned->data != NULL)
        OPENSSL_cleanse((void *)(uintptr_t)owned->data, owned->size);
    pti_bytes_free(owned);
}

enum pintle_status pti_signing_key_load(const char *path, const char *passphrase, struct pti_signing_key **key,
                                        struct pti_error *error)
{
    struct pintle_bytes pem;
    enum pintle_status status;

    *key = NULL;
    status = pti_file_read(path, PTI_KEY_FILE_SIZE_MAX, &pem, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_signing_key_parse(pem, path, passphrase, key, error);
    wipe(&pem);
    return status;
}

/* The public half in a block that holds no private key. */
static enum pintle_status open_public(const char *label, const uint8_t *der, long size, const char *name,
                                      EVP_PKEY **pkey, struct pti_error *error)
{
    if (strcmp(label, PEM_PUBLIC) != 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s: expected a key or its public half, found \"%.64s\"; give the file that `pintle key new` "
                        "made, or its public half",
                        name, label);
    return pti_public_half_from_der((struct pintle_bytes){der, (size_t)size}, name, pkey, error);
}

enum pintle_status pti_public_half_from_pem(struct pintle_bytes pem, const char *name, EVP_PKEY **pkey,
                                            struct pti_error *error)
{
    char *label = NULL;
    uint8_t *der = NULL;
    long size = 0;
    enum pintle_status status = first_block(pem, name, &label, &der, &size, error);

    *pkey = NULL;
    if (status == PINTLE_OK)
        status = open_public(label != NULL ? label : "no PEM", der, size, name, pkey, error);
    OPENSSL_clear_free(der, (size_t)size);
    OPENSSL_free(label);
    return status;
}

enum pintle_status pti_public_key_parse(struct pintle_bytes pem, const char *name, const char *passphrase,
                                        struct pti_public_key *public_key, struct pti_error *error)
{
    struct pti_signing_key *key = NULL;
    EVP_PKEY *pkey = NULL;
    char *label = NULL;
    uint8_t *der = NULL;
    long size = 0;
    enum pintle_status status = first_block(pem, name, &label, &der, &size, error);
    bool is_public = label != NULL && strstr(label, PEM_PRIVATE) == NULL;

    *public_key = (struct pti_public_key){{0}, NULL};
    if (status == PINTLE_OK && is_public)
        status = open_public(label, der, size, name, &pkey, error);
    if (status == PINTLE_OK && is_public)
        status = wrap(pkey, name, &key, error);
    else if (status == PINTLE_OK)
        status = pti_signing_key_parse(pem, name, passphrase, &key, error);
    if (status == PINTLE_OK)
        status = pti_public_key_copy(&key->public_key, public_key, error);
    pti_signing_key_free(key);
    OPENSSL_clear_free(der, (size_t)size);
    OPENSSL_free(label);
    return status;
}

enum pintle_status pti_public_key_load(const char *path, const char *passphrase, struct pti_public_key *public_key,
                                       struct pti_error *error)
{
    struct pintle_bytes pem;
    enum pintle_status status = pti_file_read(path, PTI_KEY_FILE_SIZE_MAX, &pem, error);

    *public_key = (struct pti_public_key){{0}, NULL};
    if (status == PINTLE_OK)
        status = pti_signer_file_is(pem) ? pti_signer_file_public(pem, path, public_key, error)
                                         : pti_public_key_parse(pem, path, passphrase, public_key, error);
    wipe(&pem);
    return status;
}

static enum pintle_status inspect(struct pintle_bytes pem, const char *name, bool *private_key, bool *encrypted,
                                  struct pti_error *error)
{
    char *label = NULL;
    uint8_t *der = NULL;
    long size = 0;
    enum pintle_status status = first_block(pem, name, &label, &der, &size, error);

    *private_key = label != NULL && strstr(label, PEM_PRIVATE) != NULL;
    *encrypted = label != NULL && strcmp(label, PEM_ENCRYPTED) == 0;
    OPENSSL_clear_free(der, (size_t)size);
    OPENSSL_free(label);
    return status;
}

void pti_signing_key_inspect(struct pintle_bytes pem, bool *private_key, bool *encrypted)
{
    (void)inspect(pem, "", private_key, encrypted, NULL);
}

enum pintle_status pti_signing_key_look(const char *path, bool *private_key, bool *encrypted, struct pti_error *error)
{
    struct pintle_bytes pem;
    enum pintle_status status = pti_file_read(path, PTI_KEY_FILE_SIZE_MAX, &pem, error);

    *private_key = *encrypted = false;
    if (status == PINTLE_OK)
        status = inspect(pem, path, private_key, encrypted, error);
    wipe(&pem);
    return status;
}

bool pti_signing_key_is_exposed(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

static bool write_private(BIO *bio, const EVP_PKEY *pkey, const char *passphrase)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    X509_SIG *sealed = NULL;
    bool written = false;

    if (info != NULL && passphrase == NULL)
        written = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
    if (info != NULL && passphrase != NULL)
        sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase, (int)strlen(passphrase), NULL, 0, PBKDF2_ITERATIONS,
                               info);
    if (sealed != NULL)
        written = PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    return written;
}

enum pintle_status pti_signing_key_save(const struct pti_signing_key *key, const char *path, const char *passphrase,
                                        struct pti_error *error)
{
    BIO *bio = NULL;
    char *text = NULL;
    enum pintle_status status;
    long size;

    if (passphrase != NULL && (passphrase[0] == '\0' || strlen(passphrase) > PTI_PASSPHRASE_MAX))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a passphrase of 1 to %d bytes, found %zu",
                        PTI_PASSPHRASE_MAX, strlen(passphrase));
    bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    if (bio == NULL || !write_private(bio, key->pkey, passphrase)) {
        status = pti_fail(error, PINTLE_ERR_MEMORY, "%s: the key cannot be encoded; out of memory?", path);
    } else {
        size = BIO_get_mem_data(bio, &text);
        status = pti_file_create_private(path, (struct pintle_bytes){(const uint8_t *)text, (size_t)size}, error);
    }
    BIO_free(bio);
    ERR_clear_error();
    return status;
}
