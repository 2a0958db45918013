#ifndef EXPORT_NAMES_H
#define EXPORT_NAMES_H

#include "base/buf.h"
#include "symbol/symbol.h"

/*
 * The process' one symbolizer, shared by all requests, one at a time: what one request found out the next
 * one has already. Between requests only the answers are kept.
 */

/* Waits for its turn. NULL when memory runs out or the process cannot be read; then there is no turn to end.
 */
struct symbolizer *names_begin(struct error *error);
void names_end(struct symbolizer *s);

/* Frees all. Nobody may have a turn. */
void names_forget(void);

/* In the child of a fork: whoever had the turn is not there. What was known is left behind. */
void names_after_fork(void);

enum { NAMES_UNNAMED_BYTES = 256 };

/* What stands for the name of an address that has none: "libc.so.6+0x1d2a0", "0x7f0012345678". */
void names_unnamed(struct symbolizer *s, uint64_t address, char text[NAMES_UNNAMED_BYTES]);

#endif
