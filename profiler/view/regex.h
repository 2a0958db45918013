#ifndef VIEW_REGEX_H
#define VIEW_REGEX_H

#include "base/error.h"

#include <stdbool.h>

/*
 * Regular expressions, by PCRE2. What Go's syntax (RE2), which users of pprof know, allows means here what it
 * means there: $ is the very end, (?i) folds case of all letters, \pL, (?U), (?P<name>...), \Q...\E, \z. What
 * only PCRE2 knows, lookaround for one, works as well.
 *
 * No pattern takes long, whatever it is: profiles come from strangers, and so may the pattern. An expression
 * that no way of matching can finish is given up; regex_check says so, to be asked once, after the last
 * match.
 *
 * Not thread-safe: an expression belongs to one thread at a time.
 */
struct regex;

/* ERR_FORMAT with what is wrong and the byte offset of where, ERR_NOMEM. */
int regex_new(const char *pattern, struct regex **out, struct error *error);
void regex_free(struct regex *re); /* NULL is allowed */
const char *regex_pattern(const struct regex *re);

/* Whether re matches anywhere in text (UTF-8; a byte that is not counts as U+FFFD). False when given up. */
bool regex_match(struct regex *re, const char *text);

/* 0 while every answer of regex_match was right (NULL is allowed), ERR_LIMIT once one was given up. */
int regex_check(const struct regex *re, struct error *error);

#endif
