/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certificate_kind.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "publish/file.h"
#include "publish/key_source.h"

static X509 *read_certificate(struct pintle_bytes data)
{
    const uint8_t *at = data.data;
    BIO *bio = BIO_new_mem_buf(data.data, (int)data.size);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return certificate ? certificate : d2i_X509(NULL, &at, (long)data.size);
}

enum pti_certificate_kind pti_certificate_kind_file(const char *path)
{
    enum pti_certificate_kind kind = PTI_CERTIFICATE_UNKNOWN;
    struct pintle_bytes data = {NULL, 0};
    struct pti_error ignored = {.status = PINTLE_OK};
    X509 *certificate = NULL;

    if (pti_file_read(path, PTI_KEY_SOURCE_SIZE_MAX, &data, &ignored) != PINTLE_OK || data.size == 0) {
        pti_bytes_free(&data);
        return kind;
    }
    certificate = read_certificate(data);
    if (certificate) {
        int ca = X509_check_ca(certificate);

        kind = ca == 0 ? PTI_CERTIFICATE_END_ENTITY : ca == 1 ? PTI_CERTIFICATE_CA : PTI_CERTIFICATE_UNKNOWN;
    }
    X509_free(certificate);
    OPENSSL_cleanse((void *)(uintptr_t)data.data, data.size); /* keys may stand beside it */
    pti_bytes_free(&data);
    ERR_clear_error();
    return kind;
}
