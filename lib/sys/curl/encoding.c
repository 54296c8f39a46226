/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/curl/encoding.h"

#include <string.h>
#include <strings.h>

static bool starts_with(const char *line, size_t size, const char *prefix)
{
    return size >= strlen(prefix) && strncasecmp(line, prefix, strlen(prefix)) == 0;
}

static bool is_word(const char *word, size_t size, const char *expected)
{
    return size == strlen(expected) && strncasecmp(word, expected, size) == 0;
}

static void take(struct pti_encoding *encoding, const char *word, size_t size)
{
    bool gzip = is_word(word, size, "gzip") || is_word(word, size, "x-gzip");

    if (encoding->named || !(gzip ? encoding->gzip_asked : is_word(word, size, "identity")))
        encoding->kind = PTI_ENCODING_OTHER;
    else if (gzip)
        encoding->kind = PTI_ENCODING_GZIP;
    encoding->named = true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void pti_encoding_read(struct pti_encoding *encoding, const char *line, size_t size)
{
    static const char name[] = "Content-Encoding:";

    if (starts_with(line, size, "HTTP/")) {
        encoding->kind = PTI_ENCODING_NONE;
        encoding->named = false;
    }
    if (!starts_with(line, size, name))
        return;
    for (size_t at = strlen(name); at < size;) {
        const char *comma = memchr(line + at, ',', size - at);
        size_t next = comma != NULL ? (size_t)(comma - line) + 1 : size, end = comma != NULL ? next - 1 : size;

        while (at < end && is_space(line[at]))
            at++;
        while (end > at && is_space(line[end - 1]))
            end--;
        if (end > at)
            take(encoding, line + at, end - at);
        at = next;
    }
}
