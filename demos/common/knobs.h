#ifndef COMMON_KNOBS_H
#define COMMON_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The options of a demo program, as one table: it parses the command line, and it is what --help prints.
 * Every option is long and takes one value, as "--port 8080" or "--port=8080".
 */
enum knob_kind { KNOB_NUMBER, KNOB_TEXT };

struct knob {
    const char *name;  /* without the dashes */
    const char *value; /* what --help calls the value: "N", "ADDRESS" */
    const char *help;  /* a line; the default is added to it */
    enum knob_kind kind;
    void *to;      /* long * or const char **; what it holds before parsing is the default */
    long min, max; /* inclusive, of a number */
};

/*
 * Fills the knobs from argv. Returns -1 when the program should go on; 0 after --help, which was printed to
 * standard output under `summary`; 2 after a mistake, for which one line went to standard error. The two
 * are what main() should then return. Texts point into argv.
 */
int knobs_parse(const struct knob *knobs, size_t nknobs, const char *summary, int argc, char **argv);

/* A whole decimal number of [min, max], or false. */
bool knobs_number(const char *text, long min, long max, long *out);

#endif
