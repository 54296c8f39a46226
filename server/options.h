/* SPDX-License-Identifier: Apache-2.0 */
/* What the server is told, by its command line and its configuration file. */
#ifndef PTI_SERVER_OPTIONS_H
#define PTI_SERVER_OPTIONS_H

#include "server/address.h"
#include "server/alerts.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/settings.h"

/* A repository to serve. */
struct pti_served_options {
    char name[PTI_SERVED_NAME_MAX + 1]; /* below which path it is served; "" is at the root */
    const char *directory;
    const char *keys; /* NULL: "keys" in directory */
};

struct pti_server_options {
    struct pti_served_options served[PTI_SERVED_MAX]; /* one at the root at most, and no name twice */
    size_t served_count;
    const char *data;
    struct pti_address listen;
    struct pti_address admin; /* size 0: no listener of its own */
    int64_t connections, per_source;
    const char *tls_certificate; /* NULL: plain HTTP */
    const char *tls_key;
    const char *admin_client_ca; /* NULL: the administrative listener asks for no certificate */
    bool admin_on_listen;        /* administrative routes are on the one listener, which is on loopback */
    int64_t resign_every_s;
    int64_t keep_reports;
    int64_t sample_reports;
    int64_t reports_per_source;
    bool behind_proxy;
    int64_t probe_every_s;
    const char *probe_ca;                    /* NULL: the machine's */
    const char *edges[PTI_OPTION_EDGES_MAX]; /* for pti_target_parse() */
    size_t edge_count;
    enum pti_log_level log_level;
    bool log_json;
    struct pti_alerts_config alerts;
    int64_t adoption_flush_s, adoption_per_source;
    const char *config; /* the file, NULL without any */
    char *config_text;  /* owned: what it held, into which values point */
    bool check_config;  /* do that and nothing else */
    bool help, version; /* likewise */
};

/* Of the settings, which a command of pintled takes too; a configuration file may hold all of them in any case. */
#define PTI_WANTS_DATA 1u       /* --data, --config */
#define PTI_WANTS_REPOSITORY 2u /* --repo, --config */

/* One row per option; ends with a NULL name. */
extern const struct pti_setting pti_server_settings[];

void pti_server_options_init(struct pti_server_options *options); /* the defaults */
/*
 * After the command line was read into options: reads the configuration file, if one was named, then checks that what
 * line->wants is there.  PINTLE_ERR_MISUSE: the command line is wrong; PINTLE_ERR_INPUT: the configuration is.
 */
enum pintle_status pti_server_options_complete(struct pti_server_options *options, struct pti_setting_group *line,
                                               struct pti_error *error);
void pti_server_options_clear(struct pti_server_options *options);

/* init, the daemon's command line (argv[0] is the program), complete; clear it in any case. */
enum pintle_status pti_server_options_parse(int argc, char **argv, struct pti_server_options *options,
                                            struct pti_error *error);
void pti_server_options_help(FILE *stream);

#endif
