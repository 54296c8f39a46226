/* SPDX-License-Identifier: Apache-2.0 */
#include "faults_sim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "faults.h"

static const struct pintle_transport *transport;
static const struct pintle_store *store;

/* What takes the bytes is the client's own again. */
static bool counted_write(void *ctx, const uint8_t *data, size_t size)
{
    const struct pintle_sink *sink = ctx;
    bool taken;

    faults_resume();
    taken = sink->write(sink->ctx, data, size);
    faults_pause();
    return taken;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct pintle_sink inner = *sink;
    const struct pintle_sink counted = {.write = counted_write, .ctx = &inner};
    enum pintle_status status;

    faults_pause();
    status = transport->perform(ctx, request, &counted, response, detail, detail_size);
    faults_resume();
    return status;
}

static enum pintle_status load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found, char *detail,
                               size_t detail_size)
{
    struct pintle_sink inner = *sink;
    const struct pintle_sink counted = {.write = counted_write, .ctx = &inner};
    enum pintle_status status;

    faults_pause();
    status = store->load(ctx, name, &counted, found, detail, detail_size);
    faults_resume();
    return status;
}

static enum pintle_status save(void *ctx, const char *name, struct pintle_bytes data, char *detail, size_t detail_size)
{
    enum pintle_status status;

    faults_pause();
    status = store->save(ctx, name, data, detail, detail_size);
    faults_resume();
    return status;
}

void faults_sim_use(struct pintle_config *config, struct sim *sim)
{
    struct pintle_transport counted_transport = *sim_transport(sim);
    struct pintle_store counted_store = *sim_store(sim);

    transport = sim_transport(sim);
    store = sim_store(sim);
    counted_transport.perform = perform;
    counted_store.load = load;
    counted_store.save = save;
    assert_int_equal(pintle_config_set_transport(config, &counted_transport), PINTLE_OK);
    assert_int_equal(pintle_config_set_store(config, &counted_store), PINTLE_OK);
}
