/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of words, each KEY=VALUE without white space. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

char *frame_word(char **line, char **value)
{
    char *word = *line + strspn(*line, " \n"), *equals;
    size_t size = strcspn(word, " \n");

    if (size == 0)
        return NULL;
    *line = word + size + (word[size] != '\0');
    word[size] = '\0';
    equals = strchr(word, '=');
    *value = equals != NULL ? equals + 1 : word + size;
    if (equals != NULL)
        *equals = '\0';
    return word;
}

bool frame_number(const char *text, unsigned max, unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value > max)
        return false;
    *number = (unsigned)value;
    return true;
}

static bool choose(const char *text, const char *const *names, unsigned count, unsigned *chosen)
{
    for (*chosen = 0; *chosen < count; ++*chosen)
        if (strcmp(text, names[*chosen]) == 0)
            return true;
    return false;
}

static bool set_text(struct connect_order *order, const char *word, const char *value)
{
    const char **text = strcmp(word, "host") == 0      ? &order->host
                        : strcmp(word, "address") == 0 ? &order->address
                        : strcmp(word, "ca") == 0      ? &order->ca
                        : strcmp(word, "path") == 0    ? &order->path
                                                       : NULL;

    if (text != NULL)
        *text = value;
    return text != NULL;
}

static bool set_choice(struct connect_order *order, const char *word, const char *value)
{
    static const char *const switches[] = {"off", "on"}, *const modes[] = {"blocking", "nonblocking"},
                             *const versions[] = {"1.2", "1.3"}, *const sessions[] = {"none", "keep", "resume"},
                             *const verifies[] = {"on", "off", "name-off"};
    unsigned chosen;
    bool known = true;

    if (strcmp(word, "sni") == 0 && choose(value, switches, 2, &chosen))
        order->sni = chosen;
    else if (strcmp(word, "early") == 0 && choose(value, switches, 2, &chosen))
        order->early = chosen;
    else if (strcmp(word, "mode") == 0 && choose(value, modes, 2, &chosen))
        order->nonblocking = chosen;
    else if (strcmp(word, "min") == 0 && choose(value, versions, 2, &chosen))
        order->min = 2 + (int)chosen;
    else if (strcmp(word, "max") == 0 && choose(value, versions, 2, &chosen))
        order->max = 2 + (int)chosen;
    else if (strcmp(word, "session") == 0 && choose(value, sessions, 3, &chosen))
        order->session = (enum connect_session)chosen;
    else if (strcmp(word, "verify") == 0 && choose(value, verifies, 3, &chosen))
        order->verify = (enum connect_verify)chosen;
    else
        known = false;
    return known;
}

bool frame_order_read(char *line, struct connect_order *order, unsigned *threads, unsigned *times, bool *heal,
                      char *detail, size_t size)
{
    char *word, *value;

    *order = (struct connect_order){
        .host = "", .address = "127.0.0.1", .ca = "", .path = "/", .min = 2, .max = 3, .sni = true};
    *threads = *times = 1;
    *heal = false;
    while ((word = frame_word(&line, &value)) != NULL) {
        bool known = set_text(order, word, value) || set_choice(order, word, value) ||
                     (strcmp(word, "port") == 0 && frame_number(value, 65535, &order->port)) ||
                     (strcmp(word, "proxy") == 0 && frame_number(value, 65535, &order->proxy)) ||
                     (strcmp(word, "threads") == 0 && frame_number(value, 64, threads)) ||
                     (strcmp(word, "times") == 0 && frame_number(value, 1000, times));

        if (strcmp(word, "heal") == 0)
            known = *heal = strcmp(value, "on") == 0;
        if (!known) {
            (void)snprintf(detail, size, "what is %s=%s?", word, value);
            return false;
        }
    }
    return true;
}
