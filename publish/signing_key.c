/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/signing_key.h.  Beside publish/key_source.c the only user of OpenSSL in this room. */
#include "publish/signing_key.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "publish/file.h"

#define PEM_PUBLIC "PUBLIC KEY"
#define PEM_PRIVATE "PRIVATE KEY"
#define PEM_ENCRYPTED "ENCRYPTED PRIVATE KEY"
#define PUBLIC_SIZE_MAX 1024
/* PBKDF2-HMAC-SHA256; OpenSSL's own default of 2048 is of another age. */
#define PBKDF2_ITERATIONS 600000

struct pti_signing_key {
    EVP_PKEY *pkey;
    enum pti_key_kind kind;
    struct pti_public_key public_key;
    char public_text[PUBLIC_SIZE_MAX]; /* hex or PEM */
};

const char *pti_key_kind_name(enum pti_key_kind kind)
{
    switch (kind) {
    case PTI_KEY_ED25519:
        return "ed25519";
    case PTI_KEY_ECDSA_P256:
        return "p256";
    case PTI_KEY_RSA_PSS:
        return "rsa";
    }
    return "unknown";
}

bool pti_key_kind_parse(const char *text, enum pti_key_kind *kind)
{
    static const enum pti_key_kind kinds[] = {PTI_KEY_ECDSA_P256, PTI_KEY_ED25519};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(text, pti_key_kind_name(kinds[i])) == 0) {
            *kind = kinds[i];
            return true;
        }
    return false;
}

/* Empties OpenSSL's queue of errors.  Did memory lack?  Then what it refused need not be damaged. */
static bool memory_was_short(void)
{
    bool was_short = false;

    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
        was_short = was_short || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return was_short;
}

static enum pintle_status no_memory(const char *name, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_MEMORY, "%s: out of memory for a key", name);
}

/* ---- the public half ---- */

static bool public_text_ed25519(struct pti_signing_key *key)
{
    uint8_t raw[32];
    size_t size = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &size) != 1 || size != sizeof(raw))
        return false;
    pti_hex_encode(raw, sizeof(raw), key->public_text);
    return true;
}

static bool public_text_p256(struct pti_signing_key *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long size;
    bool done = false;

    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
        size = BIO_get_mem_data(bio, &text);
        done = size > 0 && (size_t)size < sizeof(key->public_text);
        if (done) {
            memcpy(key->public_text, text, (size_t)size);
            key->public_text[size] = '\0';
        }
    }
    BIO_free(bio);
    return done;
}

static void write_key_object(const struct pti_signing_key *key, struct pti_buf *out)
{
    bool p256 = key->kind == PTI_KEY_ECDSA_P256;
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "keytype", p256 ? "ecdsa" : "ed25519");
    pti_json_put_text(&writer, "scheme", p256 ? "ecdsa-sha2-nistp256" : "ed25519");
    pti_json_begin_object(&writer, "keyval");
    pti_json_put_text(&writer, "public", key->public_text);
    pti_json_end_object(&writer);
    pti_json_end_object(&writer);
}

/* keyid = SHA-256 over the canonical form of the key object. */
static enum pintle_status make_public(struct pti_signing_key *key, struct pti_error *error)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    struct pti_json *json = NULL;
    struct pti_buf text, canonical;
    enum pintle_status status;

    pti_buf_init(&text, 2 * PUBLIC_SIZE_MAX);
    pti_buf_init(&canonical, 2 * PUBLIC_SIZE_MAX);
    write_key_object(key, &text);
    status = pti_buf_check(&text, error, "public key");
    if (status == PINTLE_OK)
        status = pti_json_parse(pti_buf_bytes(&text), &json, error);
    if (status == PINTLE_OK) {
        pti_json_write_canonical(pti_json_root(json), &canonical);
        status = pti_buf_check(&canonical, error, "public key");
    }
    if (status == PINTLE_OK && EVP_Digest(canonical.data, canonical.size, digest, NULL, EVP_sha256(), NULL) != 1)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "OpenSSL cannot compute SHA-256; out of memory?");
    if (status == PINTLE_OK) {
        pti_hex_encode(digest, sizeof(digest), key->public_key.id);
        key->public_key.json = pti_bytes_strdup(pti_buf_bytes(&text));
        if (key->public_key.json == NULL)
            status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a public key");
    }
    pti_json_free(json);
    pti_buf_clear(&canonical);
    pti_buf_clear(&text);
    return status;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[64] = "";

    return EVP_PKEY_is_a(pkey, "EC") == 1 && EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
           (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, "P-256") == 0);
}

/* Takes pkey over, whatever happens. */
static enum pintle_status wrap(EVP_PKEY *pkey, const char *name, struct pti_signing_key **out, struct pti_error *error)
{
    struct pti_signing_key *key = NULL;
    const char *type = EVP_PKEY_get0_type_name(pkey);
    bool p256 = is_p256(pkey);
    enum pintle_status status;

    if (!p256 && type == NULL && memory_was_short()) {
        EVP_PKEY_free(pkey);
        return no_memory(name, error);
    }
    if (!p256 && EVP_PKEY_is_a(pkey, "ED25519") != 1) {
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "%s: expected an ECDSA P-256 or an Ed25519 key, found %s%s; make one with `pintle key new`",
                          name, type != NULL ? type : "another kind",
                          EVP_PKEY_is_a(pkey, "EC") == 1 ? " on another curve" : "");
        EVP_PKEY_free(pkey);
        return status;
    }
    key = calloc(1, sizeof(*key));
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return no_memory(name, error);
    }
    key->pkey = pkey;
    key->kind = p256 ? PTI_KEY_ECDSA_P256 : PTI_KEY_ED25519;
    if (!(p256 ? public_text_p256(key) : public_text_ed25519(key)))
        status = memory_was_short()
                     ? no_memory(name, error)
                     : pti_fail(error, PINTLE_ERR_INPUT,
                                "%s: the public half of the key cannot be derived; the file is damaged", name);
    else
        status = make_public(key, error);
    if (status != PINTLE_OK) {
        pti_signing_key_free(key);
        return status;
    }
    *out = key;
    return PINTLE_OK;
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
    if (pkey == NULL && memory_was_short())
        return no_memory("new key", error);
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
    if (!read && memory_was_short())
        return no_memory(name, error);
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
    if (*pkey == NULL && memory_was_short())
        return no_memory(name, error);
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

static EVP_PKEY *public_from_der(const uint8_t *der, long size)
{
    const uint8_t *at = der;

    return d2i_PUBKEY(NULL, &at, size);
}

/* The public half in a block that holds no private key. */
static enum pintle_status open_public(const char *label, const uint8_t *der, long size, const char *name,
                                      struct pti_signing_key **key, struct pti_error *error)
{
    EVP_PKEY *pkey = NULL;

    if (strcmp(label, PEM_PUBLIC) != 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s: expected a key or its public half, found \"%.64s\"; give the file that `pintle key new` "
                        "made, or its public half",
                        name, label);
    pkey = public_from_der(der, size);
    if (pkey == NULL && memory_was_short())
        return no_memory(name, error);
    ERR_clear_error();
    if (pkey == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: the public key is damaged; use a copy of the file", name);
    return wrap(pkey, name, key, error);
}

enum pintle_status pti_public_key_parse(struct pintle_bytes pem, const char *name, const char *passphrase,
                                        struct pti_public_key *public_key, struct pti_error *error)
{
    struct pti_signing_key *key = NULL;
    char *label = NULL;
    uint8_t *der = NULL;
    long size = 0;
    enum pintle_status status = first_block(pem, name, &label, &der, &size, error);

    *public_key = (struct pti_public_key){{0}, NULL};
    if (status == PINTLE_OK && label != NULL && strstr(label, PEM_PRIVATE) == NULL)
        status = open_public(label, der, size, name, &key, error);
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
        status = pti_public_key_parse(pem, path, passphrase, public_key, error);
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

void pti_signing_key_free(struct pti_signing_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    pti_public_key_clear(&key->public_key);
    free(key);
}

enum pti_key_kind pti_signing_key_kind(const struct pti_signing_key *key)
{
    return key->kind;
}

const struct pti_public_key *pti_signing_key_public(const struct pti_signing_key *key)
{
    return &key->public_key;
}

struct pintle_bytes pti_signing_key_public_bytes(const struct pti_signing_key *key)
{
    return pti_bytes_text(key->public_text);
}

enum pintle_status pti_signing_key_sign(const struct pti_signing_key *key, struct pintle_bytes message,
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
