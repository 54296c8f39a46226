/* SPDX-License-Identifier: Apache-2.0 */
/* Where to listen: "127.0.0.1:8440", "[::1]:8440", "localhost:8440" (which is 127.0.0.1).  No names are resolved. */
#ifndef PTI_SERVER_ADDRESS_H
#define PTI_SERVER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

#define PTI_ADDRESS_TEXT_MAX 64

struct pti_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    socklen_t size;
};

/* PINTLE_ERR_INPUT says what was expected. */
enum pintle_status pti_address_parse(const char *text, struct pti_address *address, struct pti_error *error);
bool pti_address_is_loopback(const struct pti_address *address);
/* As report/network.h has it; NULL, or of another family: PTI_NETWORK_UNKNOWN. */
uint64_t pti_address_network(const struct sockaddr *address);
/* "127.0.0.1:8440", "[::1]:8440" */
void pti_address_format(const struct pti_address *address, char out[PTI_ADDRESS_TEXT_MAX]);
/*
 * Binds and listens; port 0 becomes the port that the system chose.  On success the caller closes *fd.
 * PINTLE_ERR_NETWORK: the port is in use, the address is not of this machine, no permission; each says what to do.
 */
enum pintle_status pti_address_listen(struct pti_address *address, int *fd, struct pti_error *error);

#endif
