/* SPDX-License-Identifier: Apache-2.0 */
/* Charters: what is accepted survives being written and read again, may follow itself, and compiles. */
#include "fuzz.h"
#include "pin/pinset.h"

static void compile(const struct pti_charter *charter)
{
    struct pti_pinset_input input = {.charter = charter, .refuse_after = PTI_NEVER};
    struct pintle_pinset *pinset = NULL;

    REQUIRE(pti_pinset_compile(&input, &pinset, NULL) == PINTLE_OK);
    REQUIRE(pinset->policy_count == charter->host_count);
    for (size_t i = 0; i < charter->host_count; i++) {
        REQUIRE(pti_pinset_find(pinset, charter->hosts[i].host) != NULL);
    }
    pintle_pinset_free(pinset);
}

static void write_and_read(const struct pti_charter *charter)
{
    struct pti_charter again;
    struct pti_buf first, second;

    pti_buf_init(&first, PTI_CHARTER_SIZE_MAX);
    pti_buf_init(&second, PTI_CHARTER_SIZE_MAX);
    pti_charter_write(charter, &first);
    REQUIRE(first.status == PINTLE_OK);
    REQUIRE(pti_charter_parse(pti_buf_bytes(&first), &again, NULL) == PINTLE_OK);
    pti_charter_write(&again, &second);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&first), pti_buf_bytes(&second)));
    REQUIRE(pti_charter_check_successor(charter, &again, NULL) == PINTLE_OK);
    pti_charter_clear(&again);
    pti_buf_clear(&second);
    pti_buf_clear(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_charter charter;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_charter_parse((struct pintle_bytes){data, size}, &charter, &error) == PINTLE_OK) {
        write_and_read(&charter);
        compile(&charter);
    } else {
        REQUIRE(charter.host_count == 0 && error.detail[0] != '\0');
    }
    pti_charter_clear(&charter);
    return 0;
}
