#ifndef UI_PRODUCE_H
#define UI_PRODUCE_H

#include "ui/commands.h"

#include <signal.h>

/* One report, from the command line or the shell. */
struct production {
    const struct command *command;
    const char *pattern; /* NULL for commands that take none */
    const struct config *config;
    const char *tools; /* of -tools, NULL when not given */
    const char *pipe;  /* a shell command that reads it, or NULL */
    bool in_shell;     /* what shows it runs in the background */
    bool on_screen;    /* standard output is read by a person */
    const volatile sig_atomic_t *cancel;
};

/*
 * Makes the report and puts it where it is to go: config->output; the pipe; the program that shows it; a new
 * file when it is binary and would land on a screen; else standard output. Notes go to standard error.
 */
int produce(const struct profile *p, const struct production *what, struct error *error);

#endif
