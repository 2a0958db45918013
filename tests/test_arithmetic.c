#include "harness.h"

#include <math.h>
#include <stdlib.h>

/*
 * The functions that libcprof.so has in the place of libm's, and this program with them
 * (export/arithmetic.c), against libm's of more precision.
 */

static void expect_near(const char *what, double x, double y, long double right)
{
    ck_assert_msg(fabsl((long double)y - right) <= 1e-15L * fabsl(right), "%s(%.17g) is %.17g and not %.17Lg",
        what, x, y, right);
}

/* What sampling asks for: a uniform number's, and that of 1 - 1/rate for every rate. */
START_TEST(test_log)
{
    double none = strtod("0", NULL), negative = strtod("-1", NULL);
    for (double x = 1e-300; x < 1e300; x *= 1.9)
        expect_near("log", x, log(x), logl(x));
    for (int lg = 1; lg <= 52; lg++)
        expect_near("log", 1 - ldexp(1, -lg), log(1 - ldexp(1, -lg)), logl(1 - ldexpl(1, -lg)));
    for (double x = 0.4; x < 2.5; x += 0.0017)
        expect_near("log", x, log(x), logl(x));
    expect_near("log", 0x1p-1074, log(0x1p-1074), logl(0x1p-1074L));
    ck_assert(log(1) == 0);
    ck_assert(isinf(log(none)) && log(none) < 0);
    ck_assert(isinf(log(HUGE_VAL)));
    ck_assert(isnan(log(negative)) && isnan(log(NAN)));
}
END_TEST

START_TEST(test_exp)
{
    for (double x = -708; x < 709; x += 0.737)
        expect_near("exp", x, exp(x), expl(x));
    for (double x = 1e-18; x < 40; x *= 1.13) {
        expect_near("expm1", -x, expm1(-x), expm1l(-x));
        expect_near("expm1", x, expm1(x), expm1l(x));
    }
    ck_assert(exp(0) == 1 && expm1(0) == 0);
    ck_assert(exp(-1000) == 0 && isinf(exp(1000)));
    ck_assert(exp(-HUGE_VAL) == 0 && isinf(exp(HUGE_VAL)) && isnan(exp(NAN)));
    ck_assert(expm1(-HUGE_VAL) == -1 && isnan(expm1(NAN)));
}
END_TEST

START_TEST(test_round)
{
    static const double cases[] = {
        0, 0.25, 0.5, 0.49999999999999994, 1.5, 2.5, 1e15 + 0.5, 0x1p52 + 1, 0x1p60, HUGE_VAL};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(round(cases[i]) == (double)roundl(cases[i]));
        ck_assert(round(-cases[i]) == (double)roundl(-cases[i]));
    }
    ck_assert(isnan(round(NAN)));
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {test_log, test_exp, test_round};
    return HARNESS_SUITE("arithmetic", 10, tests);
}
