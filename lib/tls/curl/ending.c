/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl tells the addresses of the connection it is about to use, but neither its socket (CURLINFO_ACTIVESOCKET is that of
 * the transfer before) nor lets it be closed.  The four numbers name one TCP connection of this machine: it is looked for
 * among the process's descriptors, which is slow and seldom.
 */
#include "tls/curl/ending.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 65536L

typedef int (*name_fn)(int fd, struct sockaddr *address, socklen_t *size);

static bool is_end(int fd, name_fn name, const char *ip, int port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size = sizeof(address);
    char text[INET6_ADDRSTRLEN];
    const char *written = NULL;
    int number = -1;

    if (name(fd, &address.any, &size) != 0)
        return false;
    if (address.any.sa_family == AF_INET) {
        written = inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof(text));
        number = ntohs(address.v4.sin_port);
    } else if (address.any.sa_family == AF_INET6) {
        written = inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof(text));
        number = ntohs(address.v6.sin6_port);
    }
    return written != NULL && number == port && strcmp(written, ip) == 0;
}

void pti_curl_end_connection(const char *peer, int peer_port, const char *local, int local_port)
{
    long count = sysconf(_SC_OPEN_MAX);

    if (peer == NULL || local == NULL || peer_port <= 0 || local_port <= 0)
        return;
    if (count < 0 || count > DESCRIPTORS_MAX)
        count = DESCRIPTORS_MAX;
    for (int fd = 0; fd < (int)count; fd++) {
        if (is_end(fd, getpeername, peer, peer_port) && is_end(fd, getsockname, local, local_port)) {
            (void)shutdown(fd, SHUT_RDWR);
            return;
        }
    }
}
