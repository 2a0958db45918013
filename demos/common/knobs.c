#include "common/knobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool knobs_number(const char *text, long min, long max, long *out)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < min || n > max)
        return false;
    *out = n;
    return true;
}

static void print_help(const struct knob *knobs, size_t nknobs, const char *summary, const char *program)
{
    printf("Usage: %s [options]\n\n%s\n\nOptions:\n", program, summary);
    for (const struct knob *k = knobs; k < knobs + nknobs; k++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", k->name, k->value);
        printf("  %-22s %s", left, k->help);
        const char *text = k->kind == KNOB_TEXT ? *(const char **)k->to : NULL;
        if (k->kind == KNOB_NUMBER)
            printf(" (%ld)", *(long *)k->to);
        else if (text)
            printf(" (%s)", text);
        putchar('\n');
    }
    printf("  %-22s this text\n", "--help");
}

static const struct knob *find(const struct knob *knobs, size_t nknobs, const char *name, size_t len)
{
    for (const struct knob *k = knobs; k < knobs + nknobs; k++)
        if (strlen(k->name) == len && memcmp(k->name, name, len) == 0)
            return k;
    return NULL;
}

static bool set(const struct knob *k, const char *program, const char *text)
{
    if (k->kind == KNOB_TEXT) {
        *(const char **)k->to = text;
        return true;
    }
    if (knobs_number(text, k->min, k->max, k->to))
        return true;
    fprintf(stderr, "%s: --%s wants a number from %ld to %ld, not \"%s\"\n", program, k->name, k->min, k->max,
        text);
    return false;
}

int knobs_parse(const struct knob *knobs, size_t nknobs, const char *summary, int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *program = slash ? slash + 1 : argv[0];
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(knobs, nknobs, summary, argv[0]);
            return 0;
        }
        size_t len = strcspn(arg, "=");
        const struct knob *k = strncmp(arg, "--", 2) == 0 ? find(knobs, nknobs, arg + 2, len - 2) : NULL;
        if (!k) {
            fprintf(stderr, "%s: no option \"%s\" (try --help)\n", program, arg);
            return 2;
        }
        const char *value = arg[len] ? arg + len + 1 : argv[++i];
        if (!value) {
            fprintf(stderr, "%s: --%s needs a value (try --help)\n", program, k->name);
            return 2;
        }
        if (!set(k, program, value))
            return 2;
    }
    return -1;
}
