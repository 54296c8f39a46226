/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated machine for a client that meets faults: what the machine itself does neither fails nor counts. */
#ifndef PTI_TESTS_FAULTS_SIM_H
#define PTI_TESTS_FAULTS_SIM_H

#include <pintle/config.h>

#include "sim_repository.h"

/*
 * Gives config the transport and the store of sim, behind faults_pause().  For the one sim of the running test: it must
 * be given again when a next one begins.
 */
void faults_sim_use(struct pintle_config *config, struct sim *sim);

/*
 * Gives config a provider that asks the one of sim once for each key and each signature, and remembers what it said:
 * thousands of runs over the same few signatures then cost little.  Each key and each verification is one allocation that
 * can fail.  For one thread.
 */
void faults_sim_use_crypto(struct pintle_config *config, struct sim *sim);

#endif
