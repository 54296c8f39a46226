/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crypto provider that asks the real one and remembers the answers: thousands of starts verify the same few files again
 * and again.  For one thread.
 */
#ifndef PINTLE_TESTS_REPLAY_CRYPTO_H
#define PINTLE_TESTS_REPLAY_CRYPTO_H

#include <pintle/crypto.h>

struct pintle_crypto *replay_crypto(void); /* borrowed; the same for the whole program */
void replay_crypto_clear(void);            /* once no client is left */

#endif
