#ifndef UI_SUBPROCESS_H
#define UI_SUBPROCESS_H

#include "base/buf.h"
#include "base/error.h"

#include <signal.h>
#include <sys/types.h>

/*
 * Other programs: dot, objdump, viewers. Looked up in PATH unless their name has a slash; no shell in
 * between.
 */

/*
 * Runs argv with input (NULL: none) on its standard input and appends what it prints to output. ERR_NOTFOUND
 * when there is no such program, ERR_IO with its exit status or signal, ERR_CANCELLED (and it is ended) when
 * *cancel became non-zero, ERR_NOMEM. What it says on standard error goes to ours unless `silent`.
 */
int subprocess_run(char *const argv[], const struct buf *input, struct buf *output, bool silent,
    const volatile sig_atomic_t *cancel, struct error *error);

/* Starts argv in the background, away from the terminal's Ctrl-C. ERR_NOTFOUND, ERR_IO. */
int subprocess_start(char *const argv[], pid_t *pid, struct error *error);

/* Waits for one that was started; ERR_CANCELLED when *cancel became non-zero first (it runs on). */
int subprocess_wait(pid_t pid, const volatile sig_atomic_t *cancel);

#endif
