/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: one table drives the command line, --help and the configuration file.
 *
 * On the command line a setting is --NAME VALUE or --NAME=VALUE; names are whole, never abbreviated.  In a file it is
 * a line "NAME = VALUE"; empty lines and lines that start with '#' mean nothing, and neither do blanks around name
 * and value.  What the command line says replaces what the file says.
 */
#ifndef PTI_SERVER_SETTINGS_H
#define PTI_SERVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct pti_setting;

/* Stores value, which outlives into; the detail of a failure says what was expected and found, not for what. */
typedef enum pintle_status pti_setting_taker(const struct pti_setting *setting, const char *value, void *into,
                                             struct pti_error *error);

struct pti_setting {
    const char *name;
    const char *value; /* what --help calls it; NULL: a flag, which is "yes" or "no" in a file */
    const char *help;  /* continuation lines are separated by '\n' */
    pti_setting_taker *take;
    size_t at;        /* offset of its member in the structure that is filled */
    int64_t min, max; /* of a number */
    unsigned wanted;  /* which commands take it besides the daemon: PTI_WANTS_... */
    bool repeatable;  /* take is called once for each */
    bool line_only;   /* may not stand in a file */
};

#define PTI_SETTINGS_MAX 64 /* in one table */

/* The usual takers: const char *, int64_t, bool. */
pti_setting_taker pti_setting_text, pti_setting_number, pti_setting_flag;

/* A table that ends with a NULL name, and where its values go. */
struct pti_setting_group {
    const struct pti_setting *settings;
    void *into;
    unsigned wants; /* only the settings that are wanted by one of these; 0: all */
    bool given[PTI_SETTINGS_MAX];
};

struct pti_operands {
    const char **words;
    size_t count, max;
};

/*
 * argv[0] is the first word to look at.  PINTLE_ERR_MISUSE: what is wrong, and the nearest name that exists.  Values
 * point into argv.
 */
enum pintle_status pti_settings_read_line(struct pti_setting_group *groups, size_t group_count, int argc, char **argv,
                                          struct pti_operands *operands, struct pti_error *error);

/*
 * text, which is changed and must outlive the values, is the content of path.  All of it is checked; what was given
 * in group goes to unused, a structure like group->into.  PINTLE_ERR_INPUT: path:line, what was expected and what was
 * found.
 */
enum pintle_status pti_settings_read_file(struct pti_setting_group *group, void *unused, const char *path, char *text,
                                          struct pti_error *error);

/* The options part of --help. */
void pti_settings_help(const struct pti_setting_group *groups, size_t group_count, FILE *stream);

#endif
