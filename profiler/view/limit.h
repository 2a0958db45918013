#ifndef VIEW_LIMIT_H
#define VIEW_LIMIT_H

#include "base/buf.h"
#include "view/regex.h"

#include <stdint.h>

/*
 * Limits for CI, as -fail_if has them: a condition under which the check fails.
 *
 *     FUNCTION>5%            flat value of functions matching the regexp FUNCTION, of the total
 *     flat(FUNCTION)>=10ms   the same, said in full
 *     cum(FUNCTION)>20%      all samples through such a function, each counted once
 *     total>100MB            everything that is left after filters; with a base, by how much it grew
 *
 * > >= < <=, and a number with %, a unit of the profile's kind (ns to hrs, bytes to PB), or none for counts.
 * The last < or > divides, so that a regexp may have some. Percentages are those of the report: of the total,
 * or of the base with -diff_base.
 */
enum limit_subject { LIMIT_FLAT, LIMIT_CUM, LIMIT_TOTAL };

struct limit {
    const char *text; /* as given, not copied */
    enum limit_subject subject;
    struct regex *function; /* NULL for the total */
    bool below, or_equal;   /* fails if below, not above, or at it */
    double bound;
    char unit[16]; /* "%", "" for a count */
    size_t unit_at;

    /* Set when measured: see report_limits. */
    int64_t value;
    double measured; /* in unit */
    bool failed, matched;
};

/* ERR_FORMAT with "position N: what was expected". limit_fini when 0 was returned. */
int limit_parse(struct limit *l, const char *text, struct error *error);
void limit_fini(struct limit *l);

#endif
