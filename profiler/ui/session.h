#ifndef UI_SESSION_H
#define UI_SESSION_H

#include "ui/commands.h"

/*
 * The interactive shell: commands from standard input until "quit" or its end. On a terminal with line
 * editing, completion and a history that is kept; otherwise line by line, with the prompt printed, so that
 * it can be scripted. Changes the settings it is given. tools: as of -tools, or NULL.
 *
 * Ctrl-C (see interrupt.h) stops the command that runs, not the shell.
 */
int session_run(const struct profile *p, struct settings *settings, const char *tools, struct error *error);

/* What completes the last word of line: at most max names, malloc'd, into out. Returns how many. */
size_t session_complete(const struct profile *p, const char *line, char **out, size_t max);

#endif
