/* SPDX-License-Identifier: Apache-2.0 */
/* The refresh that a refused connection asked for, for the caller who wants to connect once more. */
#include "client/refresh.h"
#include "client/turn.h"
#include "pin/host.h"

#define HEAL_DEADLINE_MAX_MS 30000

/* By another call.  What it failed of was told as an event, and is the error of this call too. */
static void conclude(struct pintle_client *client, uint64_t wish, struct pti_error *error)
{
    if (pti_live_heal_healed(client->live, wish))
        return;
    (void)pthread_mutex_lock(&client->state);
    *error = client->refresh_error;
    (void)pthread_mutex_unlock(&client->state);
    if (error->status == PINTLE_OK) /* a later refresh has succeeded between the two questions */
        return;
    pti_error_prefix(error, "heal");
}

static enum pintle_status heal(struct pintle_client *client, uint64_t wish, int64_t deadline_ms)
{
    struct pti_error error = {PINTLE_OK, ""};
    enum pintle_status status;
    int64_t deadline;
    bool served;

    status = pti_client_begin_heal(
        client, wish, deadline_ms < HEAL_DEADLINE_MAX_MS ? deadline_ms : HEAL_DEADLINE_MAX_MS, &deadline, &served);
    if (status != PINTLE_OK)
        return status;
    if (served) {
        conclude(client, wish, &error);
        return pti_client_end_served(client, &error);
    }
    (void)pti_refresh(client, deadline, &error);
    return pti_client_end(client, &error);
}

enum pintle_status pintle_client_heal(struct pintle_client *client, const char *host, int64_t deadline_ms)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_host normal;
    uint64_t wish;

    if (client == NULL || host == NULL)
        return PINTLE_ERR_MISUSE;
    if (pti_host_parse(host, &normal, &error) != PINTLE_OK)
        return pti_error_prefix(&error, "heal"), pti_client_fail(client, &error);
    wish = pti_live_wish(client->live, normal.name);
    if (wish != 0)
        return heal(client, wish, deadline_ms);
    (void)pti_fail(&error, PINTLE_ERR_MISUSE,
                   "heal: no check of %s has ended with PINTLE_ERR_RETRY; call it after one that has", normal.name);
    return pti_client_fail(client, &error);
}
