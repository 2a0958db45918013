#ifndef VIEW_SOURCE_FILE_H
#define VIEW_SOURCE_FILE_H

#include "base/error.h"
#include "base/vec.h"

/* The lines of a source file named in a profile. */
struct source_file {
    char *text;
    VEC(char *) lines; /* lines.items[0] is line 1; no line ends */
};

/*
 * Finds and reads the file: an absolute name (after trim_path) as it is, others in each directory of
 * source_path (a list with colons; "" is the current directory) and its parents. ERR_NOTFOUND, ERR_NOMEM.
 */
int source_file_read(const char *file, const char *source_path, const char *trim_path,
    struct source_file *out, struct error *error);
void source_file_fini(struct source_file *s);

#endif
