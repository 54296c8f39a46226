/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that an application keeps as bytes, with the evidence of their handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tls/envelope.h"

static struct pti_tls_envelope envelope_of(const char *host, uint8_t count, struct pintle_bytes session)
{
    struct pti_tls_envelope envelope = {.library = 'x', .evidence = {.count = count, .of = PINTLE_OF_SPKI}};

    memcpy(envelope.host, host, strlen(host) + 1);
    for (uint8_t i = 0; i < count; i++)
        memset(envelope.evidence.spki[i], i + 1, PINTLE_SHA256_SIZE);
    envelope.session = session;
    return envelope;
}

static struct pintle_bytes write(const struct pti_tls_envelope *envelope, uint8_t *out)
{
    size_t size = pti_tls_envelope_head(envelope, out);

    assert_true(size <= PTI_TLS_ENVELOPE_HEAD_MAX);
    memcpy(out + size, envelope->session.data, envelope->session.size);
    return (struct pintle_bytes){out, size + envelope->session.size};
}

static void what_was_written_is_read(void **state)
{
    static const uint8_t session[] = "a session";
    static const uint8_t counts[] = {1, PINTLE_CHAIN_MAX};
    char longest[PINTLE_HOST_MAX + 1];
    const char *const hosts[] = {"a.test", longest};

    (void)state;
    memset(longest, 'a', PINTLE_HOST_MAX);
    longest[PINTLE_HOST_MAX] = '\0';
    for (size_t i = 0; i < 2; i++) {
        struct pti_tls_envelope envelope = envelope_of(hosts[i], counts[i],
                                                       (struct pintle_bytes){session, sizeof session});
        uint8_t out[PTI_TLS_ENVELOPE_HEAD_MAX + sizeof session];
        struct pintle_bytes bytes = write(&envelope, out);
        struct pti_tls_envelope read;

        assert_int_equal(pti_tls_envelope_read(bytes, 'x', &read), PINTLE_OK);
        assert_string_equal(read.host, hosts[i]);
        assert_memory_equal(&read.evidence, &envelope.evidence, sizeof read.evidence);
        assert_int_equal(read.session.size, sizeof session);
        assert_memory_equal(read.session.data, session, sizeof session);
        assert_int_equal(pti_tls_envelope_read(bytes, 'y', &read), PINTLE_ERR_INPUT);
        assert_string_equal(read.host, "");
    }
}

/* Libraries read their sessions trustingly: nothing damaged may come as far as that. */
static void damage_is_found(void **state)
{
    static const uint8_t session[] = "a session";
    struct pti_tls_envelope envelope = envelope_of("a.test", 2, (struct pintle_bytes){session, sizeof session}), read;
    uint8_t out[PTI_TLS_ENVELOPE_HEAD_MAX + sizeof session + 1];
    struct pintle_bytes bytes = write(&envelope, out), longer = {out, bytes.size + 1};

    (void)state;
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(pti_tls_envelope_read((struct pintle_bytes){out, size}, 'x', &read), PINTLE_ERR_INPUT);
    for (size_t i = 0; i < bytes.size; i++) {
        out[i] ^= 0x20;
        assert_int_equal(pti_tls_envelope_read(bytes, 'x', &read), PINTLE_ERR_INPUT);
        out[i] ^= 0x20;
    }
    out[bytes.size] = 0;
    assert_int_equal(pti_tls_envelope_read(longer, 'x', &read), PINTLE_ERR_INPUT);
    assert_int_equal(pti_tls_envelope_read((struct pintle_bytes){NULL, 0}, 'x', &read), PINTLE_ERR_INPUT);
    assert_int_equal(pti_tls_envelope_read(bytes, 'x', &read), PINTLE_OK);
}

/* The sum is right, what it sums up is not. */
static void nonsense_is_not_read(void **state)
{
    static const uint8_t session[] = "a session";
    const struct pintle_bytes none = {session, 0}, some = {session, sizeof session};
    struct pti_tls_envelope cases[] = {envelope_of("", 1, some), envelope_of("a.test", 1, none)}, read;
    uint8_t out[PTI_TLS_ENVELOPE_HEAD_MAX + sizeof session];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pti_tls_envelope_read(write(&cases[i], out), 'x', &read), PINTLE_ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(nonsense_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
