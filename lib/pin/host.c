/* SPDX-License-Identifier: Apache-2.0 */
/* Host names and IP literals in the one form that pins are compared in. */
#include "pin/host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63        /* RFC 1035, section 2.3.4 */
#define ADDRESS_TEXT_MAX 45 /* the longest text of an IPv6 address, IPv4 part included */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * What each character of a name becomes: itself, or its lower case; 0 if it cannot stand in a label.  The underscore is
 * no host name character by RFC 952, but real services have names with it.
 */
static const char label_chars[256] = {
    ['-'] = '-', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm',
    ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
    ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['_'] = '_', ['a'] = 'a', ['b'] = 'b',
    ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

/*
 * Does the last label make resolvers read the whole name as an IPv4 address?  inet_aton and URL parsers take "127.1",
 * "2130706433" and "0x7f.0.0.1" for addresses, so such text must never pass as a name.
 */
static bool is_number(const char *label)
{
    if (!is_digit(label[0]))
        return false; /* most names: this runs at every check */
    size_t length = strlen(label);
    if (length >= 2 && label[0] == '0' && label[1] == 'x')
        return strspn(label + 2, "0123456789abcdef") == length - 2;
    return strspn(label, "0123456789") == length;
}

static enum pintle_status parse_ipv4(struct pti_host *host, struct pti_error *error)
{
    struct in_addr address;
    char text[INET_ADDRSTRLEN];

    /* Some libraries take leading zeros, which others read as octal: only what reads back alike is an address. */
    if (inet_pton(AF_INET, host->name, &address) != 1 || inet_ntop(AF_INET, &address, text, sizeof text) == NULL ||
        strcmp(text, host->name) != 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a host name or an IPv4 address as four decimal numbers, found \"%s\"", host->name);
    host->ip = true;
    return PINTLE_OK;
}

/* The first of the longest runs of at least two zero groups, which "::" stands for; *length is 0 if there is none. */
static size_t longest_zero_run(const unsigned groups[8], size_t *length)
{
    size_t start = 0;

    *length = 0;
    for (size_t i = 0; i < 8; i++) {
        size_t end = i;
        while (end < 8 && groups[end] == 0)
            end++;
        if (end - i >= 2 && end - i > *length) {
            start = i;
            *length = end - i;
        }
        if (end > i)
            i = end - 1;
    }
    return start;
}

/*
 * RFC 5952, section 4, and section 5 for IPv4-mapped addresses only.  Not inet_ntop: C libraries differ on embedded
 * IPv4 and on runs, and a signed file must be in normal form on all of them.
 */
static void format_ipv6(const uint8_t bytes[16], char *out, size_t size)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned groups[8];
    size_t run_length;
    size_t used = 0;

    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        (void)snprintf(out, size, "::ffff:%u.%u.%u.%u", (unsigned)bytes[12], (unsigned)bytes[13], (unsigned)bytes[14],
                       (unsigned)bytes[15]);
        return;
    }
    for (size_t i = 0; i < 8; i++)
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    size_t run = longest_zero_run(groups, &run_length);
    for (size_t i = 0; i < 8; i++) {
        if (run_length > 0 && i == run) {
            used += (size_t)snprintf(out + used, size - used, "::");
            i += run_length - 1;
            continue;
        }
        bool first = i == 0 || (run_length > 0 && i == run + run_length);
        used += (size_t)snprintf(out + used, size - used, "%s%x", first ? "" : ":", groups[i]);
    }
}

static enum pintle_status parse_ipv6(const char *text, size_t length, struct pti_host *host, struct pti_error *error)
{
    char address[ADDRESS_TEXT_MAX + 1];
    uint8_t bytes[16];

    if (memchr(text, '%', length) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an IPv6 address without zone id, found \"%.*s\"",
                        (int)length, text);
    if (length <= ADDRESS_TEXT_MAX) {
        memcpy(address, text, length);
        address[length] = '\0';
        if (inet_pton(AF_INET6, address, bytes) == 1) {
            format_ipv6(bytes, host->name, sizeof host->name);
            host->size = strlen(host->name);
            host->ip = true;
            return PINTLE_OK;
        }
    }
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected a host name or an IP address, found \"%.*s\"; leave out scheme and port", (int)length,
                    text);
}

/* Says what is wrong with a byte that cannot stand in a name. */
static enum pintle_status bad_byte(const char *text, size_t length, size_t at, struct pti_error *error)
{
    unsigned byte = (unsigned char)text[at];

    if (byte >= 0x80)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected an ASCII host name, found byte 0x%02x at offset %zu of \"%.*s\"; convert the "
                        "name to A-labels (\"xn--...\")",
                        byte, at, (int)length, text);
    if (byte == '*')
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected one host name, found the wildcard \"%.*s\"; name the parent, with subdomains",
                        (int)length, text);
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected letters, digits, '-', '_' and '.' in a host name, found byte 0x%02x at offset "
                    "%zu of \"%.*s\"",
                    byte, at, (int)length, text);
}

static enum pintle_status bad_label(const char *text, size_t length, size_t label, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_INPUT, "expected labels of 1 to %d characters in \"%.*s\", found one of %zu",
                    LABEL_MAX, (int)length, text, label);
}

/* Copies a name in lower case, one pass over it: this runs at every check. */
static enum pintle_status copy_name(const char *text, size_t length, struct pti_host *host, struct pti_error *error)
{
    size_t start = 0; /* of the label */

    for (size_t i = 0; i < length; i++) {
        char c = label_chars[(unsigned char)text[i]];
        host->name[i] = c;
        if (c != '\0')
            continue;
        if (text[i] != '.')
            return bad_byte(text, length, i, error);
        if (i == start || i - start > LABEL_MAX)
            return bad_label(text, length, i - start, error);
        host->name[i] = '.';
        start = i + 1;
    }
    host->name[length] = '\0';
    host->size = length;
    if (length == start || length - start > LABEL_MAX)
        return bad_label(text, length, length - start, error);
    return is_number(host->name + start) ? parse_ipv4(host, error) : PINTLE_OK;
}

static enum pintle_status parse_any(const char *text, struct pti_host *host, struct pti_error *error)
{
    size_t length = text != NULL ? strlen(text) : 0;

    host->name[0] = '\0';
    host->size = 0;
    host->ip = false;
    if (length == 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a host name, found none");
    if (text[0] == '[' && text[length - 1] == ']')
        return parse_ipv6(text + 1, length - 2, host, error);
    if (memchr(text, ':', length) != NULL)
        return parse_ipv6(text, length, host, error);
    if (text[length - 1] == '.')
        length--;
    if (length > PINTLE_HOST_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a host name of at most %d characters, found %zu",
                        PINTLE_HOST_MAX, length);
    enum pintle_status status = copy_name(text, length, host, error);
    if (status != PINTLE_OK) {
        host->name[0] = '\0';
        host->size = 0;
    }
    return status;
}

/* Most names, in one pass, for this runs at every check.  False: something else, for others to look at. */
static bool copy_plain_name(const char *text, struct pti_host *host)
{
    uint32_t hash = PTI_HOST_HASH_SEED;
    size_t start = 0, length;

    for (length = 0; length <= PINTLE_HOST_MAX; length++) {
        char c = label_chars[(unsigned char)text[length]];
        if (c == '\0') {
            if (length == start || length - start > LABEL_MAX)
                return false;
            if (text[length] != '.')
                break;
            c = '.';
            start = length + 1;
        }
        host->name[length] = c;
        hash = pti_host_hash_add(hash, c);
    }
    if (length > PINTLE_HOST_MAX || text[length] != '\0')
        return false;
    host->name[length] = '\0';
    host->hash = hash;
    host->size = length;
    host->ip = false;
    return !is_number(host->name + start);
}

enum pintle_status pti_host_parse(const char *text, struct pti_host *host, struct pti_error *error)
{
    enum pintle_status status;

    if (text != NULL && copy_plain_name(text, host))
        return PINTLE_OK;
    status = parse_any(text, host, error);
    host->hash = pti_host_hash(host->name, host->size);
    return status;
}

enum pintle_status pti_host_check_normal(const char *text, struct pti_error *error)
{
    struct pti_host host;

    enum pintle_status status = pti_host_parse(text, &host, error);
    if (status == PINTLE_OK && strcmp(text, host.name) != 0)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected the normal form \"%s\", found \"%s\"", host.name, text);
    return status;
}

bool pti_host_is_normal(const char *text)
{
    return pti_host_check_normal(text, NULL) == PINTLE_OK;
}

const char *pti_host_parent(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot != NULL ? dot + 1 : NULL;
}
