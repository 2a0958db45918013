#ifndef VIEW_REGEX_H
#define VIEW_REGEX_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Regular expressions in the syntax users of pprof know, Go's (RE2): \. | [] [^] ^ $ * + ? {n,m} and their
 * lazy forms, (?i) and the other flags, (?:...) and named groups, \d \s \w \b \A \z \x{..} \Q..\E,
 * [[:alpha:]] and its kin. Case is folded for ASCII letters. Unicode classes (\pL) are refused.
 *
 * A match takes time linear in text and pattern whatever the pattern is: profiles come from strangers, and so
 * may the pattern, through the web interface. An expression is read-only once made.
 */
struct regex;

/* ERR_FORMAT with Go's wording ("missing closing ): `(`"), ERR_LIMIT when it is too large, ERR_NOMEM. */
int regex_new(const char *pattern, struct regex **out, struct error *error);
void regex_free(struct regex *re); /* NULL is allowed */
const char *regex_pattern(const struct regex *re);

/* Whether re matches anywhere in text (UTF-8; a byte that is not counts as U+FFFD). */
bool regex_match(const struct regex *re, const char *text);

#endif
