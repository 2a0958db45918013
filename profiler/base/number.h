#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/* Numbers as Go computes them on amd64, where C leaves it open. Pure. */

/* int64(x): toward zero; outside the range, and for what is no number, the smallest integer. */
static inline int64_t number_truncate(double x)
{
    const double limit = 9223372036854775808.0;
    return x >= -limit && x < limit ? (int64_t)x : INT64_MIN;
}

#endif
