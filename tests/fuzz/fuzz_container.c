/* SPDX-License-Identifier: Apache-2.0 */
/* The container of head and body: what is accepted, written again, is the same bytes. */
#include <string.h>

#include "fuzz.h"
#include "tuf/container.h"

static void write_again(const struct pti_container *container, struct pintle_bytes want)
{
    struct pti_buf out;
    char path[PTI_CONTAINER_PATH_MAX + 1];

    pti_buf_init(&out, want.size);
    pti_container_write_begin(&out, (uint32_t)container->count);
    for (size_t i = 0; i < container->count; i++) {
        struct pintle_bytes name = container->entries[i].path, found;

        REQUIRE(name.size > 0 && name.size <= PTI_CONTAINER_PATH_MAX && memchr(name.data, '\0', name.size) == NULL);
        memcpy(path, name.data, name.size);
        path[name.size] = '\0';
        REQUIRE(pti_container_find(container, path, &found));
        REQUIRE(found.data == container->entries[i].data.data); /* no path twice */
        pti_container_write_entry(&out, path, container->entries[i].data);
    }
    REQUIRE(out.status == PINTLE_OK && pti_bytes_equal(pti_buf_bytes(&out), want));
    pti_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_bytes bytes = {data, size};
    struct pti_container container;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_container_parse(bytes, &container, &error) == PINTLE_OK) {
        write_again(&container, bytes);
    } else {
        REQUIRE(container.count == 0 && error.detail[0] != '\0');
    }
    pti_container_clear(&container);
    return 0;
}
