/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certificate_kind.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static X509 *read_certificate(struct pintle_bytes data)
{
    const uint8_t *at = data.data;
    BIO *bio = BIO_new_mem_buf(data.data, (int)data.size);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return certificate ? certificate : d2i_X509(NULL, &at, (long)data.size);
}

enum pti_certificate_kind pti_certificate_kind(struct pintle_bytes data)
{
    enum pti_certificate_kind kind = PTI_CERTIFICATE_UNKNOWN;
    X509 *certificate = read_certificate(data);

    if (certificate) {
        int ca = X509_check_ca(certificate);

        kind = ca == 0 ? PTI_CERTIFICATE_END_ENTITY : ca == 1 ? PTI_CERTIFICATE_CA : PTI_CERTIFICATE_UNKNOWN;
    }
    X509_free(certificate);
    ERR_clear_error();
    return kind;
}
