/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clocks and its random source. */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <pintle/clock.h>

/* A device that slept for a night must find its poll due when it wakes: time asleep counts where it can be told. */
#if defined(CLOCK_BOOTTIME)
#define STEADY_CLOCK CLOCK_BOOTTIME
#else
#define STEADY_CLOCK CLOCK_MONOTONIC
#endif

static int64_t now(void *ctx)
{
    struct timespec time = {0};

    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec;
}

static int64_t monotonic_ms(void *ctx)
{
    struct timespec time = {0};

    (void)ctx;
    if (clock_gettime(STEADY_CLOCK, &time) != 0) /* a kernel older than the headers we were built with */
        clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Finaliser of SplitMix64: spreads what little differs between two callers over all bits. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Jitter must not fail: without /dev/urandom (a bare chroot, no descriptor left) time and place have to do. */
static uint64_t makeshift_random(void)
{
    struct timespec time = {0};

    clock_gettime(CLOCK_MONOTONIC, &time);
    return mix(mix((uint64_t)time.tv_nsec ^ ((uint64_t)time.tv_sec << 32)) ^ (uint64_t)getpid() ^
               ((uint64_t)(uintptr_t)&time << 16));
}

static uint64_t system_random(void *ctx)
{
    uint64_t value;
    ssize_t got = -1;
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    (void)ctx;
    if (file >= 0) {
        got = read(file, &value, sizeof(value));
        close(file);
    }
    return got == (ssize_t)sizeof(value) ? value : makeshift_random();
}

void pintle_clock_system_init(struct pintle_clock *clock)
{
    *clock = (struct pintle_clock){
        .size = sizeof(*clock),
        .now = now,
        .monotonic_ms = monotonic_ms,
        .random = system_random,
    };
}
