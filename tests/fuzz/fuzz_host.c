/* SPDX-License-Identifier: Apache-2.0 */
/* Host names: the normal form is normal, and a normal form's own normal form is itself. */
#include <string.h>

#include "fuzz.h"
#include "pin/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct pti_host host, again;
    struct pti_error error = {PINTLE_OK, ""};

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (pti_host_parse(text, &host, &error) == PINTLE_OK) {
        size_t parents = 0;

        REQUIRE(host.name[0] != '\0' && strlen(host.name) <= PINTLE_HOST_MAX);
        REQUIRE(pti_host_is_normal(host.name));
        REQUIRE(pti_host_parse(host.name, &again, NULL) == PINTLE_OK);
        REQUIRE(strcmp(host.name, again.name) == 0 && host.ip == again.ip);
        for (const char *name = host.name; !host.ip && name != NULL; name = pti_host_parent(name)) {
            REQUIRE(name[0] != '\0' && ++parents <= PINTLE_HOST_MAX);
        }
    } else {
        REQUIRE(error.detail[0] != '\0');
        REQUIRE(!pti_host_is_normal(text));
    }
    free(text);
    return 0;
}
