#ifndef UI_COMMANDS_H
#define UI_COMMANDS_H

#include "ui/variables.h"
#include "view/report.h"

/*
 * What pprof can be told to do: one table for the command line (-top), the shell (top) and whatever else
 * offers reports.
 */
struct command {
    const char *name;
    enum report_format format;
    bool has_pattern;      /* takes a regexp: list, peek */
    bool binary;           /* its output is no text: never to a terminal */
    const char *extension; /* of the file it is then saved in */
    const char *summary, *usage;
};

extern const struct command commands[];
extern const unsigned n_commands;

const struct command *command_find(const char *name); /* NULL when there is none */

/*
 * Makes the report and puts it where the config says: c->output, else standard output, or a new file when
 * it is binary and would land on a screen. Notes go to standard error. *cancel stops it with ERR_CANCELLED.
 */
int command_run(const struct profile *p, const struct command *command, const char *pattern,
    const struct config *c, bool on_screen, const volatile sig_atomic_t *cancel, struct error *error);

/* The lists of commands and options, for -help and the shell's help. */
void commands_print_usage(bool command_line, struct buf *out);

/* Help on one command or option. False when there is none of that name. */
bool commands_print_help(const char *name, struct buf *out);

#endif
