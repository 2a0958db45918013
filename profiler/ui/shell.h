#ifndef UI_SHELL_H
#define UI_SHELL_H

#include "ui/commands.h"

/*
 * The interactive shell: commands from standard input until "quit" or its end. On a terminal with line
 * editing, completion and a history that is kept; otherwise line by line, with the prompt printed, so that
 * it can be scripted. Changes the settings it is given.
 *
 * Ctrl-C (see interrupt.h) stops the command that runs, not the shell.
 */
int shell_run(const struct profile *p, struct settings *settings, struct error *error);

/* ---- for its test ---- */

/* One line, as typed. ERR_CANCELLED for those that leave; other errors have been reported. */
struct shell;
int shell_new(const struct profile *p, struct settings *settings, struct shell **out);
void shell_free(struct shell *s);
int shell_execute(struct shell *s, const char *line);

/* What completes the last word of line: at most max names, malloc'd, into out. Returns how many. */
size_t shell_complete(const struct shell *s, const char *line, char **out, size_t max);

#endif
