/* SPDX-License-Identifier: Apache-2.0 */
#include "server/guess.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define V4_BYTES 3
#define V6_BYTES 7
#define FAMILY_V4 (UINT64_C(4) << 56)
#define FAMILY_V6 (UINT64_C(6) << 56)

static uint64_t first_bytes(const uint8_t *address, size_t count)
{
    uint64_t prefix = 0;

    for (size_t i = 0; i < count; i++)
        prefix = prefix << 8 | address[i];
    return prefix;
}

uint64_t pti_guess_source(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address && address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return FAMILY_V4 | first_bytes((const uint8_t *)&v4.sin_addr, V4_BYTES);
    }
    if (!address || address->sa_family != AF_INET6)
        return 0;
    memcpy(&v6, address, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return FAMILY_V4 | first_bytes(v6.sin6_addr.s6_addr + 12, V4_BYTES);
    return FAMILY_V6 | first_bytes(v6.sin6_addr.s6_addr, V6_BYTES);
}

/* A clock that was set back ends a window too, or somebody would be shut out for as long as it was wrong. */
static bool is_over(int64_t since, int64_t now)
{
    return now < since || now - since >= PTI_GUESS_WINDOW_S;
}

unsigned pti_guesses_wait(const struct pti_guesses *guesses, uint64_t source, int64_t now)
{
    for (size_t i = 0; i < PTI_GUESS_SOURCES; i++) {
        if (guesses->sources[i].count < PTI_GUESSES_MAX || guesses->sources[i].source != source ||
            is_over(guesses->sources[i].since, now))
            continue;
        return (unsigned)(guesses->sources[i].since + PTI_GUESS_WINDOW_S - now);
    }
    return 0;
}

void pti_guesses_add(struct pti_guesses *guesses, uint64_t source, int64_t now)
{
    size_t oldest = 0;

    for (size_t i = 0; i < PTI_GUESS_SOURCES; i++) {
        if (guesses->sources[i].count > 0 && guesses->sources[i].source == source) {
            oldest = i;
            break;
        }
        if (guesses->sources[oldest].count > 0 &&
            (guesses->sources[i].count == 0 || guesses->sources[i].since < guesses->sources[oldest].since))
            oldest = i;
    }
    if (guesses->sources[oldest].source != source || is_over(guesses->sources[oldest].since, now)) {
        guesses->sources[oldest].source = source;
        guesses->sources[oldest].since = now;
        guesses->sources[oldest].count = 0;
    }
    if (guesses->sources[oldest].count == 0)
        guesses->sources[oldest].since = now;
    if (guesses->sources[oldest].count < PTI_GUESSES_MAX)
        guesses->sources[oldest].count++;
}
