#include "export/environment.h"

#include "export/request.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

static int read_number(
    const char *name, int64_t fallback, int64_t max, int64_t *out, const char *wanted, struct error *error)
{
    const char *text = getenv(name);
    int64_t n = fallback;
    if (text && *text && (!request_number(text, &n) || n < 0 || n > max))
        return error_set(error, ERR_INVALID, "%s=%s: %s", name, text, wanted);
    *out = n;
    return 0;
}

static int read_switch(const char *name, bool *out, struct error *error)
{
    const char *text = getenv(name);
    if (text && *text && strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
        return error_set(error, ERR_INVALID, "%s=%s: 0 or 1 is wanted", name, text);
    *out = text && strcmp(text, "1") == 0;
    return 0;
}

/* Who starts a program that has more rights than they (setuid, file capabilities) writes its environment:
 * that may neither say where it shows its inside nor, passed over in silence, take away a token it relies on.
 */
static int refuse_strangers(struct error *error)
{
    static const char *const names[] = {"CPROF_HTTP", "CPROF_TOKEN", "CPROF_ALLOW_REMOTE", "CPROF_FORK",
        "CPROF_HEAP_RATE", "CPROF_MUTEX_FRACTION", "CPROF_BLOCK_RATE"};
    for (size_t i = 0; getauxval(AT_SECURE) && i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return error_set(error, ERR_DENIED,
                "%s is set, and this program has more rights than who started it (setuid): that may not tell "
                "it",
                names[i]);
    return 0;
}

int environment_read(struct environment *out, struct error *error)
{
    struct environment c = {.address = getenv("CPROF_HTTP"), .token = getenv("CPROF_TOKEN")};
    int64_t fraction;
    static const char power[] = "a power of two, or 0 for off, is wanted";
    int code = refuse_strangers(error);
    if (!code)
        code = read_number("CPROF_MUTEX_FRACTION", 100, INT_MAX, &fraction,
            "a number from 0 (off) to 2147483647 is wanted", error);
    if (!code)
        code = read_number("CPROF_BLOCK_RATE", 10000, INT64_MAX, &c.capture.block_rate_ns,
            "a number of nanoseconds, or 0 for off, is wanted", error);
    if (!code)
        code = read_number(
            "CPROF_HEAP_RATE", 524288, INT64_C(1) << 40, &c.capture.heap_rate_bytes, power, error);
    if (!code && (c.capture.heap_rate_bytes & (c.capture.heap_rate_bytes - 1)))
        code = error_set(error, ERR_INVALID, "CPROF_HEAP_RATE=%s: %s", getenv("CPROF_HEAP_RATE"), power);
    if (!code)
        code = read_switch("CPROF_ALLOW_REMOTE", &c.allow_remote, error);
    if (!code)
        code = read_switch("CPROF_FORK", &c.fork, error);
    if (code)
        return code;
    c.capture.mutex_fraction = (int)fraction;
    c.address = c.address && *c.address ? c.address : "127.0.0.1:6060";
    c.token = c.token ? c.token : "";
    if (c.allow_remote && !*c.token)
        return error_set(error, ERR_DENIED, "CPROF_ALLOW_REMOTE=1 needs CPROF_TOKEN, which is not set");
    *out = c;
    return 0;
}
