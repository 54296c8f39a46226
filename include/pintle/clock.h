/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness, as arguments: what a client asks the machine for and a test decides for it. */
#ifndef PINTLE_CLOCK_H
#define PINTLE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include <pintle/export.h>

PINTLE_BEGIN_DECLS

/* All functions may be called from any thread and do not fail. */
struct pintle_clock {
    size_t size; /* sizeof(struct pintle_clock) as compiled */
    void *ctx;
    int64_t (*now)(void *ctx);          /* Unix time in seconds */
    int64_t (*monotonic_ms)(void *ctx); /* milliseconds since some fixed point; never goes back */
    uint64_t (*random)(void *ctx);      /* uniform; for jitter and report ids, never for keys */
};

/* The machine's clock and its random source.  Nothing to free. */
PINTLE_API void pintle_clock_system_init(struct pintle_clock *clock);

PINTLE_END_DECLS

#endif
