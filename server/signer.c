/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/frame.h"
#include "server/limits.h"
#include "server/signer_policy.h"

static const struct pti_signer no_signer = {-1, -1};

static void reap(struct pti_signer *signer)
{
    while (signer->pid > 0 && waitpid(signer->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    signer->pid = -1;
}

void pti_signer_stop(struct pti_signer *signer)
{
    if (signer->socket >= 0)
        close(signer->socket);
    signer->socket = -1;
    reap(signer);
}

/* For one that does not answer: it may never read its socket again. */
static void end(struct pti_signer *signer)
{
    if (signer->pid > 0)
        kill(signer->pid, SIGKILL);
    pti_signer_stop(signer);
}

bool pti_signer_alive(struct pti_signer *signer)
{
    if (signer->pid > 0 && waitpid(signer->pid, NULL, WNOHANG) == signer->pid)
        signer->pid = -1;
    if (signer->pid < 0)
        pti_signer_stop(signer);
    return signer->pid > 0;
}

static enum pintle_status receive(struct pti_signer *signer, struct pti_resigned *resigned, struct pti_error *error)
{
    struct pti_buf reply;
    enum pintle_status status = PINTLE_ERR_NETWORK;

    pti_buf_init(&reply, PTI_SIGNER_REPLY_MAX);
    status = pti_frame_read(signer->socket, &reply, error);
    if (status == PINTLE_OK)
        status = pti_signer_reply_read(pti_buf_bytes(&reply), resigned, error);
    pti_buf_clear(&reply);
    if (status != PINTLE_OK && status != PINTLE_ERR_TRUST) {
        end(signer);
        error->status = PINTLE_ERR_NETWORK;
        return pti_error_prefix(error, "the signer");
    }
    return status;
}

static bool set_timeout(int socket)
{
    struct timeval timeout = {.tv_sec = PTI_SIGNER_TIMEOUT_S};

    return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
           setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0;
}

enum pintle_status pti_signer_start(const char *repository, const char *keys, struct pti_signer *signer,
                                    struct pti_error *error)
{
    struct pti_resigned nothing;
    int sockets[2];
    enum pintle_status status = PINTLE_ERR_NETWORK;

    *signer = no_signer;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return pti_fail(error, PINTLE_ERR_NETWORK, "no socket pair for the signer: %s", strerror(errno));
    signer->pid = fork();
    if (signer->pid == 0) {
        close(sockets[0]);
        _exit(pti_signer_process(sockets[1], repository, keys));
    }
    close(sockets[1]);
    signer->socket = sockets[0];
    if (signer->pid < 0 || !set_timeout(signer->socket)) {
        int why = errno;

        pti_signer_stop(signer);
        return pti_fail(error, PINTLE_ERR_NETWORK, "the signer cannot be started: %s", strerror(why));
    }
    /* Its first message, unasked, is a reply to nothing: whether it is ready. */
    status = receive(signer, &nothing, error);
    if (status != PINTLE_OK)
        pti_signer_stop(signer);
    return status;
}

enum pintle_status pti_signer_ask(struct pti_signer *signer, const struct pti_published *published,
                                  int64_t timestamp_version, int64_t snapshot_version, struct pti_resigned *resigned,
                                  struct pti_error *error)
{
    struct pti_buf request;
    enum pintle_status status = PINTLE_ERR_NETWORK;

    memset(resigned, 0, sizeof *resigned);
    if (!pti_signer_alive(signer))
        return pti_fail(error, PINTLE_ERR_NETWORK, "the signer has died; restart pintled");
    status = pti_signer_request_write(published, timestamp_version, snapshot_version, &request, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_frame_write(signer->socket, pti_buf_bytes(&request), error);
    pti_buf_clear(&request);
    if (status != PINTLE_OK) {
        end(signer);
        return pti_error_prefix(error, "the signer");
    }
    return receive(signer, resigned, error);
}
