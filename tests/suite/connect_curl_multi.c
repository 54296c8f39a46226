/* SPDX-License-Identifier: Apache-2.0 */
/* libpintle-curl, with every transfer on a multi handle. */
#define CONNECT_MULTI
#include "connect_curl.c"
