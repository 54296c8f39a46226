/* SPDX-License-Identifier: Apache-2.0 */
#include "server/guess.h"

#include <stddef.h>

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
