#include <math.h>
#include <stdint.h>

/*
 * What libcprof.so uses of libm, which a preloaded program would have to load else: that takes longer than
 * all the rest of the library's loading. For the heap's sampling only, but right to the last digits; not
 * exported. Compiled with -fno-builtin, for a compiler knows these names.
 */
double log(double x);
double exp(double x);
double expm1(double x);
double round(double x);

/* x = fraction * 2^power; ln fraction is 2 artanh s, of which ten terms are enough for s up to 0.172. */
double log(double x)
{
    int power;
    if (!(x > 0))
        return x == 0 ? -HUGE_VAL : NAN;
    if (isinf(x))
        return x;
    double fraction = frexp(x, &power);
    if (fraction < M_SQRT1_2) {
        fraction *= 2;
        power--;
    }
    double s = (fraction - 1) / (fraction + 1), sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * s * s + 1.0 / k;
    return power * M_LN2 + 2 * s * sum;
}

/* exp(x) - 1 by its series, for |x| up to ln 2 / 2. */
static double series(double x)
{
    double sum = 0;
    for (int k = 14; k >= 1; k--)
        sum = x / k * (1 + sum);
    return sum;
}

double exp(double x)
{
    static const double LN2_HIGH = 0x1.62e42fefap-1, LN2_LOW = 0x1.cf79abc9e3b3ap-40;
    if (x != x)
        return x;
    if (x > 710)
        return HUGE_VAL;
    if (x < -746)
        return 0;
    double power = round(x / M_LN2);
    return ldexp(1 + series(x - power * LN2_HIGH - power * LN2_LOW), (int)power);
}

double expm1(double x)
{
    return x > -0.34 && x < 0.34 ? series(x) : exp(x) - 1;
}

double round(double x)
{
    if (!(__builtin_fabs(x) < 4503599627370496.0)) /* 2^52: from there on there are no halves */
        return x;
    double whole = (double)(int64_t)x;
    if (x - whole >= 0.5)
        return whole + 1;
    return whole - x >= 0.5 ? whole - 1 : whole;
}
