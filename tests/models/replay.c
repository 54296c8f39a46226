/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "client/client.h"
#include "client_fixture.h"
#include "replay_crypto.h"
#include "replay_files.h"
#include "tuf/container.h"

/* The network as one client sees it: the simulated one, with the attacker and the other process in between. */
struct line {
    struct replay *replay;
    int client;
    struct pintle_transport transport;
    struct model_poll poll; /* what it is to answer */
    int made;
    enum pintle_status raced;
};

struct replay {
    struct sim *sim;
    struct replay_files files;
    const struct model *world; /* of the step at hand */
    struct fixture clients[MODEL_CLIENTS];
    struct line lines[MODEL_CLIENTS];
    struct pintle_bytes backup;
};

static char difference[1024];

static const char *differs(const char *format, ...) PTI_PRINTF(1, 2);

static const char *differs(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(difference, sizeof difference, format, args);
    va_end(args);
    return difference;
}

/* ---- the network ---- */

static enum pintle_status refresh(struct replay *replay, int client, const struct model_poll *poll)
{
    replay->lines[client].poll = *poll;
    replay->lines[client].made = 0;
    return pintle_client_refresh(replay->clients[client].client, FIXTURE_DEADLINE_MS);
}

/* Puts the file that this line answers with where the simulated network looks for it. */
static void put_answer(struct line *line, const char *url)
{
    struct replay *replay = line->replay;
    const char *path = url + strlen(SIM_URL);
    struct pintle_bytes bytes;

    if (strncmp(path, "head/", 5) == 0)
        bytes = replay_head(&replay->files, replay->world, &line->poll, (int)strtol(path + 5, NULL, 10));
    else if (strncmp(path, "body/", 5) == 0)
        bytes = replay_body(&replay->files, replay->world, &line->poll);
    else
        return;
    sim_put(replay->sim, path, bytes);
    pti_bytes_free(&bytes);
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct line *line = ctx;
    struct replay *replay = line->replay;
    const struct pintle_transport *transport = sim_transport(replay->sim);
    int other = 1 - line->client;

    if (++line->made == line->poll.race) {
        struct model_poll honest = {.client = other,
                                    .root = replay->world->root_count,
                                    .timestamp = replay->world->now_timestamp,
                                    .requests = -1};
        line->raced = refresh(replay, other, &honest);
    }
    if (line->poll.requests >= 0 && line->made > line->poll.requests) {
        (void)pti_copy_text(detail, detail_size, "blocked");
        return PINTLE_ERR_NETWORK;
    }
    put_answer(line, request->url);
    return transport->perform(transport->ctx, request, sink, response, detail, detail_size);
}

/* ---- life ---- */

struct replay *replay_new(void)
{
    struct replay *replay = calloc(1, sizeof *replay);

    assert_non_null(replay);
    replay->sim = sim_new();
    replay_files_init(&replay->files, replay_crypto());
    for (int i = 0; i < MODEL_CLIENTS; i++) {
        struct line *line = &replay->lines[i];
        *line = (struct line){.replay = replay, .client = i, .transport = *sim_transport(replay->sim)};
        line->transport.ctx = line;
        line->transport.perform = perform;
        line->transport.cancel = NULL;
    }
    return replay;
}

void replay_free(struct replay *replay)
{
    for (int i = 0; i < MODEL_CLIENTS; i++) {
        fixture_stop(&replay->clients[i]);
        pintle_config_free(replay->clients[i].config);
    }
    pti_bytes_free(&replay->backup);
    replay_files_clear(&replay->files);
    sim_free(replay->sim);
    free(replay);
}

static void configure(struct replay *replay, int client)
{
    struct fixture *fixture = &replay->clients[client];
    const struct model *world = replay->world;
    struct pintle_bytes roots = replay_roots(&replay->files, world, world->app.roots);

    fixture_stop(fixture);
    pintle_config_free(fixture->config);
    fixture_init(fixture, replay->sim);
    assert_int_equal(pintle_config_set_roots_mem(fixture->config, roots), PINTLE_OK);
    assert_int_equal(pintle_config_set_crypto(fixture->config, replay_crypto()), PINTLE_OK);
    assert_int_equal(pintle_config_set_transport(fixture->config, &replay->lines[client].transport), PINTLE_OK);
    pti_bytes_free(&roots);
    if (world->app.shipped == 0)
        return;
    roots = replay_shipped(&replay->files, world, world->app.shipped, world->app.shipped_root);
    assert_int_equal(pintle_config_set_shipped_mem(fixture->config, roots), PINTLE_OK);
    pti_bytes_free(&roots);
}

/* ---- deeds ---- */

static const char *check_poll(const struct replay *replay, const struct model_poll *poll, enum pintle_status found)
{
    static const enum pintle_status wanted[] = {PINTLE_OK, PINTLE_ERR_NETWORK, PINTLE_ERR_TRUST, PINTLE_ERR_STORAGE};
    static const enum pintle_event_kind told[] = {PINTLE_EVENT_UP_TO_DATE, PINTLE_EVENT_FETCH_FAILED,
                                                  PINTLE_EVENT_REJECTED, PINTLE_EVENT_STORAGE};
    const struct fixture *fixture = &replay->clients[poll->client];
    char detail[512];

    (void)pintle_client_error(fixture->client, detail, sizeof detail);
    if (found != wanted[poll->outcome])
        return differs("client %d: the poll should end with %s, and ends with %s: %s", poll->client,
                       pintle_status_name(wanted[poll->outcome]), pintle_status_name(found), detail);
    if (fixture->events[told[poll->outcome]] + (found == PINTLE_OK ? fixture->events[PINTLE_EVENT_APPLIED] : 0) == 0)
        return differs("client %d: no event tells how the poll ended", poll->client);
    if (poll->race > 0 && poll->made >= poll->race && replay->lines[poll->client].raced != wanted[poll->raced])
        return differs("client %d: the poll in between should end with %s, and ends with %s", 1 - poll->client,
                       pintle_status_name(wanted[poll->raced]), pintle_status_name(replay->lines[poll->client].raced));
    return NULL;
}

static const char *do_poll(struct replay *replay, const struct model_poll *poll)
{
    fixture_forget_events(&replay->clients[poll->client]);
    return check_poll(replay, poll, refresh(replay, poll->client, poll));
}

static void damage(struct replay *replay, enum model_damage what)
{
    static const struct pintle_bytes nothing = {NULL, 0};
    struct pintle_bytes rubbish = pti_bytes_text("rubbish");

    switch (what) {
    case MODEL_LOSE_ROOTS:
        sim_store_put(replay->sim, "roots", nothing);
        return;
    case MODEL_DAMAGE_ROOTS:
        sim_store_put(replay->sim, "roots", rubbish);
        return;
    case MODEL_DAMAGE_ACCEPTED:
        sim_store_put(replay->sim, "accepted", rubbish);
        return;
    case MODEL_DELETE:
        sim_store_clear(replay->sim);
        return;
    case MODEL_BACK_UP:
        pti_bytes_free(&replay->backup);
        assert_int_equal(pti_bytes_copy(sim_store_get(replay->sim, "accepted"), &replay->backup), PINTLE_OK);
        return;
    case MODEL_RESTORE:
        sim_store_put(replay->sim, "accepted", replay->backup);
        return;
    case MODEL_DAMAGES:
        return;
    }
}

static const char *do_deed(struct replay *replay, const struct model_deed *deed)
{
    switch (deed->kind) {
    case MODEL_STARTED:
        if (replay->clients[deed->value].config == NULL)
            configure(replay, deed->value);
        fixture_start(&replay->clients[deed->value]);
        return NULL;
    case MODEL_POLLED:
        return do_poll(replay, &deed->poll);
    case MODEL_WRITES:
        sim_store_fail_after(replay->sim, deed->value);
        return NULL;
    case MODEL_APP:
        for (int i = 0; i < MODEL_CLIENTS; i++)
            configure(replay, i);
        return NULL;
    case MODEL_CLOCK:
        sim_set_wall_clock(replay->sim, SIM_START + deed->value * SIM_DAY);
        return NULL;
    case MODEL_STORE:
        damage(replay, (enum model_damage)deed->value);
        return NULL;
    }
    return NULL;
}

/* ---- comparing ---- */

static const char *check_host(const struct replay *replay, int which, int host, bool below)
{
    static const enum pintle_reason reasons[] = {PINTLE_REASON_UNLISTED, PINTLE_REASON_STORE_UNVERIFIED,
                                                 PINTLE_REASON_MISMATCH, PINTLE_REASON_NO_USABLE_PIN,
                                                 PINTLE_REASON_SHIPPED_TOO_OLD};
    struct model_verdict wanted = model_check(replay->world, &replay->world->clients[which], host, below);
    int seeds[] = {wanted.zone_pin, wanted.charter_pin, MODEL_CHARTER_PIN, MODEL_THIEF_PIN, 1, 2, 3, 250};
    char name[80];

    (void)snprintf(name, sizeof name, "%s%s", below ? "www." : "", replay_hosts[host]);
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI | PINTLE_OF_CERT};
        bool match = wanted.answer == MODEL_PINNED && (seeds[i] == wanted.zone_pin || seeds[i] == wanted.charter_pin);
        enum pintle_reason reason = match ? PINTLE_REASON_MATCHED : reasons[wanted.answer];
        struct pintle_verdict verdict;

        if (seeds[i] == 0)
            continue;
        memset(evidence.spki[0], seeds[i], sizeof evidence.spki[0]);
        (void)pintle_checker_peek(replay->clients[which].checker, name, &evidence, &verdict);
        if (verdict.reason != reason)
            return differs("client %d: %s with key %d: expected %s, found %s", which, name, seeds[i],
                           pintle_reason_name(reason), pintle_reason_name(verdict.reason));
    }
    return NULL;
}

static bool number_is(const struct pti_json_value *info, const char *name, int64_t wanted)
{
    int64_t found = 0;

    (void)pti_json_as_integer(pti_json_member(info, name), &found);
    return found == wanted;
}

static const char *check_info(const struct replay *replay, int which, const struct pti_json_value *info)
{
    static const char *const states[] = {"none", "unverified", "stale", "fresh"};
    const struct model_client *client = &replay->world->clients[which];
    const char *state = states[model_state(replay->world, client)];
    int timestamp = client->force.timestamp;
    int charter = model_targets_of(replay->world, model_ruling(replay->world, &client->force))->charter;
    struct pintle_bytes found = {NULL, 0};
    bool shipped = false;

    (void)pti_json_as_string(pti_json_member(info, "state"), &found);
    (void)pti_json_as_bool(pti_json_member(info, "shipped"), &shipped);
    if (!pti_bytes_equal_text(found, state))
        return differs("client %d: expected the state %s, found %.*s", which, state, (int)found.size,
                       (const char *)found.data);
    if (!number_is(info, "root", client->roots) ||
        !number_is(info, "timestamp", replay->world->timestamps[timestamp].version) ||
        !number_is(info, "charter", charter))
        return differs("client %d: other versions: expected root %d, timestamp %d, charter %d", which, client->roots,
                       replay->world->timestamps[timestamp].version, charter);
    if (shipped != (client->force.shipped != 0))
        return differs("client %d: shipped should be %d", which, client->force.shipped);
    return NULL;
}

/* What a generation carries along from those before it. */
static const char *check_inherited(const struct replay *replay, int which)
{
    const struct model_generation *wanted = &replay->world->clients[which].force;
    const struct pti_generation *found = replay->clients[which].client->accepted;
    size_t past = 0;

    if (wanted->timestamp == 0 || found == NULL)
        return found == NULL && wanted->timestamp == 0 ? NULL : differs("client %d: holds nothing, or should", which);
    if (found->issued != (wanted->issued < 0 ? -1 : SIM_START + wanted->issued * SIM_DAY))
        return differs("client %d: binds another issue time than day %d", which, wanted->issued);
    for (int z = 0; z < MODEL_ZONES; z++)
        past += wanted->past_version[z] != 0;
    if (found->past_zone_count != past)
        return differs("client %d: expected %zu dropped zones, found %zu", which, past, found->past_zone_count);
    for (size_t i = 0; i < past; i++)
        if (found->past_zones[i].version != wanted->past_version[0] &&
            found->past_zones[i].version != wanted->past_version[1])
            return differs("client %d: remembers another version of a dropped zone", which);
    return NULL;
}

static const char *check_client(const struct replay *replay, int which)
{
    static char text[65536];
    struct pti_json *json;
    const char *found;

    (void)pintle_client_info(replay->clients[which].client, text, sizeof text);
    assert_int_equal(pti_json_parse(pti_bytes_text(text), &json, NULL), PINTLE_OK);
    found = check_info(replay, which, pti_json_root(json));
    pti_json_free(json);
    if (found == NULL)
        found = check_inherited(replay, which);
    for (int host = 0; host < MODEL_ZONES && found == NULL; host++) {
        found = check_host(replay, which, host, false);
        if (found == NULL)
            found = check_host(replay, which, host, true);
    }
    return found;
}

static const char *check_store(struct replay *replay)
{
    const struct model_store *store = &replay->world->store;
    struct pintle_bytes roots = sim_store_get(replay->sim, "roots");
    struct pintle_bytes accepted = sim_store_get(replay->sim, "accepted");
    struct pintle_bytes timestamp = {NULL, 0}, wanted;
    struct pti_container container = {NULL, 0};
    bool same;

    if (!store->roots_bad && roots.size > 0)
        assert_int_equal(pti_container_parse(roots, &container, NULL), PINTLE_OK);
    if (!store->roots_bad && container.count != (size_t)store->roots) {
        pti_container_clear(&container);
        return differs("the store should hold %d roots", store->roots);
    }
    pti_container_clear(&container);
    if (store->accepted_bad)
        return NULL;
    if (store->accepted.timestamp == 0 || accepted.size == 0)
        return store->accepted.timestamp == 0 && accepted.size == 0 ? NULL : differs("accepted is there, or is not");
    wanted = replay_timestamp(&replay->files, replay->world, store->accepted.timestamp);
    assert_int_equal(pti_container_parse(accepted, &container, NULL), PINTLE_OK);
    same = pti_container_find(&container, "timestamp.json", &timestamp) && pti_bytes_equal(timestamp, wanted);
    pti_container_clear(&container);
    return same ? NULL : differs("the store should hold timestamp %d", store->accepted.timestamp);
}

const char *replay_step(struct replay *replay, const struct model *world, const struct model_deeds *deeds)
{
    const char *found = NULL;

    replay->world = world;
    for (size_t i = 0; i < deeds->count && found == NULL; i++)
        found = do_deed(replay, &deeds->items[i]);
    for (int i = 0; i < MODEL_CLIENTS && found == NULL; i++)
        found = check_client(replay, i);
    return found == NULL ? check_store(replay) : found;
}
