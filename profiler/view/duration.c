#include "view/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* whole and a fraction of `digits` digits, without trailing zeros. */
static int put_decimal(char *text, size_t room, uint64_t value, uint64_t scale, int digits)
{
    int n = snprintf(text, room, "%" PRIu64, value / scale);
    uint64_t fraction = value % scale;
    if (!fraction)
        return n;
    n += snprintf(text + n, room - (size_t)n, ".%0*" PRIu64, digits, fraction);
    while (text[n - 1] == '0')
        text[--n] = '\0';
    return n;
}

static void put_below_second(char *text, size_t room, uint64_t ns)
{
    static const struct {
        uint64_t scale;
        int digits;
        const char *unit;
    } units[] = {{1000000, 6, "ms"}, {1000, 3, "µs"}, {1, 0, "ns"}};
    int i = ns >= 1000000 ? 0 : ns >= 1000 ? 1 : 2;
    int n = put_decimal(text, room, ns, units[i].scale, units[i].digits);
    snprintf(text + n, room - (size_t)n, "%s", units[i].unit);
}

void duration_format(int64_t ns, char *text)
{
    const uint64_t second = 1000000000, minute = 60 * second, hour = 60 * minute;
    size_t room = DURATION_TEXT;
    uint64_t u = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    if (u == 0) {
        strcpy(text, "0s");
        return;
    }
    if (ns < 0) {
        *text++ = '-';
        room--;
    }
    if (u < second) {
        put_below_second(text, room, u);
        return;
    }
    int n = 0;
    if (u >= hour)
        n += snprintf(text, room, "%" PRIu64 "h", u / hour);
    if (u >= minute)
        n += snprintf(text + n, room - (size_t)n, "%" PRIu64 "m", u % hour / minute);
    n += put_decimal(text + n, room - (size_t)n, u % minute, second, 9);
    snprintf(text + n, room - (size_t)n, "s");
}
