#ifndef VIEW_PATH_H
#define VIEW_PATH_H

#include "base/buf.h"

/* Names of files, as Go's path/filepath and google/pprof treat them. Pure; no file is looked at. */

/* The part after the last slash, as Go's filepath.Base: "." for "", "/" for slashes only. Into out. */
void path_put_base(const char *path, struct buf *out);

/* Go's filepath.Clean. */
void path_put_clean(const char *path, struct buf *out);

/* path without the prefix that trim_path (a list with colons) or the heuristic over source_path takes off. */
const char *path_trim(const char *path, const char *trim_path, const char *source_path);

#endif
