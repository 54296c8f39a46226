/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends reports to a collector as fast as it answers: bench_post PORT CONNECTIONS BATCH SECONDS [FIRST].  Each
 * connection is a thread with one request under way, kept alive; every report is about 1 KB and has an id of its own.
 * Prints what was acknowledged, what was deferred, and how long each request took, in milliseconds, one number a
 * line.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define BATCH_MAX 64
#define TIMES_MAX (1 << 20)
#define REPORT_MAX 1100

static int port, batch;
static double end;

struct sender {
    pthread_t thread;
    uint64_t number; /* of its next report */
    unsigned long acknowledged, deferred, failed;
    float *times;
    size_t time_count;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What a client sends whose host has an unknown key: hosts, keys and devices vary as in a fleet. */
static int write_report(char *out, uint64_t number)
{
    static const char hash[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    return snprintf(
        out, REPORT_MAX,
        "{\"v\":1,\"type\":\"tls.cert.pinned_key_not_in_cert_chain\",\"host\":\"api%u.example.com\",\"port\":443,"
        "\"date-time\":\"2026-11-21T20:00:00Z\",\"noted-hostname\":\"example.com\",\"include-subdomains\":true,"
        "\"enforce\":true,\"known-pins\":[\"%s\",\"%s\",\"%s\"],\"manifest\":{\"zone\":\"main\",\"version\":%u,"
        "\"charter\":3,\"age_s\":1800,\"expires\":\"2026-11-24T20:00:00Z\"},\"chain-spki\":[\"%s\",\"%s\",\"%s\"],"
        "\"leaf\":{\"nb\":\"2026-11-01T00:00:00Z\",\"na\":\"2027-01-01T00:00:00Z\",\"san_match\":true,\"scts\":2},"
        "\"platform-verify\":\"ok\",\"net\":{\"type\":\"wifi\",\"captive\":false,\"vpn\":false,\"proxy\":false},"
        "\"clock_skew_s\":3,\"recovery\":{\"tried\":true,\"ok\":false},\"app\":{\"id\":\"com.example.app\","
        "\"ver\":\"4.%u.0\",\"os\":\"android\",\"os_ver\":\"14\"},\"id\":\"%016llx%016llx\",\"adapter\":\"openssl\","
        "\"reason\":\"mismatch\",\"pin-source\":\"stored\",\"weight\":100,\"success_since_last\":412,\"hll\":[%u,%u]}",
        (unsigned)(number % 10), hash, hash, hash, 40 + (unsigned)(number % 2), hash, hash, hash,
        (unsigned)(number / 10 % 5), (unsigned long long)(number * UINT64_C(0x9e3779b97f4a7c15)),
        (unsigned long long)number, (unsigned)(number * 2654435761u >> 20) & 4095, 1 + (unsigned)(number % 7));
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static size_t write_request(char *out, struct sender *sender)
{
    char body[BATCH_MAX * (REPORT_MAX + 1) + 2];
    size_t size = 0, head;

    if (batch > 1)
        body[size++] = '[';
    for (int i = 0; i < batch; i++) {
        if (i > 0)
            body[size++] = ',';
        size += (size_t)write_report(body + size, sender->number++);
    }
    if (batch > 1)
        body[size++] = ']';
    head = (size_t)sprintf(out,
                           "POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           size);
    memcpy(out + head, body, size);
    return head + size;
}

/* The status of an answer without a body, or with one that came along; 0 if there is none. */
static int talk(int fd, const char *request, size_t size)
{
    char answer[4096];
    ssize_t got;

    while (size > 0) {
        ssize_t sent = send(fd, request, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return 0;
        request += sent;
        size -= (size_t)sent;
    }
    got = recv(fd, answer, sizeof answer - 1, 0);
    if (got <= 12)
        return 0;
    answer[got] = '\0';
    return atoi(answer + 9);
}

static void *run(void *arg)
{
    struct sender *sender = arg;
    char *request = malloc(BATCH_MAX * (REPORT_MAX + 1) + 512);
    int fd = dial();

    while (now() < end) {
        size_t size = write_request(request, sender);
        double began = now();
        int status = fd < 0 ? 0 : talk(fd, request, size);

        if (sender->time_count < TIMES_MAX)
            sender->times[sender->time_count++] = (float)((now() - began) * 1000);
        sender->acknowledged += status == 202 ? (unsigned long)batch : 0;
        sender->deferred += status == 429 || status == 503;
        sender->failed += status != 202 && status != 429 && status != 503;
        if (status == 202)
            continue;
        close(fd);
        fd = dial();
    }
    close(fd);
    free(request);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct sender senders[CONNECTIONS_MAX];
    unsigned long acknowledged = 0, deferred = 0, failed = 0;
    int connections = argc > 2 ? atoi(argv[2]) : 0;

    if (argc < 5 || connections < 1 || connections > CONNECTIONS_MAX || atoi(argv[3]) < 1 || atoi(argv[3]) > BATCH_MAX)
        return 64;
    port = atoi(argv[1]);
    batch = atoi(argv[3]);
    end = now() + atof(argv[4]);
    for (int i = 0; i < connections; i++) {
        senders[i].number = (argc > 5 ? strtoull(argv[5], NULL, 10) : 0) + (uint64_t)i * UINT64_C(1000000000);
        senders[i].times = malloc(TIMES_MAX * sizeof(float));
        if (!senders[i].times || pthread_create(&senders[i].thread, NULL, run, &senders[i]) != 0)
            return 1;
    }
    for (int i = 0; i < connections; i++) {
        pthread_join(senders[i].thread, NULL);
        acknowledged += senders[i].acknowledged;
        deferred += senders[i].deferred;
        failed += senders[i].failed;
    }
    printf("%lu %lu %lu\n", acknowledged, deferred, failed);
    for (int i = 0; i < connections; i++)
        for (size_t j = 0; j < senders[i].time_count; j++)
            printf("%.3f\n", (double)senders[i].times[j]);
    return 0;
}
