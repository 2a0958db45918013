#ifndef UI_COMPLETIONS_H
#define UI_COMPLETIONS_H

#include "base/buf.h"

/*
 * Completion for bash, zsh and fish, made from the tables of commands and options. What packages install, in
 * profiler/packaging/completions/, is what this gives; a test holds them together. False: no such shell.
 */
bool completions_put(const char *shell, struct buf *out);

#endif
