/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/escape.h"

/* RFC 3986, section 2.3. */
static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '~' || c == '.';
}

enum pintle_status pti_tuf_escape(struct pintle_bytes name, struct pti_buf *out, struct pti_error *error)
{
    size_t before = out->size;

    for (size_t i = 0; i < name.size && out->size - before <= PTI_TUF_ESCAPED_MAX; i++) {
        uint8_t c = name.data[i];

        if (is_unreserved(c))
            pti_buf_append(out, &c, 1);
        else
            pti_buf_printf(out, "%%%02X", c);
        if (out->status != PINTLE_OK)
            return pti_buf_check(out, error, "an escaped name");
    }
    if (name.size > 0 && out->size - before <= PTI_TUF_ESCAPED_MAX)
        return PINTLE_OK;
    out->size = before;
    return pti_fail(error, PINTLE_ERR_INPUT, "expected a name of 1 to %d bytes when escaped, found %s",
                    PTI_TUF_ESCAPED_MAX, name.size == 0 ? "none" : "more");
}
