/* SPDX-License-Identifier: Apache-2.0 */
/* A client of a simulated repository, and what a test asks of it. */
#ifndef PTI_TESTS_CLIENT_FIXTURE_H
#define PTI_TESTS_CLIENT_FIXTURE_H

#include <pintle/pintle.h>

#include "sim_repository.h"

#define FIXTURE_DEADLINE_MS 10000

struct fixture {
    struct sim *sim;
    struct pintle_config *config;
    struct pintle_client *client;
    struct pintle_checker *checker;
    /* every event since the last fixture_forget_events() */
    unsigned events[PINTLE_EVENT_REPORT + 1];
    char last_message[PINTLE_EVENT_REPORT + 1][2048];
};

/* A new sim in which the zone "main" pins host to key 1; nothing is published yet. */
struct sim *fixture_sim(const char *host);

/* A configuration for sim: its roots of this moment, URL, transport, store and clock.  No client yet. */
void fixture_init(struct fixture *fixture, struct sim *sim);
/* Publishes what sim holds; fixture_init(); a client that has started and refreshed. */
void fixture_begin(struct fixture *fixture, struct sim *sim);
/* Frees the client, the configuration and the sim. */
void fixture_clear(struct fixture *fixture);

/* The application starts, or starts again: a new client over the same store.  Fails the test unless it starts. */
void fixture_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);

/* The app ships the repository's roots (and generation) of this moment from here on. */
void fixture_ship_roots(struct fixture *fixture);
void fixture_ship_generation(struct fixture *fixture);

/* Fails the test unless a refresh succeeds. */
void fixture_refresh(struct fixture *fixture);
/* Fails the test unless a refresh fails with status and its detail contains text. */
void fixture_refresh_fails(struct fixture *fixture, enum pintle_status status, const char *text);

/* The verdict on host when the verified chain is one certificate whose SPKI hash is 32 bytes of seed. */
struct pintle_verdict fixture_check(struct fixture *fixture, const char *host, uint8_t seed);
/* Fails the test unless the host is accepted by a match, or refused as a mismatch (RETRY counts). */
void fixture_accepts(struct fixture *fixture, const char *host, uint8_t seed);
void fixture_refuses(struct fixture *fixture, const char *host, uint8_t seed);

/* The text of a member of pintle_client_info(), or of a number; "" if it is absent. Static buffer. */
const char *fixture_info(struct fixture *fixture, const char *name);
void fixture_forget_events(struct fixture *fixture);

#endif
