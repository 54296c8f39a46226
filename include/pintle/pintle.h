/* SPDX-License-Identifier: Apache-2.0 */
/* All of libpintle.  TLS adapters and transports have headers of their own. */
#ifndef PINTLE_PINTLE_H
#define PINTLE_PINTLE_H

#include <pintle/checker.h>
#include <pintle/client.h>
#include <pintle/config.h>
#include <pintle/host.h>
#include <pintle/version.h>

#endif
