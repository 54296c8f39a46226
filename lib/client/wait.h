/* SPDX-License-Identifier: Apache-2.0 */
/* Waits are measured on the monotonic clock: a wall clock set back must not keep a thread asleep for a year. */
#ifndef PTI_CLIENT_WAIT_H
#define PTI_CLIENT_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* For pti_wait_until() alone.  False without memory. */
bool pti_wait_init(pthread_cond_t *changed);
/* The moment in timeout_ms milliseconds. */
struct timespec pti_wait_moment(int64_t timeout_ms);
/* As pthread_cond_wait(), until that moment at the latest; false if it has come. */
bool pti_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *moment);

#endif
