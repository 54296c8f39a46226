/* SPDX-License-Identifier: Apache-2.0 */
/* What an application sets up around a client, with each allocation failing once. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"
#include "faults.h"

#define HOST "api.example.com"

static enum pintle_status configure(struct pintle_config *config, struct pintle_bytes roots, int step)
{
    switch (step) {
    case 0:
        return pintle_config_set_roots_mem(config, roots);
    case 1:
        return pintle_config_add_url(config, SIM_URL);
    case 2:
        return pintle_config_require_host(config, "required.example.com");
    default:
        return pintle_config_set_app(config, "com.example.bank", "1.2.3");
    }
}

static void test_configuration(void **state)
{
    struct sim *sim = fixture_sim(HOST);
    struct pintle_bytes roots = sim_roots(sim);
    bool more = true;

    (void)state;
    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        struct pintle_config *config = NULL;
        enum pintle_status status;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_config_new(&config);
        assert_true(status == PINTLE_OK ? config != NULL : status == PINTLE_ERR_MEMORY && config == NULL);
        if (status != PINTLE_OK)
            assert_int_equal(pintle_config_new(&config), PINTLE_OK);
        for (int step = 0; step < 4; step++) {
            status = configure(config, roots, step);
            if (status != PINTLE_OK) {
                assert_int_equal(status, PINTLE_ERR_MEMORY);
                assert_string_not_equal(pintle_config_error(config), "");
                assert_int_equal(configure(config, roots, step), PINTLE_OK);
            }
        }
        more = faults_disarm();
        pintle_config_free(config);
    }
    pti_bytes_free(&roots);
    sim_free(sim);
}

static void test_store_and_thread(void **state)
{
    struct pintle_store store;
    struct fixture fixture;
    char detail[256];
    bool more = true;

    (void)state;
    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        enum pintle_status status;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_store_posix_init(&store, "/tmp", detail, sizeof detail);
        more = faults_disarm();
        assert_true(status == PINTLE_OK ? store.ctx != NULL : status == PINTLE_ERR_MEMORY && store.ctx == NULL);
        if (status == PINTLE_OK)
            store.free(store.ctx);
    }
    fixture_begin(&fixture, fixture_sim(HOST));
    faults_arm(FAULTS_MEMORY, 0, FAULTS_FAIL, 0);
    assert_int_equal(pintle_client_start(fixture.client), PINTLE_ERR_MEMORY);
    assert_true(faults_disarm());
    assert_int_equal(pintle_client_start(fixture.client), PINTLE_OK);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_store_and_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
