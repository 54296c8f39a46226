/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/ecdsa_signature.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

enum pintle_status pti_ecdsa_signature_from_raw(const uint8_t raw[PTI_ECDSA_RAW_SIZE], struct pti_signature *signature,
                                                struct pti_error *error)
{
    BIGNUM *r = BN_bin2bn(raw, PTI_ECDSA_RAW_SIZE / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + PTI_ECDSA_RAW_SIZE / 2, PTI_ECDSA_RAW_SIZE / 2, NULL);
    ECDSA_SIG *both = ECDSA_SIG_new();
    uint8_t *der = NULL;
    int size = 0;

    signature->size = 0;
    if (r != NULL && s != NULL && both != NULL && ECDSA_SIG_set0(both, r, s) == 1) {
        r = s = NULL;
        size = i2d_ECDSA_SIG(both, &der);
    }
    if (size > 0 && (size_t)size <= sizeof(signature->data)) {
        memcpy(signature->data, der, (size_t)size);
        signature->size = (size_t)size;
    }
    OPENSSL_free(der);
    ECDSA_SIG_free(both);
    BN_free(r);
    BN_free(s);
    ERR_clear_error();
    return signature->size > 0 ? PINTLE_OK : pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a signature");
}

bool pti_ecdsa_signature_is_der(struct pintle_bytes data)
{
    const uint8_t *at = data.data;
    ECDSA_SIG *parsed = data.size > 0 ? d2i_ECDSA_SIG(NULL, &at, (long)data.size) : NULL;
    uint8_t *again = NULL;
    int size = parsed != NULL ? i2d_ECDSA_SIG(parsed, &again) : 0;
    /* Written again it must be the same: d2i takes BER too, which other clients may not. */
    bool same = size > 0 && (size_t)size == data.size && memcmp(again, data.data, data.size) == 0;

    OPENSSL_free(again);
    ECDSA_SIG_free(parsed);
    ERR_clear_error();
    return same;
}
