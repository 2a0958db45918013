#ifndef UI_SHELL_H
#define UI_SHELL_H

#include "ui/commands.h"

/*
 * What a line typed to pprof does: a command, an assignment, a shortcut (see session.h for where the lines
 * come from). Changes the settings it is given.
 */
struct shell;

/* What is given must outlive it; tools: as of -tools, or NULL. ERR_NOMEM. */
int shell_new(const struct profile *p, struct settings *settings, const char *tools, struct shell **out);
void shell_free(struct shell *s);

/* One line, as typed. ERR_CANCELLED for those that leave; other errors have been reported. */
int shell_execute(struct shell *s, const char *line);

/* Prints text and frees it. */
void shell_show(struct buf *text);

#endif
