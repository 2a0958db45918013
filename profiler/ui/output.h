#ifndef UI_OUTPUT_H
#define UI_OUTPUT_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

/* Where reports go. All return ERR_IO with the reason. */

/* A terminal gets them tame (terminal.h). */
int output_write_stdout(const struct buf *text, struct error *error);

/* To standard error, tame as well, what profiles and servers gave rise to. */
void output_say(const char *text, size_t len);

/* Says "Generating report in FILE" on standard error first. */
int output_open_file(const char *file, int *fd, struct error *error);
int output_append(int fd, const char *file, const struct buf *text, struct error *error);
int output_write_file(const char *file, const struct buf *text, struct error *error);

/* The first free of PREFIX001.EXT, PREFIX002.EXT, ... in the current directory. */
int output_write_new_file(
    const char *prefix, const char *extension, const struct buf *text, struct error *error);

/* Opens the first free of DIR/PREFIX001SUFFIX, ..., made with that mode; its name (malloc'd) is the caller's.
 * -1 and an error. */
int output_create_numbered(
    const char *dir, const char *prefix, const char *suffix, mode_t mode, char **name, struct error *error);

/* Writes all of text to fd and closes it; file is for the error. */
int output_finish_file(int fd, const char *file, const struct buf *text, struct error *error);

#endif
