#ifndef VIEW_MEASURE_H
#define VIEW_MEASURE_H

#include "base/buf.h"
#include "base/error.h"
#include "model/profile.h"

#include <stdint.h>

/*
 * Values and their units, printed as google/pprof's measurement package prints them. Pure.
 *
 * Units are names in any case, with or without a plural s: bytes to PB (powers of 1024), ns to hrs, and
 * GCU. "minimum" and "auto" ask for the largest unit in which the value is at least 1. A unit that is not
 * known is taken as it is; count, sample and unit print nothing.
 */
struct measure {
    double value;
    const char *unit; /* static, or the `to` that was given */
};

struct measure measure_scale(int64_t value, const char *from, const char *to);

/* The same in two steps, for many values of one unit. The strings must outlive it. */
struct measure_scaler {
    const char *from, *to;
    const struct unit_family *family; /* NULL when `from` is not known */
    const struct unit *unit, *to_unit;
    bool is_auto;
};

struct measure_scaler measure_scaler(const char *from, const char *to);
struct measure measure_scaled(const struct measure_scaler *s, int64_t value);

/* "12.50kB": two decimals, ".00" left out, zero without a unit. */
void measure_put(struct buf *out, int64_t value, const char *from, const char *to);
void measure_put_scaled(struct buf *out, int64_t value, const struct measure_scaler *s);

/* " 8.97%", "  100%", "0.067%": how much of total (of either sign) value is. */
void measure_put_percent(struct buf *out, int64_t value, int64_t total);

/* int64(x) as Go has it on amd64: outside the range it is the smallest integer. */
int64_t measure_int(double x);

/*
 * The unit of one value type that all n profiles can be scaled to: the smallest one named. *unit is NULL
 * when n < 2. ERR_INVALID when two names or units do not go together ("delay"/"seconds" and "delay"/"bytes").
 */
int measure_common_unit(const struct value_type *types, size_t n, const char **unit, struct error *error);

#endif
