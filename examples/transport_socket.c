/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest over plain HTTP, for devices without libcurl: the manifest is signed, so that who alters it on the way only
 * prevents an update, as who cuts the wire does.  Who listens learns which application this is; use TLS where that matters.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "example.h"

#define ANSWER_MAX (8u << 20)

/* Everything until the server closes, within ANSWER_MAX; NULL if it cannot be had.  The caller frees it. */
static char *exchange(int fd, const char *text, size_t *size)
{
    char *answer = send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) ? malloc(ANSWER_MAX) : NULL;
    ssize_t count = answer != NULL ? 1 : -1;

    for (*size = 0; count > 0 && *size<ANSWER_MAX - 1; *size += count> 0 ? (size_t)count : 0)
        count = recv(fd, answer + *size, ANSWER_MAX - 1 - *size, 0);
    if (count != 0) { /* an error, or too much */
        free(answer);
        return NULL;
    }
    answer[*size] = '\0';
    return answer;
}

static char *fetch(const struct pintle_request *request, size_t *size)
{
    char address[256], port[8] = "80", path[1024] = "", text[2048];
    struct timeval patience = {.tv_sec = (time_t)(request->timeout_ms / 1000 + 1)};
    char *answer = NULL;
    int fd;

    if (strcmp(request->method, "GET") != 0 ||
        (sscanf(request->url, "http://%255[^:/]:%7[0-9]/%1023s", address, port, path) < 2 &&
         sscanf(request->url, "http://%255[^:/]/%1023s", address, path) < 1))
        return NULL;
    fd = example_dial(address, port);
    if (fd < 0)
        return NULL;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    /* HTTP/1.0: the body comes in one piece and ends with the connection; that it is whole, the client sees by itself. */
    if (snprintf(text, sizeof text, "GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n", path, address) < (int)sizeof text)
        answer = exchange(fd, text, size);
    close(fd);
    return answer;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    size_t size = 0;
    char *answer = fetch(request, &size);
    char *body = answer != NULL ? strstr(answer, "\r\n\r\n") : NULL;
    enum pintle_status status = PINTLE_ERR_NETWORK;

    (void)ctx;
    response->retry_after_s = -1;
    if (body != NULL && sscanf(answer, "HTTP/1.%*c %d", &response->status) == 1) {
        body += strlen("\r\n\r\n");
        if (response->status / 100 != 2 ||
            sink->write(sink->ctx, (const uint8_t *)body, size - (size_t)(body - answer)))
            status = PINTLE_OK;
    }
    if (status != PINTLE_OK)
        (void)snprintf(detail, detail_size, "no answer from %s", request->url);
    free(answer);
    return status;
}

enum pintle_status example_transport(struct pintle_transport *transport, const char *ca)
{
    (void)ca;
    *transport = (struct pintle_transport){.size = sizeof *transport, .perform = perform};
    return PINTLE_OK;
}
