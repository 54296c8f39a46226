/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that nobody sets: for how long, never when.  Threads that wait for a while wait by it. */
#ifndef PTI_SERVER_STEADY_H
#define PTI_SERVER_STEADY_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

int64_t pti_steady_ms(void);
/* The moment in wait_ms from now, for pthread_cond_timedwait() on a condition that was made by the next function. */
struct timespec pti_steady_after_ms(int64_t wait_ms);
void pti_steady_condition_init(pthread_cond_t *condition);

#endif
