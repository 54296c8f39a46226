/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_repository DIRECTORY HOSTS ZONES ROOTS: writes a repository as it is served, and DIRECTORY/roots, which an app
 * ships.  Three pins a host, P-256 keys, 3 keys and threshold 2 for root and targets; DIRECTORY/roots holds root 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sim_machine.h"
#include "sim_repository.h"
#include "tests/bench/bench.h"

static uint64_t state = 1;

/* Pins are hashes: nothing in them compresses. */
static void random_pin(struct pti_pin *pin)
{
    *pin = sim_pin(0);
    for (size_t i = 0; i < sizeof pin->sha256; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        pin->sha256[i] = (uint8_t)(state >> 56);
    }
}

static void add_hosts(struct sim *sim, unsigned hosts, unsigned zones)
{
    for (unsigned i = 0; i < hosts; i++) {
        struct pti_zone_host *entry;
        char host[64], zone[32] = "main";

        (void)snprintf(host, sizeof host, "host%05u.example.com", i);
        if (i % zones > 0)
            (void)snprintf(zone, sizeof zone, "team%u", i % zones);
        sim_add_host(sim, host, zone);
        entry = sim_zone_entry(sim, zone, host);
        for (int pin = 0; pin < 3; pin++) {
            struct pti_pin made;
            bool added;

            random_pin(&made);
            if (pti_pins_add(&entry->pins, &made, &added) != PINTLE_OK)
                exit(1);
        }
    }
}

static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            exit(1);
        *slash = '/';
    }
}

static void write_file(const char *directory, const char *name, struct pintle_bytes bytes)
{
    char path[4096];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    make_parents(path);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct pintle_bytes roots;
    struct sim *sim;

    if (argc != 5)
        return 2;
    sim = sim_new_with(PTI_KEY_ECDSA_P256, 3, 2);
    sim_advance(sim, (int64_t)time(NULL) - SIM_START);
    for (unsigned i = 1; i < (unsigned)atoi(argv[3]); i++) {
        char zone[32];
        (void)snprintf(zone, sizeof zone, "team%u", i);
        sim_add_zone(sim, zone);
    }
    add_hosts(sim, (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    sim_publish(sim);
    roots = sim_roots(sim);
    write_file(argv[1], "roots", roots);
    for (int i = 1; i < atoi(argv[4]); i++)
        sim_publish_root(sim);
    if (atoi(argv[4]) > 1)
        sim_publish(sim);
    for (size_t i = 0; i < sim->machine->current.count; i++)
        write_file(argv[1], sim->machine->current.items[i].name, sim->machine->current.items[i].bytes);
    pti_bytes_free(&roots);
    sim_free(sim);
    return 0;
}
