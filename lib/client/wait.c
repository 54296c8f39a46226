/* SPDX-License-Identifier: Apache-2.0 */
#include "client/wait.h"

#define MS_NS 1000000
#define SECOND_NS 1000000000

bool pti_wait_init(pthread_cond_t *changed)
{
    pthread_condattr_t attributes;
    bool made;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made;
}

struct timespec pti_wait_moment(int64_t timeout_ms)
{
    struct timespec moment;

    (void)clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += (time_t)(timeout_ms / 1000);
    moment.tv_nsec += (long)(timeout_ms % 1000) * MS_NS;
    if (moment.tv_nsec >= SECOND_NS) {
        moment.tv_sec++;
        moment.tv_nsec -= SECOND_NS;
    }
    return moment;
}

bool pti_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *moment)
{
    return pthread_cond_timedwait(changed, lock, moment) == 0;
}
