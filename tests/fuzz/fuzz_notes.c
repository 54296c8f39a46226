/* SPDX-License-Identifier: Apache-2.0 */
/* What no pin depends on, read back from a store: the queue of reports and the counted days.  What is read is stable. */
#include "client/adoption.h"
#include "client/outbox.h"
#include "fuzz.h"

static void adoption(struct pintle_bytes text)
{
    struct pti_adoption first, second;
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_buf written;

    if (pti_adoption_parse(text, &first, &error) != PINTLE_OK) {
        REQUIRE(first.count == 0 && error.detail[0] != '\0');
        return;
    }
    pti_buf_init(&written, PTI_ADOPTION_SIZE_MAX);
    pti_adoption_write(&first, &written);
    REQUIRE(written.status == PINTLE_OK);
    REQUIRE(pti_adoption_parse(pti_buf_bytes(&written), &second, NULL) == PINTLE_OK);
    REQUIRE(second.count == first.count && second.set_back == first.set_back);
    pti_buf_clear(&written);
}

static void outbox(struct pintle_bytes text, struct pti_reports *first, struct pti_reports *second)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_buf written, again;

    if (pti_outbox_parse(text, first, &error) != PINTLE_OK) {
        REQUIRE(first->count == 0 && error.detail[0] != '\0');
        return;
    }
    pti_buf_init(&written, PTI_REPORTS_FILE_MAX);
    pti_buf_init(&again, PTI_REPORTS_FILE_MAX);
    pti_outbox_write(first, &written);
    REQUIRE(written.status == PINTLE_OK);
    REQUIRE(pti_outbox_parse(pti_buf_bytes(&written), second, NULL) == PINTLE_OK);
    pti_outbox_write(second, &again);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&written), pti_buf_bytes(&again)));
    pti_buf_clear(&written);
    pti_buf_clear(&again);
    pti_reports_clear(first);
    pti_reports_clear(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pti_reports first, second;

    if (size == 0)
        return 0;
    if (data[0] == 'a')
        adoption((struct pintle_bytes){data + 1, size - 1});
    else
        outbox((struct pintle_bytes){data + 1, size - 1}, &first, &second);
    return 0;
}
