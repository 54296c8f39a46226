/* SPDX-License-Identifier: Apache-2.0 */
#include "server/members.h"

#include <stdio.h>

#include "base/buf.h"

/* "a, b and c" */
static void list(const char *const *names, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    for (size_t i = 0; names[i] && length < size; i++) {
        const char *before = i == 0 ? "" : names[i + 1] ? ", " : " and ";

        length += (size_t)snprintf(out + length, size - length, "%s%s", before, names[i]);
    }
}

static bool is_one_of(struct pintle_bytes name, const char *const *names)
{
    for (; *names; names++)
        if (pti_bytes_equal_text(name, *names))
            return true;
    return false;
}

enum pintle_status pti_members_check(const struct pti_json_value *value, const char *const *names,
                                     struct pti_error *error)
{
    if (pti_json_type(value) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an object, found %s",
                        pti_json_type_name(pti_json_type(value)));
    for (const struct pti_json_value *member = pti_json_first(value); member; member = pti_json_next(member)) {
        struct pintle_bytes name = pti_json_name(member);
        char expected[160];

        if (is_one_of(name, names))
            continue;
        list(names, expected, sizeof expected);
        return pti_fail(error, PINTLE_ERR_INPUT, "expected the members %s, found \"%.*s\"", expected,
                        (int)(name.size < 40 ? name.size : 40), (const char *)name.data);
    }
    return PINTLE_OK;
}
