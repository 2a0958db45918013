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
    bool has_pattern; /* takes a regexp: list, peek */
    const char *draw; /* has Graphviz draw it: a format of dot -T */
    const char
        *extension; /* of the file it is saved or shown in; NULL for text, which may go to a terminal */
    const char *const *viewers; /* shown by one of these, see viewer_show() */
    const char *summary, *usage;
};

extern const struct command commands[];
extern const unsigned n_commands;

const struct command *command_find(const char *name); /* NULL when there is none */

/* The lists of commands and options, for -help and the shell's help. */
void commands_print_usage(bool command_line, struct buf *out);

/* Help on one command or option. False when there is none of that name. */
bool commands_print_help(const char *name, struct buf *out);

#endif
