/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto provider that a test runs over.  Everything that verifies takes it from here, so that one suite covers every
 * provider: PINTLE_TEST_CRYPTO is its name ("openssl" if unset), and ctest runs the programs of CMakeLists.txt once for
 * each, "unit.test_x" and "unit.test_x@mbedtls".
 */
#ifndef PTI_TESTS_PROVIDERS_H
#define PTI_TESTS_PROVIDERS_H

#include "base/crypto.h"

enum pintle_status provider_new(struct pintle_crypto **crypto);

/* Can it verify keys of this kind? */
bool provider_takes(enum pti_key_kind kind);
/* kind, or P-256 instead of what it cannot verify: for tests to which the kind is all the same. */
enum pti_key_kind provider_kind(enum pti_key_kind kind);
/* The test prints what it leaves out with this provider, and why. */
void provider_leaves_out(const char *what, const char *why);

#endif
