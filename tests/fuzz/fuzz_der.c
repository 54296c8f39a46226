/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate walk: a SubjectPublicKeyInfo that it finds is a SEQUENCE that lies inside the certificate. */
#include "fuzz.h"
#include "pin/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_bytes spki = {NULL, 0};

    if (pti_der_certificate_spki((struct pintle_bytes){data, size}, &spki)) {
        REQUIRE(spki.size >= 2 && spki.data > data && spki.data[0] == 0x30);
        REQUIRE(spki.size < size && (size_t)(spki.data - data) <= size - spki.size);
    }
    return 0;
}
