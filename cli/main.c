/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle`: the table of commands, how one is found, and the only place that ends the process. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include <pintle/version.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/keys.h"
#include "publish/suggest.h"

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
#define VERSION STRING(PINTLE_VERSION_MAJOR) "." STRING(PINTLE_VERSION_MINOR) "." STRING(PINTLE_VERSION_PATCH)

static const struct {
    const char *title;
    const struct pti_command *commands[18];
} chapters[] = {
    {"make and change a repository",
     {&pti_command_init, &pti_command_host_add, &pti_command_host_release, &pti_command_host_list, &pti_command_pin_add,
      &pti_command_pin_remove, &pti_command_pin_list, &pti_command_zone_add, &pti_command_zone_keys,
      &pti_command_zone_rotate, &pti_command_zone_remove, &pti_command_zone_renew, &pti_command_zone_list,
      &pti_command_charter_set, &pti_command_charter_renew}},
    {"who may sign",
     {&pti_command_key_new, &pti_command_key_link, &pti_command_key_show, &pti_command_root_list, &pti_command_root_add,
      &pti_command_root_remove, &pti_command_root_rotate, &pti_command_root_threshold, &pti_command_root_renew}},
    {"sign and publish it",
     {&pti_command_diff, &pti_command_sign, &pti_command_stage_export, &pti_command_stage_import,
      &pti_command_stage_drop, &pti_command_publish, &pti_command_resign, &pti_command_status, &pti_command_verify}},
    {"look at a host as a client does",
     {&pti_command_probe, &pti_command_check, &pti_command_get, &pti_command_doctor}},
    {"what the fleet holds", {&pti_command_logfeed}},
};

#define CHAPTER_COUNT (sizeof chapters / sizeof chapters[0])
#define CHAPTER_COMMANDS (sizeof chapters[0].commands / sizeof chapters[0].commands[0])

typedef void (*command_visitor)(const struct pti_command *command, void *ctx);

static void for_each_command(command_visitor visit, void *ctx)
{
    for (size_t i = 0; i < CHAPTER_COUNT; i++) {
        for (size_t j = 0; j < CHAPTER_COMMANDS && chapters[i].commands[j]; j++) {
            visit(chapters[i].commands[j], ctx);
        }
    }
}

static void print_commands(FILE *stream)
{
    fputs("usage: pintle COMMAND [options]\n\n"
          "Certificate pinning whose pins turn with the certificates.\n",
          stream);
    for (size_t i = 0; i < CHAPTER_COUNT; i++) {
        fprintf(stream, "\n%s:\n", chapters[i].title);
        for (size_t j = 0; j < CHAPTER_COMMANDS && chapters[i].commands[j]; j++) {
            fprintf(stream, "  %-14s %s\n", chapters[i].commands[j]->name, chapters[i].commands[j]->summary);
        }
    }
    fputs("\n`pintle help COMMAND` explains one, with an example; `pintle help exit-codes` lists the exit codes;\n"
          "`pintle --version` prints the version.\n\n"
          "example:\n"
          "  pintle init --repo pins\n"
          "  pintle host add api.example.com --zone main --repo pins\n"
          "  pintle pin add api.example.com --cert /etc/ssl/certs/api.pem --repo pins\n"
          "  pintle publish --repo pins\n",
          stream);
}

/* ---- finding a command ---- */

struct search {
    const char *first;  /* "pin" */
    const char *second; /* "add", or NULL */
    const struct pti_command *found;
    size_t words; /* of the command line that name it */
    bool group;   /* first is the first word of a command of two words */
    struct pti_suggestion suggestion;
};

/* The length of the first word of a name, and where the second begins (NULL without one). */
static size_t first_word(const char *name, const char **second)
{
    size_t length = strcspn(name, " ");

    *second = name[length] ? name + length + 1 : NULL;
    return length;
}

static void match_command(const struct pti_command *command, void *ctx)
{
    struct search *search = ctx;
    const char *second = NULL;
    size_t length = first_word(command->name, &second);

    if (strlen(search->first) != length || strncmp(search->first, command->name, length) != 0) {
        return;
    }
    if (!second) {
        search->found = command;
        search->words = 1;
        return;
    }
    search->group = true;
    if (search->second && strcmp(search->second, second) == 0) {
        search->found = command;
        search->words = 2;
    }
}

static void offer_command(const struct pti_command *command, void *ctx)
{
    pti_suggestion_offer(&((struct search *)ctx)->suggestion, command->name);
}

static void print_group_member(const struct pti_command *command, void *ctx)
{
    const struct search *search = ctx;
    const char *second = NULL;
    size_t length = first_word(command->name, &second);

    if (second && strlen(search->first) == length && strncmp(search->first, command->name, length) == 0) {
        printf("  %-14s %s\n", command->name, command->summary);
    }
}

static void print_group(struct search *search)
{
    printf("usage: pintle %s COMMAND [options]\n\n", search->first);
    for_each_command(print_group_member, search);
    printf("\n`pintle help %s COMMAND` explains one, with an example.\n", search->first);
}

static bool is_help(const char *word)
{
    return word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

/* NULL: what is wrong has been said (or the help of a group was printed), *code is the exit code. */
static const struct pti_command *find_command(int argc, char **argv, size_t *words, int *code)
{
    struct search search = {.first = argv[0], .second = argc > 1 ? argv[1] : NULL};
    char typed[80];

    for_each_command(match_command, &search);
    if (search.found) {
        *words = search.words;
        return search.found;
    }
    *code = pti_exit_code(PINTLE_ERR_MISUSE, PTI_FAILURE_USAGE);
    if (search.group && (!search.second || is_help(search.second))) {
        if (search.second) {
            print_group(&search);
            *code = pti_exit_code(PINTLE_OK, PTI_FAILURE_STATUS);
        } else {
            fprintf(stderr, "pintle %s: expected a command after it, found nothing; see `pintle %s --help`\n",
                    search.first, search.first);
        }
        return NULL;
    }
    snprintf(typed, sizeof typed, "%.39s%s%.39s", search.first, search.group ? " " : "",
             search.group ? search.second : "");
    pti_suggestion_init(&search.suggestion, typed);
    for_each_command(offer_command, &search);
    if (search.suggestion.nearest) {
        fprintf(stderr, "pintle: there is no command \"%s\"; did you mean `pintle %s`?\n", typed,
                search.suggestion.nearest);
    } else {
        fprintf(stderr, "pintle: there is no command \"%s\"; see `pintle help`\n", typed);
    }
    return NULL;
}

/* ---- running it ---- */

static int help(int argc, char **argv)
{
    const struct pti_command *command = NULL;
    size_t words = 0;
    int code = 0;
    struct search search = {.first = argc > 0 ? argv[0] : ""};

    if (argc == 0 || is_help(argv[0])) {
        print_commands(stdout);
        return code;
    }
    if (strcmp(argv[0], "exit-codes") == 0) {
        pti_exit_codes_print(stdout);
        return code;
    }
    for_each_command(match_command, &search);
    if (search.group && argc == 1) {
        print_group(&search);
        return code;
    }
    command = find_command(argc, argv, &words, &code);
    if (command) {
        pti_cli_help(command, stdout);
    }
    return code;
}

static int run(const struct pti_command *command, int argc, char **argv)
{
    struct pti_cli cli = {.out = stdout, .err = stderr};
    enum pintle_status status = pti_cli_parse(&cli, command, argc, argv);

    if (status == PINTLE_OK && cli.help) {
        pti_cli_help(command, stdout);
        return pti_exit_code(status, PTI_FAILURE_STATUS);
    }
    if (status == PINTLE_OK) {
        status = command->run(&cli);
    }
    pti_cli_keys_clear(&cli);
    if (status != PINTLE_OK && cli.failure == PTI_FAILURE_USAGE) {
        fprintf(stderr, "pintle %s: %s; see `pintle %s --help`\n", command->name, cli.error.detail, command->name);
    } else if (status != PINTLE_OK && cli.error.detail[0] != '\0') {
        fprintf(stderr, "pintle %s: %s\n", command->name, cli.error.detail);
    }
    return pti_exit_code(status, cli.failure);
}

static int dispatch(int argc, char **argv)
{
    const struct pti_command *command = NULL;
    size_t words = 0;
    int code = 0;

    if (argc < 2) {
        print_commands(stderr);
        return pti_exit_code(PINTLE_ERR_MISUSE, PTI_FAILURE_USAGE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("pintle " VERSION);
        return code;
    }
    if (strcmp(argv[1], "help") == 0 || is_help(argv[1])) {
        return help(argc - 2, argv + 2);
    }
    command = find_command(argc - 1, argv + 1, &words, &code);
    return command ? run(command, argc - (int)words, argv + words) : code;
}

/*
 * Whoever closed a standard stream left its number to the next file that is opened, a lock or a connection, and what is
 * said would go into that.  Open for reading only, so that writing fails as it should.
 */
static bool hold_standard_streams(void)
{
    int held = 0;

    do {
        held = open("/dev/null", O_RDONLY);
    } while (held >= 0 && held <= STDERR_FILENO);
    return held >= 0 && close(held) == 0;
}

int main(int argc, char **argv)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int code = 0;

    if (!hold_standard_streams()) {
        return pti_exit_code(PINTLE_ERR_STORAGE, PTI_FAILURE_STATUS);
    }
    /* A peer or a pager that goes away, or a file that may not grow, is an error to report, not a reason to die. */
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    /* Before any thread; the library leaves it to the program. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("pintle: libcurl cannot be initialised\n", stderr);
        return pti_exit_code(PINTLE_ERR_UNSUPPORTED, PTI_FAILURE_STATUS);
    }
    code = dispatch(argc, argv);
    curl_global_cleanup();
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
        fputs(
            "pintle: the output could not be written completely, but the command did what it says; see where standard "
            "output goes\n",
            stderr);
        code = pti_exit_code(PINTLE_ERR_STORAGE, PTI_FAILURE_STATUS);
    }
    return code;
}
