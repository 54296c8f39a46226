/* SPDX-License-Identifier: Apache-2.0 */
/* Reports at the server's door: what is accepted is written anew, is accepted again, and stays the same. */
#include <string.h>

#include "fuzz.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_report report, again;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_report_parse((struct pintle_bytes){data, size}, &report, &error) != PINTLE_OK) {
        REQUIRE(report.document.size == 0 && error.detail[0] != '\0');
        return 0;
    }
    REQUIRE(report.id[0] != '\0' && report.host[0] != '\0');
    REQUIRE(pti_report_parse(pti_buf_bytes(&report.document), &again, NULL) == PINTLE_OK);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&report.document), pti_buf_bytes(&again.document)));
    REQUIRE(strcmp(report.id, again.id) == 0 && strcmp(report.host, again.host) == 0);
    pti_report_clear(&again);
    pti_report_clear(&report);
    return 0;
}
