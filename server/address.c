/* SPDX-License-Identifier: Apache-2.0 */
#include "server/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report/network.h"
#include "server/limits.h"

#define HOST_SIZE 64

static bool parse_port(const char *text, in_port_t *port)
{
    unsigned long value = 0;

    if (!*text || strlen(text) > 5)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned long)(*text - '0');
    }
    *port = htons((uint16_t)value);
    return value <= UINT16_MAX;
}

/* Splits at the last colon; brackets go. */
static bool split(const char *text, char host[HOST_SIZE], in_port_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;

    if (!colon || length == 0 || length >= HOST_SIZE || !parse_port(colon + 1, port))
        return false;
    if (text[0] == '[') {
        if (text[length - 1] != ']')
            return false;
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return false; /* IPv6 without brackets: which colon is which? */
    }
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

enum pintle_status pti_address_parse(const char *text, struct pti_address *address, struct pti_error *error)
{
    char host[HOST_SIZE];
    in_port_t port = 0;

    memset(address, 0, sizeof *address);
    if (split(text, host, &port)) {
        if (strcmp(host, "localhost") == 0)
            memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
        if (inet_pton(AF_INET, host, &address->socket.v4.sin_addr) == 1) {
            address->socket.v4.sin_family = AF_INET;
            address->socket.v4.sin_port = port;
            address->size = sizeof address->socket.v4;
            return PINTLE_OK;
        }
        memset(address, 0, sizeof *address);
        if (inet_pton(AF_INET6, host, &address->socket.v6.sin6_addr) == 1) {
            address->socket.v6.sin6_family = AF_INET6;
            address->socket.v6.sin6_port = port;
            address->size = sizeof address->socket.v6;
            return PINTLE_OK;
        }
    }
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected an IP address and a port, such as 127.0.0.1:8440 or [::1]:8440, "
                    "found \"%.60s\"",
                    text);
}

bool pti_address_is_loopback(const struct pti_address *address)
{
    if (address->socket.any.sa_family == AF_INET)
        return ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr) != 0;
}

uint64_t pti_address_network(const struct sockaddr *address)
{
    uint8_t bytes[16];

    if (address != NULL && address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return pti_network_v4(bytes);
    }
    if (address != NULL && address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
        return pti_network_v6(bytes);
    }
    return PTI_NETWORK_UNKNOWN;
}

void pti_address_format(const struct pti_address *address, char out[PTI_ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->socket.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->socket.v4.sin_addr, host, sizeof host);
        snprintf(out, PTI_ADDRESS_TEXT_MAX, "%s:%u", host, (unsigned)ntohs(address->socket.v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, host, sizeof host);
        snprintf(out, PTI_ADDRESS_TEXT_MAX, "[%s]:%u", host, (unsigned)ntohs(address->socket.v6.sin6_port));
    }
}

static enum pintle_status fail_listen(const struct pti_address *address, int why, struct pti_error *error)
{
    char text[PTI_ADDRESS_TEXT_MAX];
    const char *hint = "";

    pti_address_format(address, text);
    if (why == EADDRINUSE)
        hint = "; another program listens there: stop it, or choose another port";
    else if (why == EADDRNOTAVAIL)
        hint = "; give an address of this machine";
    else if (why == EACCES)
        hint = "; choose a port from 1024 on";
    return pti_fail(error, PINTLE_ERR_NETWORK, "cannot listen on %s: %s%s", text, strerror(why), hint);
}

enum pintle_status pti_address_listen(struct pti_address *address, int *fd, struct pti_error *error)
{
    static const int on = 1;
    int made = socket(address->socket.any.sa_family, SOCK_STREAM, 0);

    *fd = -1;
    if (made < 0)
        return fail_listen(address, errno, error);
    if (fcntl(made, F_SETFD, FD_CLOEXEC) != 0 || fcntl(made, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(made, &address->socket.any, address->size) != 0 || listen(made, PTI_HTTP_BACKLOG) != 0 ||
        getsockname(made, &address->socket.any, &address->size) != 0) {
        int why = errno;

        close(made);
        return fail_listen(address, why, error);
    }
    *fd = made;
    return PINTLE_OK;
}
