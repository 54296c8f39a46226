/* SPDX-License-Identifier: Apache-2.0 */
#include "client/turn.h"

#include <inttypes.h>

#include "client/wait.h"

#define DEADLINE_MAX_MS (INT64_C(24) * 3600 * 1000)

/* Who waits for the turn. */
struct waiter {
    uint64_t wish;    /* of a refusal that is to be healed; 0: another call */
    int64_t deadline; /* monotonic ms */
    bool taken;
    bool served; /* by the refresh of somebody else */
};

/* In monotonic milliseconds; a day is as good as no deadline. */
static int64_t deadline_after(const struct pintle_client *client, int64_t deadline_ms)
{
    const struct pintle_clock *clock = &client->config->clock;

    return clock->monotonic_ms(clock->ctx) + (deadline_ms < DEADLINE_MAX_MS ? deadline_ms : DEADLINE_MAX_MS);
}

/* The turn of a long call that has ended, or never came to it; the client may be gone afterwards. */
static enum pintle_status leave(struct pintle_client *client, bool had_turn, const struct pti_error *error)
{
    enum pintle_status status = error != NULL ? error->status : PINTLE_OK;

    (void)pthread_mutex_lock(&client->state);
    if (error != NULL)
        client->error = *error;
    client->refreshing = client->refreshing && !had_turn;
    client->long_calls--;
    (void)pthread_cond_broadcast(&client->ended);
    (void)pthread_mutex_unlock(&client->state);
    return status;
}

/* Under the state lock. */
static bool must_wait(const struct pintle_client *client, struct waiter *waiter)
{
    const struct pintle_clock *clock = &client->config->clock;

    waiter->served = waiter->wish != 0 && pti_live_heal_tried(client->live, waiter->wish);
    waiter->taken = !waiter->served && !client->refreshing && (waiter->wish == 0 || client->waiting == 0);
    return !waiter->served && !waiter->taken && clock->monotonic_ms(clock->ctx) < waiter->deadline;
}

/* The deadline is one of the client's clock, which may be no clock that a thread can wait on: so it is asked again. */
static void take_turn(struct pintle_client *client, struct waiter *waiter)
{
    unsigned first = waiter->wish == 0 ? 1 : 0;
    struct timespec moment;

    (void)pthread_mutex_lock(&client->state);
    client->long_calls++;
    client->waiting += first;
    while (must_wait(client, waiter)) {
        moment = pti_wait_moment(PTI_LOOK_AGAIN_MS);
        (void)pti_wait_until(&client->ended, &client->state, &moment);
    }
    client->waiting -= first;
    if (waiter->taken)
        client->refreshing = true;
    (void)pthread_mutex_unlock(&client->state);
}

static enum pintle_status begin(struct pintle_client *client, const char *what, int64_t deadline_ms,
                                struct waiter *waiter)
{
    struct pti_error error;

    waiter->deadline = deadline_after(client, deadline_ms);
    take_turn(client, waiter);
    if (deadline_ms <= 0)
        (void)pti_fail(&error, PINTLE_ERR_MISUSE, "%s: expected a deadline above 0 ms, found %" PRId64, what,
                       deadline_ms);
    else if (!waiter->taken && !waiter->served)
        (void)pti_fail(&error, PINTLE_ERR_NETWORK,
                       "%s: the deadline has passed while another refresh, or a sending of reports, was under way",
                       what);
    else
        return PINTLE_OK;
    return leave(client, waiter->taken, &error);
}

enum pintle_status pti_client_begin(struct pintle_client *client, const char *what, int64_t deadline_ms,
                                    int64_t *deadline)
{
    struct waiter waiter = {.wish = 0};
    enum pintle_status status = begin(client, what, deadline_ms, &waiter);

    *deadline = waiter.deadline;
    return status;
}

enum pintle_status pti_client_begin_heal(struct pintle_client *client, uint64_t wish, int64_t deadline_ms,
                                         int64_t *deadline, bool *served)
{
    struct waiter waiter = {.wish = wish};
    enum pintle_status status = begin(client, "heal", deadline_ms, &waiter);

    *deadline = waiter.deadline;
    *served = waiter.served;
    return status;
}

enum pintle_status pti_client_end(struct pintle_client *client, const struct pti_error *error)
{
    return leave(client, true, error);
}

enum pintle_status pti_client_end_served(struct pintle_client *client, const struct pti_error *error)
{
    return leave(client, false, error);
}
