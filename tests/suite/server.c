/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void server_exchange(void *connection, ssize_t (*write)(void *connection, const void *bytes, size_t size),
                     ssize_t (*read)(void *connection, void *bytes, size_t size))
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    char request[4096];
    size_t used = 0;

    while (used + 1 < sizeof request) {
        ssize_t count = read(connection, request + used, sizeof request - used - 1);

        if (count <= 0)
            return;
        used += (size_t)count;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    printf("%.*s\n", (int)strcspn(request, "\r\n"), request);
    (void)write(connection, answer, sizeof answer - 1);
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    printf("port %u\n", (unsigned)ntohs(address.sin_port));
    return fd;
}

int main(int argc, char **argv)
{
    const struct timeval patience = {.tv_sec = 10};
    int listener, fd;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3 || !server.start(argv[1], argv[2]) || (listener = listen_anywhere()) < 0) {
        (void)fprintf(stderr, "usage: %s CHAIN KEY; or they cannot be served\n", argv[0]);
        return 1;
    }
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        server.serve(fd);
        close(fd);
    }
    return 0;
}
