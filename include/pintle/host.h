/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one normaliser of host names: pins, SNI and the name that ordinary validation checks must agree on the host, so
 * every adapter takes its host through here.
 */
#ifndef PINTLE_HOST_H
#define PINTLE_HOST_H

#include <stdbool.h>

#include <pintle/export.h>
#include <pintle/status.h>
#include <pintle/verdict.h>

PINTLE_BEGIN_DECLS

/*
 * Writes the form in which hosts are compared: lower-case A-labels (RFC 5890) without trailing dot; an IPv4 address as
 * four decimal numbers, an IPv6 address as in RFC 5952 without brackets.  *ip says whether text is an address.
 * PINTLE_ERR_INPUT: text is no host name (a port, a wildcard, white space, non-ASCII, an over-long label, an IPv4 address
 * in an unusual form); out is then "" and *ip false.  PINTLE_ERR_MISUSE: a NULL argument.  Any thread.
 */
PINTLE_API enum pintle_status pintle_host_normalise(const char *text, char out[PINTLE_HOST_MAX + 1], bool *ip);

PINTLE_END_DECLS

#endif
